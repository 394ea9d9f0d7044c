"""Reading untrusted JSON: every helper returns a scrubbed value of its type or raises ``Broken``. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from typing import Any

from contactcenter.lib.errors import UnparsablePayload
from contactcenter.lib.text import scrub, scrub_json, scrub_name

#: The longest id a row of ours can hold.
MAX_ID = 255
#: Timestamps below this are seconds (the ``changes`` form has them), above it milliseconds.
_SECONDS_BELOW = 100_000_000_000
_EARLIEST = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Broken(Exception):
    """This element cannot be read. The text says why, for the admin's list of quarantined events."""


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises ``UnparsablePayload``.

    Broken UTF-8 in one text must not cost the whole batch, so it is replaced. ``NaN`` and ``Infinity`` become null:
    Python's decoder lets them through, PostgreSQL's jsonb does not.
    """
    try:
        value = json.loads(body.decode("utf-8", "replace"), parse_constant=lambda name: None)
    except (ValueError, RecursionError):  # ValueError: not JSON, or a number of more than 4300 digits
        raise UnparsablePayload("The request is not JSON.") from None
    if not isinstance(value, dict):
        raise UnparsablePayload("The request is not a JSON object.")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Broken(f"{name} is not an object")
    return value


def optional_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text(value: Any, name: str) -> str:
    """A text that may be absent: "" then."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken(f"{name} is not a text")
    return scrub(value)


def identifier(value: Any, name: str) -> str:
    """An id: a text, or a number as some events have it."""
    found = optional_identifier(value)
    if not found:
        raise Broken(f"{name} is missing or not an id")
    return found


def optional_identifier(value: Any) -> str:
    """An id, or "" when there is none that fits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 < value < 10**30 else ""
    return "" if not isinstance(value, str) or len(value) > MAX_ID else scrub(value)


def one_line(value: Any, limit: int = 256) -> str:
    return scrub_name(value, limit) if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def moment(value: Any, received_at: dt.datetime) -> dt.datetime | None:
    """A provider's time in milliseconds (or seconds), as a number or digits; None when it is none.

    Never later than ``received_at``: a date in the future would hold reply windows open and sort last for ever.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    ticks = number(value)
    if ticks is None or ticks <= 0:
        return None
    try:
        found = _EPOCH + dt.timedelta(milliseconds=ticks * 1000 if ticks < _SECONDS_BELOW else ticks)
    except OverflowError:
        return received_at
    return min(found, received_at) if found >= _EARLIEST else None


def raw(value: Any) -> dict[str, Any]:
    """What came, made fit for a row: for admins to look at."""
    cleaned = scrub_json(value)
    return cleaned if isinstance(cleaned, dict) else {"value": cleaned}


def digest(*parts: Any) -> str:
    """A stable fingerprint of JSON values."""
    canonical = json.dumps(scrub_json(list(parts)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:40]


def key(kind: str, *parts: str) -> str:
    """An event's key: readable while short, a fingerprint of itself when too long for its column."""
    joined = ":".join((kind, *parts))
    return joined if len(joined) <= 200 else f"{kind}:{digest(*parts)}"
