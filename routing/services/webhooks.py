"""Events on their way to a workspace's callback URL: at least once, and in order within a stream.

Deliveries are rows (``fold`` makes them). A sender claims the head of a stream with a lease, sends outside any
transaction and writes down what came of it under the claim's number; killed in between, the lease runs out and the
same event is sent again. A receiver that fails several times in a row is left alone for a while (``Receiver``), and
never has more than a few requests under way, so it costs nobody else anything.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import time
import uuid
from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing import event_wire
from routing.models import Delivery, Event, Receiver, Workspace
from routing.services import breaker, fold, posting
from routing.services.breaker import Failure

log = structlog.get_logger(__name__)

#: Seconds a receiver has for its answer, TaskRouter's own limit.
TIMEOUT = 15.0
#: Longer than any request may take.
LEASE = dt.timedelta(seconds=60)
#: Tries before a delivery is given up; with the waits between them, about six hours.
TRIES = 16
MAX_BACKOFF = 3_600.0
#: Deliveries that could not be sent for that long (the receiver is gone) are given up without further tries.
GIVE_UP_AFTER = dt.timedelta(days=3)
#: Requests under way at one receiver.
AT_ONCE = 3
#: How long one job sends (s) before it makes room for others.
SHIFT = 20.0
#: Deliveries given up, or made for a replay, at a time.
CHUNK = 1_000
MAX_REPLAY = 100_000

Status = Delivery.Status


@dataclasses.dataclass(frozen=True)
class Claim:
    """A delivery that is ours to send, as leased: its outcome is recorded under that ``lease_epoch``."""

    delivery: Delivery
    url: str


def send(workspace_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Send what is due at this workspace's receiver, for one shift at most. Returns how many requests were made."""
    started = time.monotonic()
    made = 0
    stream: uuid.UUID | None = None
    while (passed := time.monotonic() - started) < SHIFT:
        at = now + dt.timedelta(seconds=passed)
        claim = _claim(workspace_id, stream, now=at)
        if claim is None:
            return made
        failure = _post(claim, now=at)
        made += 1
        stream = claim.delivery.stream
        record(claim, failure, now=now + dt.timedelta(seconds=time.monotonic() - started))
    _ring(workspace_id)
    return made


# ---- claiming ------------------------------------------------------------------------------------------------------


def _claim(workspace_id: uuid.UUID, stream: uuid.UUID | None, *, now: dt.datetime) -> Claim | None:
    """The next delivery, leased: of the same stream if it has one due. None: nothing to do, or not now."""
    with transaction.atomic():
        receiver = _receiver(workspace_id)
        url = "" if receiver is None else _address(receiver)
        if receiver is None or not url or not _room(receiver, now):
            return None
        heads = _heads(workspace_id, now)
        head = heads.filter(stream=stream).first() if stream is not None else None
        head = head or heads.first()
        if head is None:
            return None
        head.attempts += 1
        head.lease_epoch += 1
        head.lease_until = now + LEASE
        head.save(update_fields=["attempts", "lease_epoch", "lease_until"])
        return Claim(head, url)


def _room(receiver: Receiver, now: dt.datetime) -> int:
    """How many more requests the receiver may be sent now."""
    limit = breaker.room(receiver, AT_ONCE, now)
    mine = Delivery.objects.filter(workspace_id=receiver.workspace_id, status=Status.DUE)
    return max(0, limit - mine.filter(lease_until__gt=now).count())


def _heads(workspace_id: uuid.UUID, now: dt.datetime) -> QuerySet[Delivery]:
    """The first of every stream, where that is due and nobody's; the longest due first."""
    earlier = Delivery.objects.filter(stream=OuterRef("stream"), status=Status.DUE, id__lt=OuterRef("id"))
    mine = Delivery.objects.filter(workspace_id=workspace_id, status=Status.DUE)
    return mine.filter(_free(now), ~Exists(earlier), due_at__lte=now).order_by("due_at", "id")


