"""What must be settled before Django is: which servers, which data folder. Imported first by tests/conftest.py."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

import django

from contactcenter.bench import servers

_servers = contextlib.ExitStack()
_data = tempfile.TemporaryDirectory(prefix="cc-test-")


def clean_up() -> None:
    """Stop and remove what ``prepare`` made."""
    _servers.close()
    _data.cleanup()


def prepare() -> None:
    """Set the environment and load Django. ``--stack`` starts the private servers (xdist's workers inherit them)."""
    if "--stack" in sys.argv and "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ.update(_servers.enter_context(servers.running()).environment)
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
