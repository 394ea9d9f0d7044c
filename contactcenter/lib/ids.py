"""Row ids and public ids (sids).

A row's primary key is a UUIDv7 (RFC 9562: time-ordered). Its public id is two letters and the
32 hex digits of that UUID, the form the field's SDKs expect (``WT0192...``).
"""

from __future__ import annotations

import re
import secrets
import uuid

import uuid_utils
from uuid_utils.compat import uuid7 as _uuid7

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


def new_id() -> uuid.UUID:
    """A new time-ordered UUIDv7."""
    return _uuid7()


def new_hex() -> str:
    """The hex digits of a new id, where that is all somebody wants of it."""
    return uuid_utils.uuid7().hex


def to_sid(prefix: str, row_id: uuid.UUID) -> str:
    """``("CH", uuid)`` -> ``"CH" + 32 hex digits``."""
    return prefix + row_id.hex


def parse_sid(prefix: str, sid: object) -> uuid.UUID | None:
    """The row id behind a sid, or None when it is not a sid with this prefix."""
    if not isinstance(sid, str) or not _SID.fullmatch(sid) or not sid.startswith(prefix):
        return None
    return uuid.UUID(hex=sid[2:])


def new_token(nbytes: int = 32) -> str:
    """An unguessable URL-safe token of ``nbytes`` random bytes."""
    return secrets.token_urlsafe(nbytes)
