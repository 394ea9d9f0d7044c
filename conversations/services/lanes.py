"""Lanes: everything about one customer on one channel, in order, by one worker at a time, whatever dies.

On PostgreSQL the lock is a session advisory lock: it spans the drain's many transactions and those of the receivers,
and the server drops it the moment the worker's connection is gone. (Behind a transaction-pooling proxy session locks
do not work; connect to the server itself.) Elsewhere (SQLite: one process) a set in memory does the same. The set is
kept on PostgreSQL too: the same session may take an advisory lock twice.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import threading
import uuid
from collections.abc import Iterable, Iterator

import structlog
from django.db import connection, transaction

from conversations.models import InboundEvent
from conversations.services import plain

log = structlog.get_logger(__name__)

_guard = threading.Lock()
_held: set[str] = set()


def name(channel_id: uuid.UUID, address: str) -> str:
    """The lane of one customer on one channel."""
    return f"{channel_id.hex}:{address}"


def number(lane: str) -> int:
    """A lane's name as the signed 64-bit number PostgreSQL locks by."""
    return int.from_bytes(hashlib.blake2b(lane.encode(), digest_size=8).digest(), "big", signed=True)


@contextlib.contextmanager
def claimed(lane: str) -> Iterator[bool]:
    """True inside when this worker alone drains the lane. Never waits."""
    with _guard:
        free = lane not in _held
        if free:
            _held.add(lane)
    if not free:
        yield False
        return
    try:
        if connection.vendor != "postgresql":
            yield True
            return
        if not _try_lock(lane):
            yield False
            return
        try:
            yield True
        finally:
            _unlock(lane)
    finally:
        with _guard:
            _held.discard(lane)


def _try_lock(lane: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number(lane)])
        return bool(cursor.fetchone()[0])


def _unlock(lane: str) -> None:
    """Give the lock back. When that cannot be done, end the session: a pooled connection would keep the lock."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number(lane)])
    except Exception as error:
        log.warning("lane.session_ended", error=type(error).__name__)
        raw = connection.connection
        if raw is not None:
            with contextlib.suppress(Exception):
                raw.close()
        if not connection.in_atomic_block:
            connection.close()


def ring(names: Iterable[str]) -> None:
    """Tell the workers to look into these lanes. A hint: it may be lost."""
    from conversations import jobs

    for lane in names:
        jobs.drain_lane.delay(lane=lane)


def wake(lane: str, *, now: dt.datetime) -> int:
    """What waits in a lane for an unknown message becomes pending. Returns how many."""
    if not plain.exists(InboundEvent, "lane = %s AND status = 'waiting'", (None, lane)):  # nearly always
        return 0
    rows = InboundEvent.objects.filter(lane=lane, status=InboundEvent.Status.WAITING)
    return rows.update(status=InboundEvent.Status.PENDING, due_at=now)


def wake_on_commit(channel_id: uuid.UUID, address: str, *, now: dt.datetime) -> None:
    """A message to this customer got its provider's id: what waited for it is tried again."""
    lane = name(channel_id, address)
    if wake(lane, now=now):
        transaction.on_commit(functools.partial(ring, [lane]), robust=True)
