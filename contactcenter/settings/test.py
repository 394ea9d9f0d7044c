"""The suite's settings: SQLite in memory unless DATABASE_URL says otherwise, cheap password hashing."""

from contactcenter.settings import *  # noqa: F403
from contactcenter.settings import DATABASE_URL, DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SEALING_KEYS = ["dGVzdC1vbmx5LXNlYWxpbmcta2V5LTMyLWJ5dGVzISE="]
if not DATABASE_URL:
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
