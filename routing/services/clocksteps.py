"""After the clock was set back: rows written by the clock that was ahead would wait for a time that is long in coming.

What they wait for is measured again from now. (Set forward, everything is simply later: what is due then is due.)
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import F, Q

from routing.models import Reservation, Task, Transfer, Worker, WorkerSocket
from routing.services import locks

log = structlog.get_logger(__name__)

#: Seconds by which machines' clocks differ anyway.
SLACK = 5.0


def mend(now: dt.datetime) -> int:
    """Bring back to ``now`` what was written after it. How many rows; nothing to do costs a few small queries."""
    future = now + dt.timedelta(seconds=SLACK)
    mended = _mend_offers(now, future) + _mend_tasks(now, future)
    mended += _mend_idleness(now, future)
    for model, field in ((WorkerSocket, "seen_at"), (Worker, "vanished_at")):
        mended += model.objects.filter(**{f"{field}__gt": future}).update(**{field: now})
    live = Transfer.objects.filter(status=Transfer.Status.INITIATED, created_at__gt=future)
    mended += live.update(expires_at=F("expires_at") - F("created_at") + now, created_at=now)
    if mended:
        log.warning("router.clock_was_set_back", rows=mended)
    return mended


def _mend_idleness(now: dt.datetime, future: dt.datetime) -> int:
    # No channel's time is later than ``idle_since``.
    found = Worker.objects.filter(idle_since__gt=future).values_list("pk", flat=True)
    for worker_id in found:
        with transaction.atomic():
            worker = locks.worker(worker_id)
            worker.idle_since = min(worker.idle_since, now)
            worker.idle_on = {channel: min(at, now.timestamp()) for channel, at in worker.idle_on.items()}
            worker.save(update_fields=["idle_since", "idle_on"])
    return len(found)


def _mend_offers(now: dt.datetime, future: dt.datetime) -> int:
    offers = Reservation.objects.filter(status=Reservation.Status.PENDING, created_at__gt=future)
    return offers.update(due_at=F("due_at") - F("created_at") + now, created_at=now)


def _mend_tasks(now: dt.datetime, future: dt.datetime) -> int:
    live = Task.objects.filter(ended_at__isnull=True)
    ahead = Q(workflow_entered_at__gt=future) | Q(queue_entered_at__gt=future) | Q(wrapping_at__gt=future)
    found = set(live.filter(ahead).values_list("pk", flat=True))
    # JSON cannot be compared by the database; who declined something is few.
    for task_id, declined in live.exclude(declined={}).values_list("pk", "declined"):
        if any(dt.datetime.fromisoformat(at) > future for at in declined.values()):
            found.add(task_id)
    for task_id in sorted(found):
        with transaction.atomic():
            _mend_task(locks.task(task_id), now)
    return len(found)


def _mend_task(task: Task, now: dt.datetime) -> None:
    since = task.wrapping_at if task.status == Task.Status.WRAPPING else task.workflow_entered_at
    if since is not None and since > now:
        back = since - now
        task.due_at = None if task.due_at is None else task.due_at - back
        task.expires_at = None if task.expires_at is None else task.expires_at - back
    task.workflow_entered_at = min(task.workflow_entered_at, now)
    task.queue_entered_at = None if task.queue_entered_at is None else min(task.queue_entered_at, now)
    task.wrapping_at = None if task.wrapping_at is None else min(task.wrapping_at, now)
    declined = {who: dt.datetime.fromisoformat(at) for who, at in task.declined.items()}
    task.declined = {who: min(at, now).isoformat() for who, at in declined.items()}
    task.version += 1
    times = ("due_at", "expires_at", "workflow_entered_at", "queue_entered_at", "wrapping_at")
    task.save(update_fields=[*times, "declined", "version"])
