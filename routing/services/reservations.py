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
        task, reservation, offers = _locked(reservation, by)
        if reservation.status in (Reservation.Status.ACCEPTED, Reservation.Status.WRAPPING):
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(_GONE[Reservation.Status(reservation.status)])
        others = [offer for offer in offers if offer.pk != reservation.pk]
        workers = locks.workers([by.pk, *(offer.worker_id for offer in others)])
        worker = workers[by.pk]
        ledger = Ledger(now)
        for offer in others:
            _end(offer, Reservation.Status.RESCINDED, ledger)
            capacity.release(workers[offer.worker_id], offer, task, ledger)
            ledger.about_reservation("reservation.rescinded", offer, task, workers[offer.worker_id])
        reservation.status, reservation.accepted_at = Reservation.Status.ACCEPTED, now
        ledger.keep(reservation, "status", "accepted_at")
        task.status, task.assigned_at, task.due_at = Task.Status.ASSIGNED, now, None
        ledger.keep(task, "status", "assigned_at", "due_at")
        worker.idle_since = now
        ledger.keep(worker, "idle_since")
        ledger.about_reservation("reservation.accepted", reservation, task, worker)
        ledger.changed_queue(task.queue_id)
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
        task, reservation, offers = _locked(reservation, by)
        if reservation.status == Reservation.Status.REJECTED:
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(
                _GONE.get(Reservation.Status(reservation.status), "You have accepted this conversation already.")
            )
        _decline(task, reservation, offers, Reservation.Status.REJECTED, activity=activity, now=now)
    return reservation


def expire(reservation_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """The offer's time is over: as if declined, and the worker goes to the workspace's timeout activity if it has one.

    Returns whether it ran out now; nothing happens to an offer that was answered, or that has time left.
    """
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None:
            return False
        task, reservation, offers = held
        if reservation.status != Reservation.Status.PENDING or reservation.due_at is None or reservation.due_at > now:
            return False
        activity = task.workspace.timeout_activity
        _decline(task, reservation, offers, Reservation.Status.TIMEOUT, activity=activity, now=now)
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
    offers: list[Reservation],
    status: Reservation.Status,
    *,
    activity: Activity | None,
    now: dt.datetime,
    reason: str = "",
) -> None:
    worker = locks.worker(reservation.worker_id)
    ledger = Ledger(now)
    _end(reservation, status, ledger, reason=reason)
    capacity.release(worker, reservation, task, ledger)
    task.declined[worker.pk.hex] = now.isoformat()
    if len(offers) == 1 and task.status == Task.Status.RESERVED:
        task.status = Task.Status.PENDING
    ledger.keep(task, "status", "declined")
    if status == Reservation.Status.TIMEOUT:
        # Whoever let one offer run out may be away: others come first for the next task too.
        worker.idle_since = now
        ledger.keep(worker, "idle_since")
    ledger.about_reservation(f"reservation.{status.value}", reservation, task, worker)
    if activity is not None and activity.pk != worker.activity_id:
        presence.move(worker, activity, ledger)
    ledger.write()


def _end(reservation: Reservation, status: Reservation.Status, ledger: Ledger, *, reason: str = "") -> None:
    reservation.status, reservation.ended_at, reservation.reason = status, ledger.now, reason
    ledger.keep(reservation, "status", "ended_at", "reason")


Locked = tuple[Task, Reservation, list[Reservation]]


def _locked(reservation: Reservation, by: Worker) -> Locked:
    if reservation.worker_id != by.pk:
        raise NotYours("This offer was made to another agent.")
    held = _locked_by_id(reservation.pk)
    if held is None:
        raise ReservationOver("This offer no longer exists.")
    return held


def _locked_by_id(reservation_id: uuid.UUID) -> Locked | None:
    """The task, the reservation as it is now, and all open offers of the task; under their locks."""
    known = Reservation.objects.filter(pk=reservation_id).first()
    if known is None:
        return None
    task = locks.task(known.task_id)
    live = locks.reservations(task)
    reservation = next((row for row in live if row.pk == reservation_id), None)
    if reservation is None:
        reservation = Reservation.objects.get(pk=reservation_id)
    return task, reservation, [row for row in live if row.status == Reservation.Status.PENDING]
