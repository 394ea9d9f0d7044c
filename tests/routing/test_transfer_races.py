"""Transfers and whatever may happen in the same moment, on a real PostgreSQL: one outcome, and nothing stuck."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from routing.models import Reservation, Task, TaskQueue, Transfer, Worker
from routing.services import dispatch, presence, reservations, seats, tasks, transfers
from tests.factories import agents as people
from tests.factories import routing as make
from tests.routing.racing import NOW, after, assert_consistent, refusals, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 4


@dataclasses.dataclass
class Scene:
    """A giver with a conversation, and a taker who has room."""

    router: dispatch.Router
    giver: Worker
    taker: Worker
    held: Reservation

    @property
    def task(self) -> Task:
        return Task.objects.get(pk=self.held.task_id)

    def begin(self, to: Worker | TaskQueue | None = None, mode: str = "WARM") -> Transfer:
        made = transfers.start(self.held, to=to or self.taker, mode=mode, by=self.giver, now=NOW)
        self.router.tick(NOW)
        return made

    def offer(self) -> Reservation:
        return Reservation.objects.get(task=self.held.task_id, worker=self.taker, status="pending")

    def seats(self) -> list[tuple[str, str]]:
        rows = Reservation.objects.filter(task=self.held.task_id).order_by("id")
        return [("giver" if row.worker_id == self.giver.pk else "taker", row.status) for row in rows]

    def clear(self) -> None:
        """Nothing of this round is left for the next."""
        for worker in (self.giver, self.taker):
            presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)
        self.router.tick(NOW)


def scene(router: dispatch.Router | None = None) -> Scene:
    giver = make.worker(user=people.user(), now=NOW)
    task = make.task(conversation=make.conversation(), now=NOW)
    router = make.route(NOW) if router is None else router
    router.tick(NOW)
    held = Reservation.objects.get(task=task)
    reservations.accept(held, by=giver, now=NOW)
    taker = make.worker(user=people.user(), now=NOW)
    router.tick(NOW)
    return Scene(router, giver, taker, held)


def test_beginning_a_transfer_races_completing_the_task() -> None:
    for _ in range(ROUNDS):
        at = scene()

        began, completed = together(
            partial(transfers.start, at.held, to=at.taker, mode="WARM", by=at.giver, now=NOW),
            partial(tasks.complete, at.task, by=at.giver, now=NOW),
        )
        at.router.tick(NOW)

        assert not isinstance(completed, Refused)
        assert at.task.status == "completed"
        assert isinstance(began, Refused) or Transfer.objects.get(pk=began.pk).status == "canceled"  # type: ignore[attr-defined]
        assert_consistent()
        at.clear()


@pytest.mark.parametrize("mode", ["WARM", "COLD"])
def test_taking_races_completing(mode: str) -> None:
    for _ in range(ROUNDS):
        at = scene()
        transfer = at.begin(mode=mode)

        took, completed = together(
            partial(reservations.accept, at.offer(), by=at.taker, now=NOW),
            partial(tasks.complete, at.task, by=at.giver, now=NOW),
        )
        at.router.tick(NOW)

        status = Transfer.objects.get(pk=transfer.pk).status
        if mode == "COLD" and not isinstance(took, Refused):
            # Taken over first: it is no longer the giver's to complete.
            assert (isinstance(completed, Refused), at.task.status, status) == (True, "assigned", "completed")
            tasks.complete(at.task, by=at.taker, now=NOW)
        else:
            assert (isinstance(completed, Refused), at.task.status) == (False, "completed")
            assert status == ("canceled" if isinstance(took, Refused) else "completed")
        assert_consistent()
        at.clear()


@pytest.mark.parametrize("mode", ["WARM", "COLD"])
def test_taking_races_canceling_the_transfer(mode: str) -> None:
    for _ in range(ROUNDS):
        at = scene()
        transfer = at.begin(mode=mode)

        outcomes = together(
            partial(reservations.accept, at.offer(), by=at.taker, now=NOW),
            partial(transfers.cancel, transfer, by=at.giver, now=NOW),
        )

        assert refusals(outcomes) == 1
        transfer.refresh_from_db()
        assert transfer.status == ("canceled" if isinstance(outcomes[0], Refused) else "completed")
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        at.clear()


def test_taking_races_the_timeout() -> None:
    for _ in range(ROUNDS):
        at = scene()
        transfer, offer = at.begin(), at.offer()

        took, ran_out = together(
            partial(reservations.accept, offer, by=at.taker, now=after(120)),
            partial(reservations.expire, offer.pk, now=after(120)),
        )

        assert isinstance(took, Refused) is ran_out
        transfer.refresh_from_db()
        assert transfer.status == ("failed" if ran_out else "completed")
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        at.clear()


def test_returning_the_task_races_the_colleague_who_accepts() -> None:
    for _ in range(ROUNDS):
        at = scene()
        transfer = at.begin()

        took, returned = together(
            partial(reservations.accept, at.offer(), by=at.taker, now=NOW),
            partial(tasks.requeue, at.task, by=at.giver, now=NOW),
        )

        assert not isinstance(returned, Refused)
        assert at.task.status == "pending"
        assert at.seats() == [("giver", "canceled"), ("taker", "canceled")]
        transfer.refresh_from_db()
        assert transfer.status == ("canceled" if isinstance(took, Refused) else "completed")
        assert_consistent()
        tasks.cancel(at.task, reason="", now=NOW)
        at.clear()


def test_both_leave_at_once_and_one_of_them_stays() -> None:
    for _ in range(ROUNDS):
        at = scene()
        at.begin()
        reservations.accept(at.offer(), by=at.taker, now=NOW)

        outcomes = together(
            partial(seats.leave, at.task, by=at.giver, now=NOW),
            partial(seats.leave, at.task, by=at.taker, now=NOW),
        )

        assert refusals(outcomes) == 1
        left = Reservation.objects.get(task=at.held.task_id, status="accepted")
        assert (left.role, at.task.status) == ("owner", "assigned")
        assert Conversation.objects.get(tasks=at.held.task_id).owner_sid == left.worker.sid
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        at.clear()


def test_leaving_races_completing() -> None:
    for _ in range(ROUNDS):
        at = scene()
        at.begin()
        reservations.accept(at.offer(), by=at.taker, now=NOW)

        together(
            partial(seats.leave, at.task, by=at.taker, now=NOW),
            partial(tasks.complete, at.task, by=at.giver, now=NOW),
        )

        assert at.task.status == "completed"
        assert at.seats() == [("giver", "completed"), ("taker", "completed")]
        assert_consistent()
        at.clear()


def test_two_transfers_of_one_task_begin_at_once_and_one_does() -> None:
    for _ in range(ROUNDS):
        at = scene()
        other = make.worker(now=NOW)

        outcomes = together(
            *[
                partial(transfers.start, at.held, to=to, mode=mode, by=at.giver, now=NOW)
                for to, mode in ((at.taker, "WARM"), (other, "COLD"))
            ]
        )
        at.router.tick(NOW)

        assert refusals(outcomes) == 1
        assert Transfer.objects.filter(task=at.held.task_id, status="initiated").count() == 1
        assert Reservation.objects.filter(task=at.held.task_id, status="pending").count() == 1
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        presence.set_activity(other, make.activity("Offline"), by=None, now=NOW)
        at.clear()


def test_two_of_a_queue_take_at_once_and_one_joins() -> None:
    queue = make.queue(max_reserved_workers=3)
    for _ in range(ROUNDS):
        at = scene()
        other = make.worker(user=people.user(), now=NOW)
        at.begin(to=queue)
        offers = {row.worker_id: row for row in Reservation.objects.filter(task=at.held.task_id, status="pending")}
        assert set(offers) == {at.taker.pk, other.pk}

        outcomes = together(
            *[partial(reservations.accept, offers[one.pk], by=one, now=NOW) for one in (at.taker, other)]
        )

        assert refusals(outcomes) == 1
        assert Reservation.objects.filter(task=at.held.task_id, role="joining", status="accepted").count() == 1
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        presence.set_activity(other, make.activity("Offline"), by=None, now=NOW)
        at.clear()


def test_the_taker_goes_on_a_break_as_they_are_asked() -> None:
    """Asked before or never: whoever is on a break holds no offer, and the giver hears of it."""
    for _ in range(ROUNDS):
        at = scene()
        transfer = transfers.start(at.held, to=at.taker, mode="WARM", by=at.giver, now=NOW)

        together(
            partial(at.router.tick, NOW),
            partial(presence.set_activity, at.taker, make.activity("Break"), by=None, now=NOW, reject_pending=True),
        )
        at.router.tick(NOW)

        transfer.refresh_from_db()
        live = Reservation.objects.filter(worker=at.taker, status="pending").exists()
        assert live is False
        assert transfer.status in ("failed", "initiated")
        at.router.tick(after(120))
        transfer.refresh_from_db()
        assert transfer.status == "failed"
        assert_consistent()
        tasks.complete(at.task, by=None, now=NOW)
        at.clear()
