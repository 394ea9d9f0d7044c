"""A held task has one or two seats: its owner's, and that of a colleague who joined. A transfer is how the second one
is filled. ``lock`` takes everything about a locked task at once, so that a door works on one instance of each row.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from conversations import queries as conversation_queries
from conversations.models import Conversation
from conversations.services import notices, ownership, participants, story
from routing import queries, sql
from routing.errors import NotYours, WrongState
from routing.models import Reservation, Task, Transfer, Worker
from routing.services import capacity, idleness, locks
from routing.services.ledger import Ledger

SEATED = (Reservation.Status.ACCEPTED, Reservation.Status.WRAPPING)
_TRANSFERS = sql.Prepared(
    lambda ids: Transfer.objects.select_for_update(no_key=True).filter(task__in=ids, status="initiated").order_by()
)


@dataclass(slots=True)
class Seats:
    """A locked task's live reservations, the transfer under way, and all their workers; each under its lock."""

    task: Task
    rows: list[Reservation]
    transfer: Transfer | None
    workers: dict[uuid.UUID, Worker]

    @property
    def offers(self) -> list[Reservation]:
        return [row for row in self.rows if row.status == Reservation.Status.PENDING]

    @property
    def owner(self) -> Reservation | None:
        """Who has the task."""
        return next((row for row in self._seated if row.role == Reservation.Role.OWNER), None)

    @property
    def joined(self) -> Reservation | None:
        """Who is on it beside them."""
        return next((row for row in self._seated if row.role == Reservation.Role.JOINING), None)

    @property
    def _seated(self) -> list[Reservation]:
        return [row for row in self.rows if row.status in SEATED]

    def of(self, worker: Worker) -> Reservation | None:
        """The seat this worker has."""
        return next((row for row in self._seated if row.worker_id == worker.pk), None)

    # ---- what becomes of them; the ledger's owner writes it --------------------------------------------------------

    def vacate(self, row: Reservation, status: Reservation.Status, ledger: Ledger, *, reason: str = "") -> None:
        """End a live reservation: capacity, idleness, event, and the place in the conversation of who had joined."""
        worker, was_seated = self.workers[row.worker_id], row.status in SEATED
        row.status, row.ended_at, row.reason = status, ledger.now, reason[:512]
        ledger.keep(row, "status", "ended_at", "reason")
        capacity.release(worker, row, self.task, ledger)
        if was_seated:
            idleness.note_work(worker, self.task, ledger)
            if row.role == Reservation.Role.JOINING:
                self._stand_up(worker, ledger.now)
        ledger.about_reservation(f"reservation.{status.value}", row, self.task, worker)
        self.rows.remove(row)

    def clear_second(self, ledger: Ledger, *, reason: str = "") -> None:
        """The owner ends or returns the task: the transfer and its offers are withdrawn, who had joined leaves."""
        self.withdraw(ledger, reason=reason)
        if self.joined is not None:
            self.vacate(self.joined, Reservation.Status.COMPLETED, ledger, reason=reason)

    def withdraw(self, ledger: Ledger, *, reason: str = "") -> None:
        """Take back the transfer under way, if there is one, with its offers."""
        if self.transfer is not None:
            for row in self.offers:
                if row.role == Reservation.Role.JOINING:
                    self.vacate(row, Reservation.Status.CANCELED, ledger, reason=reason)
            self.end_transfer(Transfer.Status.CANCELED, ledger, reason=reason)

    def end_transfer(self, status: Transfer.Status, ledger: Ledger, *, reason: str = "") -> None:
        """The transfer is over; its giver is told in their stream."""
        transfer = self.transfer
        if transfer is not None:
            transfer.status, transfer.reason, transfer.ended_at = status, reason[:512], ledger.now
            ledger.keep(transfer, "status", "reason", "ended_at")
            self.tell(f"task.transfer-{status.value}", ledger)
            self.transfer = None

    def tell(self, type: str, ledger: Ledger) -> None:
        """An event of the transfer under way, in the task's stream and the giver's."""
        if self.transfer is not None:
            giver = self.transfer.initiating_reservation
            data = {"transfer": queries.transfer_json(self.transfer)}
            ledger.about_reservation(type, giver, self.task, self.workers[giver.worker_id], data)

    def promote(self, heir: Reservation, ledger: Ledger) -> None:
        """Who had joined has the task now. The owner's seat must have been vacated in the same ledger before."""
        heir.role = Reservation.Role.OWNER
        ledger.keep(heir, "role")
        ledger.about_reservation("task.updated", heir, self.task, self.workers[heir.worker_id])
        self.give(self.workers[heir.worker_id], ledger.now)

    def give(self, worker: Worker, now: dt.datetime) -> None:
        """The conversation is the worker's."""
        if self.task.conversation is not None:
            before = self.task.conversation
            was_held, name = before.owner == Conversation.Owner.WORKER, before.owner_name
            ownership.change(
                self.task.conversation,
                owner=Conversation.Owner.WORKER,
                owner_sid=worker.sid,
                owner_name=worker.friendly_name if worker.user is None else "",
                user=worker.user,
                now=now,
            )
            if was_held:
                story.tell(before, "taken_over", now=now, name=shown(worker), before=name)
                notices.show(before, "agent", {"name": shown(worker)})
            else:
                story.tell(before, "accepted", now=now, name=shown(worker))

    def sit_down(self, worker: Worker, now: dt.datetime) -> None:
        """The worker joins the conversation beside its owner."""
        if self.task.conversation is not None and worker.user is not None:
            participants.join(self.task.conversation, worker.user, role="joining", now=now)
            story.tell(self.task.conversation, "joined", now=now, name=shown(worker))

    def _stand_up(self, worker: Worker, now: dt.datetime) -> None:
        if self.task.conversation is not None and worker.user is not None:
            participants.leave(self.task.conversation, worker.user, now=now)
            story.tell(self.task.conversation, "left", now=now, name=shown(worker))


