"""What has happened and has not been counted or handed on: one row per commit, taken by ``fold``."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from routing import sql
from routing.models import EventBatch

#: Bytes of an id.
_ID = 16


def put(events: Sequence[str], now: dt.datetime) -> None:
    """Note these events (the hex digits of their ids) of the current transaction. One small statement, whatever their
    number."""
    if events:
        held = bytes.fromhex("".join(events))
        sql.execute("INSERT INTO routing_eventbatch (created_at, events) VALUES (%s, %s)", [sql.time(now), held])


def number(batch: EventBatch) -> int:
    """How many events a batch holds."""
    return len(batch.events) // _ID


def ids(batch: EventBatch) -> list[uuid.UUID]:
    """The events of a batch, in the order they happened."""
    held = bytes(batch.events)
    return [uuid.UUID(bytes=held[at : at + _ID]) for at in range(0, len(held), _ID)]
