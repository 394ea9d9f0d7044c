"""Doing what the inbox holds: the oldest event of a lane first, each in its own transactions with its own outcome.

A failing event holds up its lane for a few quick tries (order is the promise), then it is FAILED and visible, and the
lane goes on. An event whose message is not known yet waits aside and holds up nobody.
"""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.db.models import Min, Q
from django.utils.translation import gettext as _

from channels_adapters.contract import (
    Deletion,
    Echo,
    Edit,
    InboundMessage,
    Postback,
    Reaction,
    Receipt,
    Unsupported,
)
from contactcenter.lib import crash
from contactcenter.lib.errors import ContactCenterError
from contactcenter.lib.text import scrub
from conversations import events, wire
from conversations.models import Channel, InboundEvent
from conversations.services import contacts, lanes, plain, receipts, received

log = structlog.get_logger(__name__)

#: Tries of an event before it is FAILED, and the seconds between them.
BACKOFF = (0.5, 1.0, 2.0, 4.0)
#: How long news for an unknown message waits before it is given up.
PATIENCE = dt.timedelta(days=1)
#: An event this late has probably outlived a worker: its try is counted before it is made, so that one which kills
#: every worker it meets ends as FAILED as well.
LATE = dt.timedelta(seconds=10)
#: Events of one lane done in one go, and the seconds after which a long lane gives way to others.
BATCH = 100
TIME_SLICE = 5.0
#: Lanes a sweep announces at once.
SWEEP = 200

_Status = InboundEvent.Status


def drain_lane(lane: str, *, now: dt.datetime) -> int:
    """Do what is due in a lane, in order. Returns how many events came to an end; 0 when another worker is on it.

    Whoever holds the lane looks again after letting go, so an event committed meanwhile is never left behind.
    """
    started = time.monotonic()
    count = 0
    while True:
        with lanes.claimed(lane) as mine:
            if not mine:
                return count
            done, is_blocked = _drain(lane, now=now, started=started)
            count += done
        if is_blocked or not _has_due(lane, now=_later(now, started)):
            return count
        if time.monotonic() - started > TIME_SLICE:
            lanes.ring([lane])
            return count


def _later(now: dt.datetime, started: float) -> dt.datetime:
    """``now`` moved on by the time spent since."""
    return now + dt.timedelta(seconds=time.monotonic() - started)


def _pending(lane: str) -> list[InboundEvent]:
    """What there is to do, oldest first, and after it what waits ("pending" sorts before "waiting")."""
    rows = plain.select(
        InboundEvent,
        f"WHERE lane = %s AND status IN ('pending', 'waiting') ORDER BY status, at, id LIMIT {BATCH}",
        (None, lane),
    )
    key = Channel._meta.pk
    channels = {one: plain.first(Channel, "WHERE id = %s", (key, one)) for one in {row.channel_id for row in rows}}
    for row in rows:
        row.channel = channels[row.channel_id]
    return rows


def _has_due(lane: str, *, now: dt.datetime) -> bool:
    """Is there something to do in the lane now? A head that has to wait holds up the rest."""
    head = plain.first(InboundEvent, "WHERE lane = %s AND status = 'pending' ORDER BY at, id LIMIT 1", (None, lane))
    return head is not None and (head.due_at is None or head.due_at <= now)


def _drain(lane: str, *, now: dt.datetime, started: float) -> tuple[int, bool]:
    """One batch. Returns (events that ended, whether the head has to be tried again later)."""
    rows = _pending(lane)
    crash.point("lane.claimed")
    waiting = any(row.status == _Status.WAITING for row in rows)
    count = 0
    for row in rows:
        if row.status != _Status.PENDING:
            break
        at = _later(now, started)
        if row.due_at is not None and row.due_at > at:
            return count, True
        outcome = _attempt(row, now=at)
        if outcome == _Status.PENDING:
            return count, True
        count += 1
        crash.point("lane.done")
        if outcome == _Status.DONE and waiting and row.kind in ("message", "postback", "unsupported", "echo"):
            lanes.wake(lane, now=at)
    return count, False


