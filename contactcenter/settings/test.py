"""The suite's settings: SQLite in memory unless DATABASE_URL says otherwise, cheap hashing, its own data folder."""

from __future__ import annotations

import os
import tempfile

# The developer's own data folder is never touched: set before the settings read it.
os.environ["DATA_DIR"] = os.environ.get("TEST_DATA_DIR") or tempfile.mkdtemp(prefix="contactcenter-test-")
os.environ.setdefault("LOG_LEVEL", "WARNING")
# Workers of pytest-xdist share one Redis.
os.environ.setdefault("REDIS_PREFIX", "test-" + os.environ.get("PYTEST_XDIST_WORKER", "main"))

from contactcenter.settings import *  # noqa: F403
from contactcenter.settings import DATABASE_URL, DATABASES

SECRET_KEY = "test-only"  # noqa: S105
SEALING_KEYS = ["dGVzdC1vbmx5LXNlYWxpbmcta2V5LTMyLWJ5dGVzISE="]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False  # it locks out clients that guess; its own tests turn it on
WHITENOISE_AUTOREFRESH = True  # do not read every static file once per test run
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

if DATABASE_URL:
    DATABASES["default"]["OPTIONS"].pop(
        "pool", None
    )  # its spare connections would keep the test database from being dropped
else:
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
