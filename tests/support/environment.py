"""What must be settled before Django is: which servers, which data folder. Imported first by tests/conftest.py."""

from __future__ import annotations

import os
import sys
import tempfile

import django

from tests.support import servers

_data = tempfile.TemporaryDirectory(prefix="cc-test-")


def clean_up() -> None:
    """Stop and remove what ``prepare`` made."""
    servers.stop_after_this_run()
    _data.cleanup()


def prepare() -> None:
    """Set the environment and load Django. ``--stack`` starts the private servers (xdist's workers inherit them)."""
    if "--stack" in sys.argv and "PYTEST_XDIST_WORKER" not in os.environ:
        servers.start_for_this_run()
    if "--stack" not in sys.argv and "PYTEST_XDIST_WORKER" not in os.environ:
        # A developer's own database is never touched by the suite.
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
    os.environ["DATA_DIR"] = _data.name
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    # xdist's workers share one Redis.
    os.environ["REDIS_PREFIX"] = "test-" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    os.environ["DJANGO_SETTINGS_MODULE"] = "contactcenter.settings.test"
    # Here and not by pytest-django, which would load the settings before anything of ours has run.
    django.setup()
