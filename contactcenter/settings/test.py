"""The suite's settings: SQLite unless DATABASE_URL says otherwise, cheap password hashing.

The environment they are read with is prepared by tests/support/environment.py.
"""

from __future__ import annotations

from contactcenter.settings import *  # noqa: F403
from contactcenter.settings import DATA_DIR, DATABASE_URL, DATABASES

SECRET_KEY = "test-only"  # noqa: S105
SEALING_KEYS = ["dGVzdC1vbmx5LXNlYWxpbmcta2V5LTMyLWJ5dGVzISE="]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False  # it locks out clients that guess; its own tests turn it on
WHITENOISE_AUTOREFRESH = True  # do not read every static file once per test run
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

if DATABASE_URL:
    # A pool's spare connections would keep the test database from being dropped.
    DATABASES["default"]["OPTIONS"].pop("pool", None)
else:
    # A file in the run's own folder, in WAL mode as shipped: the in-memory database is shared between threads with
    # table locks that no timeout waits for.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
