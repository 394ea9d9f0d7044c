"""What becomes of an offer. Every ending is one conditional change under the task's lock: first come wins."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contactcenter.lib import crash
from routing.errors import NotYours, ReservationOver
from routing.models import Activity, Reservation, Task, Transfer, Worker
from routing.services import idleness, locks, presence, seats
from routing.services.ledger import Ledger
from routing.services.seats import Seats

_GONE = {
    Reservation.Status.ACCEPTED: gettext_lazy("You have accepted this conversation already."),
    Reservation.Status.WRAPPING: gettext_lazy("You have accepted this conversation already."),
    Reservation.Status.REJECTED: gettext_lazy("You have declined this offer."),
    Reservation.Status.TIMEOUT: gettext_lazy("This offer ran out; it went to somebody else."),
    Reservation.Status.RESCINDED: gettext_lazy("Somebody else took this conversation."),
    Reservation.Status.CANCELED: gettext_lazy("This conversation no longer needs anybody."),
    Reservation.Status.COMPLETED: gettext_lazy("This conversation is already completed."),
}


def accept(reservation: Reservation, *, by: Worker, now: dt.datetime) -> Reservation:
    """The worker takes the task: it is assigned, its conversation becomes theirs, other offers of it are rescinded.

    An offer of the second seat: who gave it away is done with it (cold transfer), or stays beside them (warm).
    Accepting again (another tab, a repeated request) changes nothing. Raises ``NotYours``, and ``ReservationOver``
    when the offer ended before.
    """
    with transaction.atomic():
        found, reservation = _locked(reservation, by)
        if reservation.status in seats.SEATED:
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(_gone(reservation))
        is_second = reservation.role == Reservation.Role.JOINING
        if is_second and (found.transfer is None or found.owner is None):
            raise ReservationOver(str(_GONE[Reservation.Status.CANCELED]))
        task, worker, ledger = found.task, found.workers[by.pk], Ledger(now)
        for offer in found.offers:
            if offer.pk != reservation.pk:
                found.vacate(offer, Reservation.Status.RESCINDED, ledger)
        if is_second and found.transfer and found.transfer.mode == Transfer.Mode.COLD and found.owner:
            found.vacate(found.owner, Reservation.Status.COMPLETED, ledger)
            reservation.role, is_second = Reservation.Role.OWNER, False
        reservation.status, reservation.accepted_at = Reservation.Status.ACCEPTED, now
        ledger.keep(reservation, "status", "accepted_at", "role")
        if task.status == Task.Status.RESERVED:
            task.status, task.assigned_at, task.due_at = Task.Status.ASSIGNED, now, None
            ledger.keep(task, "status", "assigned_at", "due_at")
        idleness.note_work(worker, task, ledger)
        ledger.about_reservation("reservation.accepted", reservation, task, worker)
        ledger.changed_queue(task.queue_id)
        if is_second:
            found.sit_down(worker, now)
        else:
            found.give(worker, now)
        found.end_transfer(Transfer.Status.COMPLETED, ledger)
        ledger.write()
        transaction.on_commit(lambda: crash.point("accept.committed"))
    return reservation


def reject(reservation: Reservation, *, by: Worker, now: dt.datetime, activity: Activity | None = None) -> Reservation:
    """The worker declines: the task goes to the next one, and comes back to them after everybody else.

    ``activity``: where the worker goes; not given, to the workspace's reject activity if it has one. Rejecting again
    changes nothing. Raises ``NotYours``, and ``ReservationOver`` when the offer ended otherwise.
    """
    with transaction.atomic():
        found, reservation = _locked(reservation, by)
        if reservation.status == Reservation.Status.REJECTED:
            return reservation
        if reservation.status != Reservation.Status.PENDING:
            raise ReservationOver(_gone(reservation))
        activity = activity or found.task.workspace.reject_activity
        _decline(found, reservation, Reservation.Status.REJECTED, activity=activity, now=now)
    return reservation


def expire(reservation_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """The offer's time is over: as if declined, and the worker goes to the workspace's timeout activity if it has one.

    Returns whether it ran out now; nothing happens to an offer that was answered, or that has time left.
    """
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None:
            return False
        found, reservation = held
        if reservation.status != Reservation.Status.PENDING or reservation.due_at is None or reservation.due_at > now:
            return False
        activity = found.task.workspace.timeout_activity
        _decline(found, reservation, Reservation.Status.TIMEOUT, activity=activity, now=now)
    return True


def rescind(reservation_id: uuid.UUID, *, reason: str, now: dt.datetime) -> bool:
    """Take an open offer back (its worker vanished): the task goes to the next one. Returns whether it was open."""
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None or held[1].status != Reservation.Status.PENDING:
            return False
        _decline(*held, Reservation.Status.RESCINDED, activity=None, now=now, reason=reason)
    return True


def note_failure(reservation_id: uuid.UUID, *, code: int, reason: str, now: dt.datetime) -> bool:
    """The workflow's server could not be asked about an offer, or said what cannot be done. The offer stays open: the
    event tells operators. Returns whether it was open."""
    with transaction.atomic():
        held = _locked_by_id(reservation_id)
        if held is None or held[1].status != Reservation.Status.PENDING:
            return False
        found, offer = held
        ledger = Ledger(now)
        worker = found.workers[offer.worker_id]
        failure = {"code": code, "reason": reason[:200]}
        ledger.about_reservation("reservation.failed", offer, found.task, worker, failure=failure)
        ledger.write()
    return True


def _decline(
    found: Seats,
    reservation: Reservation,
    status: Reservation.Status,
    *,
    activity: Activity | None,
    now: dt.datetime,
    reason: str = "",
) -> None:
    task, worker, ledger = found.task, found.workers[reservation.worker_id], Ledger(now)
    found.vacate(reservation, status, ledger, reason=reason)
    if reservation.role == Reservation.Role.OWNER:
        task.declined[worker.pk.hex] = now.isoformat()
        if not found.offers and task.status == Task.Status.RESERVED:
            task.status = Task.Status.PENDING
        ledger.keep(task, "status", "declined")
    if found.transfer is not None:
        _note_attempt(found, worker, status, ledger)
    if status == Reservation.Status.TIMEOUT:
        # Whoever let one offer run out may be away: others come first for the next task too.
        idleness.begin_anew(worker, ledger)
    if activity is not None and activity.pk != worker.activity_id:
        presence.move(worker, activity, ledger)
    ledger.write()


def _note_attempt(found: Seats, worker: Worker, status: Reservation.Status, ledger: Ledger) -> None:
    """Somebody would not take what is being transferred: a worker's no is the end of it, a queue has others."""
    transfer = found.transfer
    if transfer is None:
        return
    if transfer.to_worker_id == worker.pk:
        found.end_transfer(Transfer.Status.FAILED, ledger, reason=status.value)
        return
    transfer.declined[worker.pk.hex] = ledger.now.isoformat()
    ledger.keep(transfer, "declined")
    found.tell("task.transfer-attempt-failed", ledger)


def _gone(reservation: Reservation) -> str:
    return str(_GONE[Reservation.Status(reservation.status)])


Locked = tuple[Seats, Reservation]


def _locked(reservation: Reservation, by: Worker) -> Locked:
    if reservation.worker_id != by.pk:
        raise NotYours(_("This offer was made to another agent."))
    held = _locked_by_id(reservation.pk)
    if held is None:
        raise ReservationOver(_("This offer no longer exists."))
    return held


def _locked_by_id(reservation_id: uuid.UUID) -> Locked | None:
    """Everything about the reservation's task under its locks, and the reservation as it is now."""
    known = Reservation.objects.filter(pk=reservation_id).first()
    if known is None:
        return None
    found = seats.lock(locks.task(known.task_id), also=[known.worker_id])
    reservation = next((row for row in found.rows if row.pk == reservation_id), None)
    if reservation is None:
        reservation = Reservation.objects.filter(pk=reservation_id).first()
    return None if reservation is None else (found, reservation)
