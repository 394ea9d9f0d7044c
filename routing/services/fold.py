"""What happened is counted, and handed to webhooks and assignment callbacks: each event exactly once.

The outbox is taken, the figures are added to, the deliveries are made and the outbox is emptied in one transaction by
one process at a time. Order is that of the commits (see ``EventBatch``), so the deliveries of a task are, too.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing import sql
from routing.models import Delivery, Event, EventBatch, Folding, Receiver, Stay, Tally, WorkerTally, Workspace
from routing.models.tally import HOUR, MINUTE
from routing.services import callbacks, outbox
from routing.statistics import counting, reading, tallies
from routing.statistics.counting import Counted

log = structlog.get_logger(__name__)

#: Commits, and about how many events, counted in one transaction: on SQLite it holds up every other writer.
BATCHES, EVENTS = 100, 400
#: How long events, and figures, are kept. The hour is for the first edge of the oldest statistics one may ask for.
EVENTS_KEPT = dt.timedelta(days=30, hours=1)
FIGURES_KEPT = dt.timedelta(days=400)
#: Rows deleted by one sweep.
DELETED = 5_000


class _Taken(Exception):
    """Another process has counted some of these events meanwhile."""


def fold(now: dt.datetime) -> int:
    """Take a part of the outbox. Returns how many events it held: 0 = nothing is left, or another process is at it."""
    batches = _take()
    if not batches:
        return 0
    # Read and counted before the transaction, which is then short.
    events = reading.events_of(batches)
    sums = tallies.Sums()
    for event in events:
        sums.add(event)
    try:
        with transaction.atomic():
            if not _hold():
                return 0
            if EventBatch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()[0] != len(batches):
                raise _Taken
            sums.store()
            _hand_on(events, now)
            Folding.objects.filter(pk=1).update(rounds=F("rounds") + 1)
    except _Taken:
        return 0
    return sum(outbox.number(batch) for batch in batches)


def _take() -> list[EventBatch]:
    taken: list[EventBatch] = []
    number = 0
    for batch in EventBatch.objects.order_by("id")[:BATCHES]:
        taken.append(batch)
        number += outbox.number(batch)
        if number >= EVENTS:
            break
    return taken


def _hold() -> bool:
    """Nobody else folds until this transaction ends. False: somebody does."""
    mine = Folding.objects.select_for_update(skip_locked=True).filter(pk=1)
    if mine.first() is not None:
        return True
    Folding.objects.bulk_create([Folding(pk=1)], ignore_conflicts=True)
    return mine.first() is not None


def _hand_on(events: list[Counted], now: dt.datetime) -> None:
    """A delivery for every event a workspace's callback wants; offers to ask a workflow's server about."""
    callbacks.note(events)
    wanted = receivers()
    if not wanted:
        return
    Delivery.objects.bulk_create(
        [
            Delivery(
                event_id=event.id,
                workspace_id=event.workspace_id,
                stream=stream_of(event.task_id, event.worker_id, event.workspace_id),
                created_at=now,
                due_at=now,
            )
            for event in events
            if event.workspace_id in wanted and is_wanted(event.type, wanted[event.workspace_id])
        ]
    )


def receivers() -> dict[uuid.UUID, frozenset[str]]:
    """The workspaces that have a callback, or had one until they were deleted, and the event types it wants; none
    means all."""
    rows = [
        *Workspace.objects.exclude(event_callback_url="").values_list("pk", "events_filter"),
        *Receiver.objects.exclude(url="").values_list("pk", "events_filter"),
    ]
    return {row_id: frozenset(name for part in wanted.split(",") if (name := part.strip())) for row_id, wanted in rows}


def stream_of(task_id: uuid.UUID | None, worker_id: uuid.UUID | None, workspace_id: uuid.UUID) -> uuid.UUID:
    """Whose events arrive in order: the task's; the worker's that are about no task; the workspace's own."""
    return task_id or worker_id or workspace_id


def is_wanted(type: str, wanted: frozenset[str]) -> bool:
    return not wanted or type in wanted


# ---- keeping, recounting -------------------------------------------------------------------------------------------


def forget(now: dt.datetime) -> int:
    """Delete what has been kept long enough, a bounded part of it. Figures outlive their events. Returns how many."""
    gone = _delete(Tally.objects.filter(width=MINUTE, start__lt=now - reading.MINUTES_KEPT))
    long_ago = now - FIGURES_KEPT
    gone += _delete(Tally.objects.filter(width=HOUR, start__lt=long_ago))
    for workspace_id in Workspace.objects.values_list("pk", flat=True):
        gone += _delete(WorkerTally.objects.filter(workspace_id=workspace_id, start__lt=long_ago))
        gone += _delete(Stay.objects.filter(workspace_id=workspace_id, ended_at__lt=long_ago))
    old = now - EVENTS_KEPT
    gone += _delete(Delivery.objects.filter(created_at__lt=old))
    gone += _delete(Receiver.objects.filter(gone_at__lt=old))
    if not EventBatch.objects.filter(created_at__lt=old).exists():
        gone += _delete(Event.objects.filter(created_at__lt=old))
    return gone


def _delete(rows: QuerySet[Any]) -> int:
    found = list(rows.order_by().values_list("pk", flat=True)[:DELETED])
    return rows.model._default_manager.filter(pk__in=found).delete()[0] if found else 0


def recount(now: dt.datetime, *, check: bool) -> list[str]:
    """Count everything again from the events that are kept and, unless this is a ``check``, replace the figures by it.

    Returns where they differ, one line each; what has not been folded yet counts as folded. Hours older than the
    oldest event that must still be there are left alone.
    """
    since = tallies.ceiling(now - EVENTS_KEPT, HOUR)
    minutes_since = tallies.ceiling(now - reading.MINUTES_READ, HOUR)
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost and connection.vendor == "postgresql":
            sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", [])
        if not _hold():
            raise Refused(_("Figures are being folded just now; try again."), code="routing.folding")
        right, kept = tallies.Sums(), tallies.Sums()
        rows = Event.objects.filter(created_at__gte=since, type__in=counting.TYPES).order_by()
        for row in rows.values_list(*Counted._fields).iterator(chunk_size=2_000):
            right.add(Counted(*row))
        kept.load(since, minutes_since)
        for event in reading.unfolded():
            if event.created_at >= since:
                kept.add(event)
        right.forget_minutes(minutes_since)
        kept.forget_minutes(minutes_since)
        differences = right.differences(kept)
        if not check:
            _replace(right, since, minutes_since, now)
    return differences


def _replace(right: tallies.Sums, since: dt.datetime, minutes_since: dt.datetime, now: dt.datetime) -> None:
    """Put the counted figures in the place of the kept ones; the outbox keeps only what webhooks still need."""
    tallies.clear(since, minutes_since)
    while EventBatch.objects.exists():
        batches = list(EventBatch.objects.order_by("id")[:BATCHES])
        _hand_on(reading.events_of(batches), now)
        EventBatch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()
    right.store()
    Folding.objects.filter(pk=1).update(rounds=F("rounds") + 1)
