"""Sealing of secrets at rest: Fernet (AES-128-CBC + HMAC-SHA256), keys from ``settings.SEALING_KEYS``.

The first key seals; every key opens, so keys can be rotated. Keys live in the environment (or the
data folder's key file in embedded mode), never in the database.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from contactcenter.lib.errors import ContactCenterError


class CannotUnseal(ContactCenterError):
    """A sealed value cannot be opened with any configured key."""

    code = "crypto.cannot_unseal"


@functools.lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(value: Any) -> str:
    """Any JSON value -> an opaque ASCII token."""
    return _fernet(tuple(settings.SEALING_KEYS)).encrypt(json.dumps(value).encode()).decode()


def unseal(token: str) -> Any:
    """The JSON value behind a token made by ``seal``. Raises ``CannotUnseal``."""
    try:
        return json.loads(_fernet(tuple(settings.SEALING_KEYS)).decrypt(token.encode()))
    except (InvalidToken, ValueError) as error:
        raise CannotUnseal(
            "A stored secret cannot be opened. Restore the SEALING_KEYS it was sealed with, or enter the secret again."
        ) from error


def hash_token(token: str) -> str:
    """SHA-256 hex of a high-entropy token: what is stored instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()