def _free(now: dt.datetime) -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lte=now)


def _receiver(workspace_id: uuid.UUID) -> Receiver | None:
    """The workspace's receiver under its lock; None when the workspace is gone, and had none."""
    held = Receiver.objects.select_for_update().filter(pk=workspace_id)
    found = held.first()
    if found is None and Workspace.objects.filter(pk=workspace_id).exists():
        Receiver.objects.bulk_create([Receiver(workspace_id=workspace_id)], ignore_conflicts=True)
        found = held.first()
    return found


def _address(receiver: Receiver) -> str:
    """Where its events go now, or "" for nowhere."""
    known = Workspace.objects.filter(pk=receiver.pk).values_list("event_callback_url", flat=True)
    return receiver.url or known.first() or ""


def outlive(workspace: Workspace, *, now: dt.datetime) -> None:
    """The workspace is deleted in this transaction: what its receiver was to be told still goes there, the deletion
    itself included."""
    if workspace.event_callback_url:
        kept = {"url": workspace.event_callback_url, "events_filter": workspace.events_filter, "gone_at": now}
        Receiver.objects.update_or_create(workspace_id=workspace.pk, defaults=kept)


# ---- sending -------------------------------------------------------------------------------------------------------


def _post(claim: Claim, *, now: dt.datetime) -> Failure | None:
    event = Event.objects.filter(pk=claim.delivery.event_id).first()
    if event is None:  # kept long enough; nothing is left to send
        return None
    answer = posting.post(
        claim.url,
        lambda account_sid: event_wire.form(event, account_sid=account_sid),
        token=event.sid,
        attempt=claim.delivery.attempts,
        timeout=TIMEOUT,
        now=now,
    )
    if isinstance(answer, Failure):
        return answer
    return posting.refusal(answer)


# ---- recording -----------------------------------------------------------------------------------------------------


def record(claim: Claim, failure: Failure | None, *, now: dt.datetime) -> bool:
    """Write down what came of it. False when another sender has claimed it since: that one's outcome counts."""
    with transaction.atomic():
        receiver = _receiver(claim.delivery.workspace_id)
        held = claim.delivery
        row = Delivery.objects.filter(pk=held.pk, lease_epoch=held.lease_epoch, status=Status.DUE).first()
        if row is None or receiver is None:
            log.warning("webhook.fenced_off", delivery=held.pk)
            return False
        if failure is None:
            row.delete()
        else:
            _not_arrived(row, failure, now)
        breaker.judge(receiver, failure, now)
    return True


def _not_arrived(row: Delivery, failure: Failure, now: dt.datetime) -> None:
    row.error, row.lease_until = failure.reason[:200], None
    if row.attempts >= TRIES:
        row.status = Status.DEAD
        log.error("webhook.given_up", event_id=row.event_id, workspace=row.workspace_id, error=row.error)
    else:
        wait = min(MAX_BACKOFF, 2.0**row.attempts)
        row.due_at = now + dt.timedelta(seconds=wait + random.uniform(0.0, wait / 4))
        # Whoever comes after it cannot go before it: they need not be looked at until then.
        followers = Delivery.objects.filter(stream=row.stream, status=Status.DUE, id__gt=row.pk)
        followers.filter(due_at__lt=row.due_at).update(due_at=row.due_at)
    row.save(update_fields=["error", "lease_until", "status", "due_at"])
    if row.status == Status.DEAD:
        Delivery.objects.filter(stream=row.stream, status=Status.DUE, due_at__gt=now).update(due_at=now)


# ---- finding what is due, giving up --------------------------------------------------------------------------------


def ring(now: dt.datetime) -> int:
    """Start senders for every receiver that has something due and may be asked. Returns how many were started."""
    due = Delivery.objects.filter(workspace_id=OuterRef("pk"), status=Status.DUE)
    present = Workspace.objects.exclude(event_callback_url="").values_list("pk", flat=True)
    gone = Receiver.objects.exclude(url="").filter(Exists(due)).values_list("pk", flat=True)
    return sum(_ring_receiver(workspace_id, now) for workspace_id in (*present, *gone))