def _attempt(row: InboundEvent, *, now: dt.datetime) -> str:
    """One try of one event. Returns its new status. Errors of the database itself go through once it cannot even
    write down the failure: that is nobody's poison, the sweep tries again."""
    is_late = now - (row.due_at or row.created_at) > LATE
    if is_late:
        row.attempts += 1
        InboundEvent.objects.filter(pk=row.pk).update(attempts=row.attempts)
        if row.attempts > 2 * len(BACKOFF):
            return _end(row, _Status.FAILED, _("Every worker that tried this event died."), now=now)
    try:
        outcome, reason = process(row, now=now)
    except Exception as error:
        return _failed(row, error, is_counted=is_late, now=now)
    if outcome == _Status.WAITING:
        return _wait(row, now=now)
    return _end(row, outcome, reason, now=now)


def _end(row: InboundEvent, status: str, reason: str, *, now: dt.datetime) -> str:
    row.status, row.error, row.done_at, row.due_at = status, reason, now, None
    plain.update(row, "status", "error", "done_at", "due_at")
    return status


def _failed(row: InboundEvent, error: Exception, *, is_counted: bool, now: dt.datetime) -> str:
    attempts = row.attempts + (0 if is_counted else 1)
    reason = error.message if isinstance(error, ContactCenterError) else type(error).__name__
    is_final = attempts > len(BACKOFF)
    status = _Status.FAILED if is_final else _Status.PENDING
    due_at = None if is_final else now + dt.timedelta(seconds=BACKOFF[attempts - 1])
    InboundEvent.objects.filter(pk=row.pk).update(
        status=status, attempts=attempts, error=scrub(reason), due_at=due_at, done_at=now if is_final else None
    )
    log.exception("inbound.event_failed", event_row=row.sid, attempts=attempts, is_final=is_final)
    return status


def _wait(row: InboundEvent, *, now: dt.datetime) -> str:
    age = now - row.created_at
    if age >= PATIENCE:
        return _end(row, _Status.IGNORED, _("The message it speaks of never came."), now=now)
    due_at = now + max(dt.timedelta(seconds=5), age / 2)
    InboundEvent.objects.filter(pk=row.pk).update(status=_Status.WAITING, due_at=due_at)
    return _Status.WAITING


def process(row: InboundEvent, *, now: dt.datetime) -> tuple[str, str]:
    """Carry out one event. Returns (status, reason); raises what its services and receivers raise."""
    event = wire.from_json(row.kind, row.body)
    channel = row.channel
    assert channel is not None
    match event:
        case InboundMessage() | Postback() | Unsupported():
            message, created = received.store(channel, event, now=now)
            if message is None:
                return _Status.IGNORED, _("It belongs to no conversation.")
            crash.point("message.stored")
            # Each receiver commits for itself; told again after a crash, it finds its work done.
            events.message_received.send(
                sender=None,
                message_id=message.pk,
                conversation_id=message.conversation_id,
                created=created,
                now=now,
            )
            if created:
                contacts.get_to_know(channel, message.conversation.identity)
            is_known = True
        case Receipt():
            is_known = receipts.record_status(channel, event, now=now)
        case Edit():
            is_known = received.edit(channel, event, now=now)
        case Deletion():
            is_known = received.delete(channel, event, now=now)
        case Reaction():
            is_known = received.react(channel, event, now=now)
        case Echo():
            is_known = received.echo(channel, event, now=now, received_at=row.created_at)
        case _:
            return _Status.IGNORED, _("Nothing to do.")
    return (_Status.DONE if is_known else _Status.WAITING), ""


def sweep(*, now: dt.datetime) -> int:
    """Announce lanes whose hint was lost, whose worker died or whose next try is due. Returns how many."""
    waiting = InboundEvent.objects.filter(status=_Status.WAITING, due_at__lte=now)
    if waiting.exists():  # an UPDATE takes SQLite's write lock even when it finds nothing
        waiting.update(status=_Status.PENDING, due_at=now)
    stale = now - dt.timedelta(seconds=1)
    rows = InboundEvent.objects.filter(
        Q(due_at__isnull=True) | Q(due_at__lte=now), status=_Status.PENDING, created_at__lte=stale
    )
    found = rows.values_list("lane").annotate(since=Min("created_at")).order_by("since")[:SWEEP]
    names = [lane for lane, _since in found]
    lanes.ring(names)
    return len(names)
