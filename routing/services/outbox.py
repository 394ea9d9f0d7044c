"""What has happened and has not been counted or handed on: one row per commit, taken by ``fold``."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from django.db import connection

from routing import sql
from routing.models import EventBatch


class Kept(Protocol):
    """An event that is a row now."""

    @property
    def pk(self) -> uuid.UUID: ...


def put(events: Sequence[Kept], now: dt.datetime) -> None:
    """Note these events of the current transaction. One small statement, whatever their number."""
    if events:
        held = connection.Database.Binary(b"".join(event.pk.bytes for event in events))  # type: ignore[attr-defined]
        sql.execute("INSERT INTO routing_eventbatch (created_at, events) VALUES (%s, %s)", [sql.time(now), held])


def ids(batch: EventBatch) -> list[uuid.UUID]:
    """The events of a batch, in the order they happened."""
    held = bytes(batch.events)
    return [uuid.UUID(bytes=held[at : at + 16]) for at in range(0, len(held), 16)]