def _ring_receiver(workspace_id: uuid.UUID, now: dt.datetime) -> int:
    receiver = Receiver.objects.filter(pk=workspace_id).first() or Receiver(workspace_id=workspace_id)
    started = len(_heads(workspace_id, now)[: _room(receiver, now)])
    for _sender in range(started):
        _ring(workspace_id)
    return started


def _ring(workspace_id: uuid.UUID) -> None:
    from routing import jobs

    jobs.send_webhooks.delay(workspace=str(workspace_id))


def give_up_old(now: dt.datetime) -> int:
    """Give up, visibly, what could not be sent for days or has nowhere to go. Returns how many, at most 1,000."""
    present = Workspace.objects.filter(pk=OuterRef("workspace_id")).exclude(event_callback_url="")
    gone = Receiver.objects.filter(pk=OuterRef("workspace_id")).exclude(url="")
    nowhere = ~Exists(present) & ~Exists(gone)
    over = Delivery.objects.filter(status=Status.DUE).filter(Q(created_at__lt=now - GIVE_UP_AFTER) | nowhere)
    found = list(over.filter(_free(now)).order_by("id").values_list("pk", flat=True)[:CHUNK])
    reason = _("It could not be sent for too long, or there is no callback URL any more.")
    return Delivery.objects.filter(pk__in=found).update(status=Status.DEAD, error=reason) if found else 0


# ---- what people do ------------------------------------------------------------------------------------------------


def retry(deliveries: Iterable[Delivery], *, now: dt.datetime) -> int:
    """Send given-up deliveries after all, each at its old place in its stream. Returns how many."""
    keys = [row.pk for row in deliveries]
    dead = Delivery.objects.filter(pk__in=keys, status=Status.DEAD)
    _forgive(set(dead.values_list("workspace_id", flat=True)))
    return dead.update(status=Status.DUE, attempts=0, due_at=now, created_at=now, lease_until=None)


def replay(events: QuerySet[Event], *, now: dt.datetime, only_wanted: bool = False) -> int:
    """Send these events again, whatever became of them before, in their order, after what still waits.

    ``only_wanted``: leave out what the workspace's filter leaves out. Returns how many. Raises ``Refused`` for more
    than 100,000, and when none of their workspaces has a callback URL.
    """
    receivers = fold.receivers()
    wanted = events.filter(workspace__in=list(receivers))
    if not receivers:
        raise Refused(_("The workspace has no callback URL."), code="webhook.no_url")
    if wanted.count() > MAX_REPLAY:
        message = _("At most %(number)s events are sent again at once; choose a later date.") % {"number": MAX_REPLAY}
        raise Refused(message, code="webhook.too_many")
    _forgive(set(receivers))
    columns = ("id", "type", "workspace_id", "task_id", "worker_id")
    order = ("created_at", F("task_seq").asc(nulls_last=True), F("worker_seq").asc(nulls_last=True), "id")
    rows = [
        Delivery(
            event_id=row_id,
            workspace_id=workspace_id,
            stream=fold.stream_of(task_id, worker_id, workspace_id),
            created_at=now,
            due_at=now,
            is_replay=True,
        )
        for row_id, type, workspace_id, task_id, worker_id in wanted.order_by(*order).values_list(*columns)
        if not only_wanted or fold.is_wanted(type, receivers[workspace_id])
    ]
    for start in range(0, len(rows), CHUNK):  # each in a transaction of its own: nobody else waits for all of them
        Delivery.objects.bulk_create(rows[start : start + CHUNK])
    return len(rows)


def _forgive(workspace_ids: set[uuid.UUID]) -> None:
    """Somebody says it is well again: try now, not when its time is over."""
    Receiver.objects.filter(pk__in=workspace_ids).update(failures=0, open_until=None)
