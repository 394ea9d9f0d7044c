"""Handing a task on, to a colleague or a queue: the same task is offered again, for a second seat beside its owner's.

WARM: who accepts joins the owner, until one of the two leaves (``seats.leave``). COLD: who accepts takes the owner's
place. To a queue, cold: the giver is done at once and the task waits there like any other, because that may take
hours. A task that is being transferred stays assigned: somebody works on it.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from contactcenter.lib import ids
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub
from routing.errors import NotYours, WrongState
from routing.models import Reservation, Task, TaskQueue, Transfer, Worker
from routing.services import capacity, locks, seats, tasks
from routing.services.ledger import Ledger

MAX_NOTE = 4096
#: Seconds a transfer to a worker waits to be offered when no workflow says how long offers stay open.
PATIENCE = 120


def start(
    reservation: Reservation,
    *,
    to: Worker | TaskQueue,
    mode: str = Transfer.Mode.WARM,
    by: Worker,
    attributes: dict[str, object] | None = None,
    priority: int | None = None,
    note: str = "",
    now: dt.datetime,
) -> Transfer:
    """Offer the task of ``by``'s accepted reservation to a worker, or to those of a queue.

    ``attributes`` replace the task's; ``priority`` counts while a taker is looked for; ``note`` is shown to whoever is
    asked. Raises ``NotYours``, ``WrongState`` (not assigned, a transfer under way, somebody has joined already) and
    ``Refused`` for a worker who is away or has no room.
    """
    if mode not in Transfer.Mode.values:
        raise Refused(_("A transfer is WARM or COLD."), code="routing.bad_mode")
    with transaction.atomic():
        task = locks.task(reservation.task_id)
        found = seats.lock(task)
        _check(found, reservation, to, mode, by)
        transfer = Transfer(
            id=ids.new_id(),
            created_at=now,
            task=task,
            initiating_reservation=reservation,
            mode=mode,
            note=scrub(note).strip()[:MAX_NOTE],
        )
        ledger = Ledger(now)
        if attributes is not None:
            task.attributes = tasks.checked_attributes(attributes)
            ledger.keep(task, "attributes")
        if priority is not None:
            transfer.priority = tasks.bounded("priority", priority, 0, tasks.MAX_PRIORITY)
        if isinstance(to, Worker):
            transfer.to_worker = to
            timeout = task.workflow.task_reservation_timeout if task.workflow is not None else PATIENCE
            transfer.expires_at = now + dt.timedelta(seconds=timeout)
        else:
            transfer.to_queue = to
            transfer.expires_at = now + dt.timedelta(seconds=task.timeout)
            if mode == Transfer.Mode.COLD and transfer.priority is not None:
                task.priority = transfer.priority
                ledger.keep(task, "priority")
        ledger.keep(transfer)
        found.transfer = transfer
        found.tell("task.transfer-initiated", ledger)
        ledger.write()
        if isinstance(to, TaskQueue) and mode == Transfer.Mode.COLD:
            tasks.requeue(task, by=by, reason="transferred", routing_target=to.sid, is_transfer=True, now=now)
    return transfer


def _check(found: seats.Seats, reservation: Reservation, to: Worker | TaskQueue, mode: str, by: Worker) -> None:
    mine = found.of(by)
    if mine is None or mine.pk != reservation.pk or mine.role != Reservation.Role.OWNER:
        raise NotYours(_("Only the agent who has a task can transfer it."))
    if found.task.status != Task.Status.ASSIGNED:
        raise WrongState(_("Only an assigned task can be transferred."))
    if found.transfer is not None:
        raise WrongState(_("This conversation is being transferred already. Cancel that first."))
    if found.joined is not None and mode == Transfer.Mode.WARM:
        raise WrongState(_("A colleague has joined this conversation already."))
    if to.workspace_id != found.task.workspace_id:
        raise Refused(_("That is not in this workspace."), code="routing.wrong_workspace")
    if isinstance(to, Worker):
        if to.pk == by.pk:
            raise Refused(_("You have this conversation already."), code="routing.same_worker")
        if found.of(to) is not None:
            raise WrongState(_("This agent is on the conversation already."))
        if not to.activity.available:
            raise Refused(_("This agent is not available now."), code="routing.worker_unavailable")
        if not capacity.has_room(to, found.task.task_channel):
            raise Refused(_("This agent has no room for another conversation now."), code="routing.worker_busy")


def cancel(transfer: Transfer, *, by: Worker | None, now: dt.datetime) -> Transfer:
    """The giver (or, None, a supervisor) thinks better of it: who was asked is asked no longer.

    Repeating it changes nothing. Raises ``NotYours``, and ``WrongState`` when it has ended otherwise, or was a cold one
    to a queue: the task waits there already.
    """
    with transaction.atomic():
        found = seats.lock(locks.task(transfer.task_id))
        fresh = Transfer.objects.get(pk=transfer.pk)
        if by is not None and fresh.initiating_reservation.worker_id != by.pk:
            raise NotYours(_("Only who began a transfer can cancel it."))
        if fresh.status == Transfer.Status.CANCELED:
            return fresh
        if found.transfer is None or found.transfer.pk != fresh.pk:
            raise WrongState(_("This transfer is over."))
        if found.task.status != Task.Status.ASSIGNED:
            raise WrongState(_("The conversation waits in the queue already."))
        fresh = found.transfer
        ledger = Ledger(now)
        found.withdraw(ledger)
        ledger.write()
    return fresh


# ---- the router's side --------------------------------------------------------------------------------------------


def offer(
    task_id: uuid.UUID,
    to: Worker,
    *,
    reservation_id: uuid.UUID,
    units: int,
    weight: int,
    due_at: dt.datetime | None,
    now: dt.datetime,
) -> Transfer | None:
    """Offer a task's second seat, if everything is as the router believed. Else None, and it reads the rows again."""
    with transaction.atomic():
        task = locks.task(task_id)
        found = seats.lock(task, also=[to.pk])
        transfer, worker = found.transfer, found.workers.get(to.pk)
        ledger = Ledger(now)
        if (
            transfer is None
            or worker is None
            or task.status != Task.Status.ASSIGNED
            or any(row.worker_id == worker.pk for row in found.rows)
            or transfer.to_worker_id not in (None, worker.pk)
            or len(found.offers) >= (transfer.to_queue.max_reserved_workers if transfer.to_queue is not None else 1)
            or not worker.activity.available
            or not capacity.take(worker, task.task_channel, units=units, weight=weight, ledger=ledger)
        ):
            ledger.changed("task", task.pk)
            ledger.changed("worker", to.pk)
            ledger.write()
            return None
        reservation = Reservation(
            id=reservation_id,
            created_at=now,
            task=task,
            worker=worker,
            role=Reservation.Role.JOINING,
            units=units,
            weight=weight,
            due_at=due_at,
        )
        ledger.keep(reservation)
        ledger.about_reservation("reservation.created", reservation, task, worker)
        ledger.write()
    return transfer


def give_up_asking(worker: Worker, *, now: dt.datetime) -> None:
    """The worker is about to be deleted: what is being transferred to them alone, and not offered yet, fails."""
    asked = Transfer.objects.filter(to_worker=worker, status=Transfer.Status.INITIATED).order_by("task_id")
    for task_id in list(asked.values_list("task_id", flat=True)):
        with transaction.atomic():
            found, ledger = seats.lock(locks.task(task_id)), Ledger(now)
            if found.transfer is not None and found.transfer.to_worker_id == worker.pk:
                found.end_transfer(Transfer.Status.FAILED, ledger, reason="deleted")
                ledger.write()


def expire(task_id: uuid.UUID, *, now: dt.datetime) -> None:
    """A transfer nobody could be offered in time fails; nothing happens to any other."""
    with transaction.atomic():
        found = seats.lock(locks.task(task_id))
        transfer = found.transfer
        if transfer is None or found.task.status != Task.Status.ASSIGNED or found.offers:
            return
        ledger = Ledger(now)
        if transfer.expires_at is not None and transfer.expires_at <= now:
            found.end_transfer(Transfer.Status.FAILED, ledger, reason="timeout")
        else:
            ledger.changed("task", found.task.pk)
        ledger.write()