def shown(worker: Worker) -> str:
    """An agent's name as colleagues know it."""
    return (conversation_queries.user_name(worker.user) if worker.user is not None else "") or worker.friendly_name


def lock(task: Task, also: Iterable[uuid.UUID] = ()) -> Seats:
    """Everything about a locked task, under locks; the workers of ``also``, too."""
    rows = locks.reservations(task)
    found: list[Transfer] = _TRANSFERS.objects([task.pk])
    givers = [transfer.initiating_reservation.worker_id for transfer in found]
    workers = locks.workers([*(row.worker_id for row in rows), *givers, *also])
    return Seats(task, rows, found[0] if found else None, workers)


def leave_to_other(task: Task, *, by: Worker, now: dt.datetime) -> bool:
    """As ``leave``; False, and nothing changes, when there is nobody to leave it to."""
    try:
        leave(task, by=by, now=now)
    except WrongState:
        return False
    return True


def leave(task: Task, *, by: Worker, now: dt.datetime) -> Task:
    """One of two leaves; the other has the task from then on. Repeating it changes nothing.

    Raises ``NotYours`` for who is not on it, and ``WrongState`` for who is on it alone.
    """
    with transaction.atomic():
        task = locks.task(task.pk)
        seats = lock(task)
        mine = seats.of(by)
        if mine is None:
            if task.reservations.filter(worker=by, status=Reservation.Status.COMPLETED).exists():
                return task
            raise NotYours(_("You are not on this conversation."))
        heir = seats.joined
        if heir is None:
            raise WrongState(_("You are on this conversation alone. Complete it, or return it to the queue."))
        ledger = Ledger(now)
        if mine.role == Reservation.Role.OWNER:
            seats.withdraw(ledger)
            seats.vacate(mine, Reservation.Status.COMPLETED, ledger)
            seats.promote(heir, ledger)
        else:
            seats.vacate(mine, Reservation.Status.COMPLETED, ledger)
        ledger.write()
    return task
