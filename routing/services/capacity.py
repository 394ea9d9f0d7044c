"""Capacity: what a live reservation takes from a worker, and its return. The only code that changes load and ceiling.

A reservation holds ``units`` of the worker channel and ``weight`` of the worker's total. The router takes capacity in
its batches (``batch``), for second seats by ``take``; doors only give it back or change the limits. The database
refuses ``load > ceiling``; the ceiling is the capacity, except while more than that is held: then it is the load, and
falls with every release.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing import sql
from routing.models import Reservation, Task, TaskChannel, Worker, WorkerChannel
from routing.services import locks
from routing.services.ledger import Ledger

log = structlog.get_logger(__name__)

#: TaskRouter's limit per worker and channel.
MAX_PER_CHANNEL = 50
MAX_TOTAL = 10_000


def has_room(worker: Worker, task_channel: TaskChannel) -> bool:
    """Would the worker be offered one more task of this channel, as far as capacity goes?"""
    return _rows_with_room(task_channel).filter(worker=worker).exists()


def with_room(task_channel: TaskChannel) -> set[uuid.UUID]:
    """The workers who have room for one more task of this channel, whatever they are doing."""
    return set(_rows_with_room(task_channel).values_list("worker_id", flat=True))


def _rows_with_room(task_channel: TaskChannel) -> QuerySet[WorkerChannel]:
    rows = WorkerChannel.objects.filter(task_channel=task_channel, is_available=True, load__lt=F("capacity"))
    if task_channel.is_interruptible:
        return rows.filter(worker__load__lte=F("worker__capacity") - task_channel.weight)
    soft = _soft(OuterRef("worker")).values("worker").annotate(held=Sum("weight")).values("held")
    room = F("worker__capacity") + Coalesce(Subquery(soft), 0) - task_channel.weight
    return rows.filter(worker__load__lte=room)


def _soft(worker: Any) -> QuerySet[Reservation]:
    """What a worker holds that gives way to work that cannot be interrupted."""
    rows = Reservation.objects.filter(worker=worker, status__in=Reservation.LIVE)
    return rows.filter(task__task_channel__is_interruptible=True).order_by()


def take(worker: Worker, task_channel: TaskChannel, *, units: int, weight: int, ledger: Ledger) -> bool:
    """Take what a new reservation holds. The worker must be locked. False, and nothing changes: there is no room."""
    gives_way = 0 if task_channel.is_interruptible else _soft(worker.pk).aggregate(held=Sum("weight"))["held"] or 0
    if worker.load - gives_way + weight > worker.capacity:
        return False
    rows = WorkerChannel.objects.filter(worker=worker, task_channel=task_channel, is_available=True)
    if not rows.filter(load__lte=F("capacity") - units).update(load=F("load") + units):
        return False
    worker.load += weight
    worker.ceiling = max(worker.capacity, worker.load)
    ledger.keep(worker, "load", "ceiling")
    return True


def release(worker: Worker, reservation: Reservation, task: Task, ledger: Ledger) -> None:
    """Give back what a reservation that just ended held. The worker must be locked."""
    worker.load = max(0, worker.load - reservation.weight)
    worker.ceiling = max(worker.capacity, worker.load)
    ledger.keep(worker, "load", "ceiling")
    # The worker's lock covers their channels, so reading and writing in one statement loses nothing.
    sql.execute(
        "UPDATE routing_workerchannel SET load = CASE WHEN load > %s THEN load - %s ELSE 0 END,"
        " ceiling = CASE WHEN load - %s > capacity THEN load - %s ELSE capacity END"
        " WHERE worker_id = %s AND task_channel_id = %s",
        [*[reservation.units] * 4, sql.id(worker.pk), sql.id(task.task_channel_id)],
    )


def recount(now: dt.datetime) -> int:
    """Set right every load that is not the sum of its live reservations. How many were wrong; it should be none."""
    live = Q(reservations__status__in=Reservation.LIVE)
    by_worker = Worker.objects.annotate(held=Coalesce(Sum("reservations__weight", filter=live), 0))
    wrong = set(by_worker.exclude(load=F("held")).values_list("pk", flat=True))
    mine = Reservation.objects.filter(
        worker=OuterRef("worker"), task__task_channel=OuterRef("task_channel"), status__in=Reservation.LIVE
    )
    units = mine.order_by().values("worker").annotate(held=Sum("units")).values("held")
    by_channel = WorkerChannel.objects.annotate(held=Coalesce(Subquery(units), 0))
    wrong |= set(by_channel.exclude(load=F("held")).values_list("worker_id", flat=True))
    for worker_id in sorted(wrong):
        log.error("capacity.recounted", worker=Worker(pk=worker_id).sid)
        with transaction.atomic():
            worker = locks.worker(worker_id)
            worker.load = by_worker.get(pk=worker_id).held
            worker.ceiling = max(worker.capacity, worker.load)
            for channel in by_channel.filter(worker_id=worker_id):
                ceiling = max(channel.capacity, channel.held)
                WorkerChannel.objects.filter(pk=channel.pk).update(load=channel.held, ceiling=ceiling)
            _note_change(worker, now)
    return len(wrong)


def set_channel(
    worker: Worker, task_channel: TaskChannel, *, capacity: int, is_available: bool | None = None, now: dt.datetime
) -> None:
    """How many tasks of a channel the worker takes at once (0 = none), and whether the channel is open to them.

    Held reservations stay; below them nothing new comes. Raises ``Refused`` outside 0..50.
    """
    if not 0 <= capacity <= MAX_PER_CHANNEL:
        raise Refused(
            _("A channel's capacity is 0 to %(number)s.") % {"number": MAX_PER_CHANNEL}, code="routing.bad_capacity"
        )
    with transaction.atomic():
        held = locks.worker(worker.pk)
        row, _is_new = WorkerChannel.objects.get_or_create(
            worker=held, task_channel=task_channel, defaults={"capacity": capacity, "ceiling": capacity}
        )
        capacity_before, was_available = row.capacity, row.is_available
        row.capacity, row.ceiling = capacity, max(capacity, row.load)
        if is_available is not None:
            row.is_available = is_available
        row.save(update_fields=["capacity", "ceiling", "is_available"])
        changed = ["worker.capacity.update"] if row.capacity != capacity_before else []
        changed += ["worker.channel.availability.update"] if row.is_available != was_available else []
        channel = {
            "sid": row.sid,
            "task_channel_sid": task_channel.sid,
            "name": task_channel.unique_name,
            "available": row.is_available,
            "capacity": row.capacity,
            "capacity_before": capacity_before,
            "tasks": row.load,
        }
        _note_change(held, now, *(changed or ["worker.capacity.update"]), channel=channel)


def set_total(worker: Worker, *, capacity: int, now: dt.datetime) -> None:
    """How many weight units the worker takes over all channels. Raises ``Refused`` for less than 0."""
    if not 0 <= capacity <= MAX_TOTAL:
        raise Refused(_("The total capacity is 0 to %(number)s.") % {"number": MAX_TOTAL}, code="routing.bad_capacity")
    with transaction.atomic():
        held = locks.worker(worker.pk)
        held.capacity, held.ceiling = capacity, max(capacity, held.load)
        _note_change(held, now)


def _note_change(worker: Worker, now: dt.datetime, *types: str, **facts: Any) -> None:
    ledger = Ledger(now)
    ledger.keep(worker, "capacity", "load", "ceiling")
    for type in types or ("worker.capacity.update",):
        ledger.about_worker(type, worker, **facts)
    ledger.write()
