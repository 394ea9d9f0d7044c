"""What becomes of an offer. Every ending is one conditional change under the task's lock: first come wins."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction

from contactcenter.lib import crash
from conversations.models import Conversation
from conversations.services import ownership
from routing.errors import NotYours, ReservationOver
from routing.models import Activity, Reservation, Task, Worker
from routing.services import capacity, locks, presence
from routing.services.ledger import Ledger

_GONE = {
    Reservation.Status.REJECTED: "You have declined this offer.",
    Reservation.Status.TIMEOUT: "This offer ran out; it went to somebody else.",
    Reservation.Status.RESCINDED: "Somebody else took this conversation.",
    Reservation.Status.CANCELED: "This conversation no longer needs anybody.",
    Reservation.Status.COMPLETED: "This conversation is already completed.",
}


def accept(reservation: Reservation, *, by: Worker, now: dt.datetime) -> Reservation:
    """The worker takes the task: it is assigned, its conversation becomes theirs, other offers of it are rescinded.

    Accepting again (another tab, a repeated request) changes nothing. Raises ``NotYours``, and ``ReservationOver``
    when the offer ended before.
    """
    with transaction.atomic():
        task, reservation = _locked(reservation, by)
        if reservation.status in (Reservation.Status.ACCEPTED, Reservation.Status.WRAPPING):
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(_GONE[Reservation.Status(reservation.status)])
        offers = locks.reservations(task, [Reservation.Status.PENDING])
        others = [offer for offer in offers if offer.pk != reservation.pk]
        workers = locks.workers([by.pk, *(offer.worker_id for offer in others)])
        worker = workers[by.pk]
        ledger = Ledger(now)
        for offer in others:
            _end(offer, Reservation.Status.RESCINDED, now=now)
            capacity.release(workers[offer.worker_id], offer, task)
            ledger.about_reservation("reservation.rescinded", offer, task, workers[offer.worker_id])
        reservation.status, reservation.accepted_at = Reservation.Status.ACCEPTED, now
        reservation.version += 1
        reservation.save(update_fields=["status", "accepted_at", "version"])
        task.status, task.assigned_at, task.due_at = Task.Status.ASSIGNED, now, None
        task.version += 1
        task.save(update_fields=["status", "assigned_at", "due_at", "version"])
        Worker.objects.filter(pk=worker.pk).update(idle_since=now)
        ledger.about_reservation("reservation.accepted", reservation, task, worker)
        ledger.left_queue(task.queue_id)
        if task.conversation is not None:
            ownership.change(
                task.conversation,
                owner=Conversation.Owner.WORKER,
                owner_sid=worker.sid,
                owner_name=worker.friendly_name if worker.user is None else "",
                user=worker.user,
                now=now,
            )
        ledger.write()
        transaction.on_commit(lambda: crash.point("accept.committed"))
    return reservation


def reject(reservation: Reservation, *, by: Worker, now: dt.datetime, activity: Activity | None = None) -> Reservation:
    """The worker declines: the task goes to the next one, and comes back to them after everybody else.

    ``activity``: where the worker goes (stays, if not given). Rejecting again changes nothing. Raises ``NotYours``,
    and ``ReservationOver`` when the offer ended otherwise.
    """
    with transaction.atomic():
        task, reservation = _locked(reservation, by)
        if reservation.status == Reservation.Status.REJECTED:
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(
                _GONE.get(Reservation.Status(reservation.status), "You have accepted this conversation already.")
            )
        _decline(task, reservation, Reservation.Status.REJECTED, activity=activity, now=now)
    return reservation


def expire(reservation_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """The offer's time is over: as if declined, and the worker goes to the workspace's timeout activity if it has one.

    Returns whether it ran out now; nothing happens to an offer that was answered, or that has time left.
    """
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None:
            return False
        task, reservation = held
        if reservation.status != Reservation.Status.PENDING or reservation.due_at is None or reservation.due_at > now:
            return False
        activity = task.workspace.timeout_activity
        _decline(task, reservation, Reservation.Status.TIMEOUT, activity=activity, now=now)
    return True


def rescind(reservation_id: uuid.UUID, *, reason: str, now: dt.datetime) -> bool:
    """Take an open offer back (its worker vanished): the task goes to the next one. Returns whether it was open."""
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None or held[1].status != Reservation.Status.PENDING:
            return False
        _decline(*held, Reservation.Status.RESCINDED, activity=None, now=now, reason=reason)
    return True


def _decline(
    task: Task,
    reservation: Reservation,
    status: Reservation.Status,
    *,
    activity: Activity | None,
    now: dt.datetime,
    reason: str = "",
) -> None:
    worker = locks.worker(reservation.worker_id)
    _end(reservation, status, now=now, reason=reason)
    capacity.release(worker, reservation, task)
    task.declined[worker.pk.hex] = now.isoformat()
    is_last = not Reservation.objects.filter(task=task, status=Reservation.Status.PENDING).exists()
    if is_last and task.status == Task.Status.RESERVED:
        task.status = Task.Status.PENDING
    task.version += 1
    task.save(update_fields=["status", "declined", "version"])
    if status == Reservation.Status.TIMEOUT:
        # Whoever let one offer run out may be away: others come first for the next task too.
        Worker.objects.filter(pk=worker.pk).update(idle_since=now)
    ledger = Ledger(now)
    ledger.about_reservation(f"reservation.{status.value}", reservation, task, worker)
    if activity is not None and activity.pk != worker.activity_id:
        presence.move(worker, activity, ledger)
    ledger.write()


def _end(reservation: Reservation, status: Reservation.Status, *, now: dt.datetime, reason: str = "") -> None:
    reservation.status, reservation.ended_at, reservation.reason = status, now, reason
    reservation.version += 1
    reservation.save(update_fields=["status", "ended_at", "reason", "version"])


def _locked(reservation: Reservation, by: Worker) -> tuple[Task, Reservation]:
    if reservation.worker_id != by.pk:
        raise NotYours("This offer was made to another agent.")
    held = _locked_by_id(reservation.pk)
    if held is None:
        raise ReservationOver("This offer no longer exists.")
    return held


def _locked_by_id(reservation_id: uuid.UUID) -> tuple[Task, Reservation] | None:
    task_id = Reservation.objects.filter(pk=reservation_id).values_list("task_id", flat=True).first()
    if task_id is None:
        return None
    task = locks.task(task_id)
    return task, Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
