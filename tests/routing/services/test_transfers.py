"""Handing a task on: cold and warm, to a colleague and to a queue; taken, declined, missed, canceled, left."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from routing import queries
from routing.errors import NotYours, ReservationOver, WrongState
from routing.models import Event, Reservation, Task, TaskQueue, Worker, WorkerChannel
from routing.services import presence, queues, reservations, seats, tasks, transfers, upkeep
from tests.factories import routing as make
from tests.routing.services.transfer_scene import Scene, assert_counted

pytestmark = pytest.mark.django_db


def test_a_warm_transfer_seats_both_until_one_leaves(scene: Scene) -> None:
    transfer = scene.transfer(scene.basil, note="Knows the refund rules")
    assert scene.reservations() == [("Amira", "owner", "accepted"), ("Basil", "joining", "pending")]
    assert scene.status() == "assigned"

    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.at(5))
    scene.router.tick(scene.at(5))

    transfer.refresh_from_db()
    assert (transfer.status, transfer.ended_at, scene.status()) == ("completed", scene.at(5), "assigned")
    assert scene.reservations() == [("Amira", "owner", "accepted"), ("Basil", "joining", "accepted")]
    assert scene.people() == [("Amira", "owner"), ("Basil", "joining")]
    assert scene.owner() == "Amira"
    assert_counted()

    seats.leave(scene.task, by=scene.amira, now=scene.at(9))

    assert scene.reservations() == [("Amira", "owner", "completed"), ("Basil", "owner", "accepted")]
    assert (scene.people(), scene.owner(), scene.status()) == ([("Basil", "owner")], "Basil", "assigned")
    assert scene.events() == ["task.transfer-initiated", "task.transfer-completed"]
    assert_counted()


def test_who_had_joined_leaves_and_the_owner_goes_on(scene: Scene) -> None:
    scene.transfer(scene.basil)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.now)

    seats.leave(scene.task, by=scene.basil, now=scene.at(9))
    seats.leave(scene.task, by=scene.basil, now=scene.at(10))

    assert scene.reservations() == [("Amira", "owner", "accepted"), ("Basil", "joining", "completed")]
    assert (scene.people(), scene.owner()) == ([("Amira", "owner")], "Amira")
    assert Worker.objects.get(pk=scene.basil.pk).idle_since == scene.at(9)
    assert_counted()
    scene.transfer(scene.chloe)
    assert scene.offer(scene.chloe).role == "joining"


def test_who_is_alone_cannot_leave_and_strangers_cannot_either(scene: Scene) -> None:
    with pytest.raises(WrongState):
        seats.leave(scene.task, by=scene.amira, now=scene.now)
    with pytest.raises(NotYours):
        seats.leave(scene.task, by=scene.basil, now=scene.now)


def test_a_cold_transfer_to_a_colleague_changes_places_when_they_accept(scene: Scene) -> None:
    scene.transfer(scene.basil, "COLD")
    assert (scene.owner(), scene.people()) == ("Amira", [("Amira", "owner")])

    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.at(5))
    scene.router.tick(scene.at(5))

    assert scene.reservations() == [("Amira", "owner", "completed"), ("Basil", "owner", "accepted")]
    assert (scene.people(), scene.owner(), scene.status()) == ([("Basil", "owner")], "Basil", "assigned")
    assert scene.events() == ["task.transfer-initiated", "task.transfer-completed"]
    assert_counted()


def test_a_cold_transfer_to_a_queue_frees_the_giver_at_once(scene: Scene) -> None:
    transfer = scene.transfer(scene.queue, "COLD", priority=7)

    assert scene.reservations() == [("Amira", "owner", "canceled"), ("Basil", "owner", "pending")]
    assert (scene.status(), Task.objects.get(pk=scene.task.pk).priority) == ("reserved", 7)
    with pytest.raises(WrongState):
        transfers.cancel(transfer, by=scene.amira, now=scene.now)

    reservations.reject(scene.offer(scene.basil), by=scene.basil, now=scene.at(1))
    scene.router.tick(scene.at(1))
    reservations.accept(scene.offer(scene.chloe), by=scene.chloe, now=scene.at(2))

    assert scene.owner() == "Chloe"
    assert scene.events() == [
        "task.transfer-initiated",
        "task.transfer-attempt-failed",
        "task.transfer-completed",
    ]
    assert_counted()


def test_a_colleague_who_declines_fails_the_transfer_and_the_giver_is_told(scene: Scene) -> None:
    transfer = scene.transfer(scene.basil, "COLD")
    seq = Worker.objects.get(pk=scene.amira.pk).event_seq

    reservations.reject(scene.offer(scene.basil), by=scene.basil, now=scene.at(5))
    scene.router.tick(scene.at(40))

    transfer.refresh_from_db()
    assert (transfer.status, transfer.reason, scene.status()) == ("failed", "rejected", "assigned")
    assert scene.reservations() == [("Amira", "owner", "accepted"), ("Basil", "joining", "rejected")]
    told = Event.objects.get(worker=scene.amira, worker_seq=seq + 1)
    assert told.type == "task.transfer-failed"
    assert told.data["transfer"]["reason"] == "rejected"
    assert told.data["reservation"]["transfer"] is None
    assert_counted()


def test_a_colleague_who_misses_it_fails_the_transfer(scene: Scene) -> None:
    transfer = scene.transfer(scene.basil)

    scene.router.tick(scene.at(120))
    scene.router.tick(scene.at(121))

    transfer.refresh_from_db()
    assert (transfer.status, transfer.reason) == ("failed", "timeout")
    assert scene.reservations() == [("Amira", "owner", "accepted"), ("Basil", "joining", "timeout")]


def test_a_colleague_whose_room_is_taken_meanwhile_is_waited_for_only_so_long(scene: Scene) -> None:
    made = transfers.start(scene.held, to=scene.basil, mode="WARM", by=scene.amira, now=scene.now)
    WorkerChannel.objects.filter(worker=scene.basil).update(is_available=False)
    router = make.route(scene.now)
    assert scene.reservations() == [("Amira", "owner", "accepted")]

    router.tick(scene.at(119))
    made.refresh_from_db()
    assert made.status == "initiated"
    router.tick(scene.at(120))

    made.refresh_from_db()
    assert (made.status, made.reason, scene.status()) == ("failed", "timeout", "assigned")


def test_a_queue_is_asked_one_after_the_other(scene: Scene) -> None:
    transfer = scene.transfer(scene.queue)
    assert scene.offer(scene.basil).due_at == scene.at(120)

    reservations.reject(scene.offer(scene.basil), by=scene.basil, now=scene.at(3))
    scene.router.tick(scene.at(3))

    transfer.refresh_from_db()
    assert transfer.status == "initiated"
    assert scene.reservations()[1:] == [("Basil", "joining", "rejected"), ("Chloe", "joining", "pending")]
    reservations.accept(scene.offer(scene.chloe), by=scene.chloe, now=scene.at(4))
    assert scene.events() == ["task.transfer-initiated", "task.transfer-attempt-failed", "task.transfer-completed"]
    assert scene.people() == [("Amira", "owner"), ("Chloe", "joining")]


def test_a_queue_that_asks_many_asks_many_at_once(now: dt.datetime) -> None:
    scene = Scene(now, max_reserved_workers=3)
    scene.transfer(scene.queue)

    reservations.accept(scene.offer(scene.chloe), by=scene.chloe, now=scene.at(1))

    assert scene.reservations() == [
        ("Amira", "owner", "accepted"),
        ("Basil", "joining", "rescinded"),
        ("Chloe", "joining", "accepted"),
    ]
    assert_counted()


def test_the_giver_is_never_asked_for_their_own_task(scene: Scene) -> None:
    for worker in (scene.basil, scene.chloe):
        presence.set_activity(worker, make.activity("Break"), by=None, now=scene.now)

    scene.transfer(scene.queue)

    assert scene.reservations() == [("Amira", "owner", "accepted")]


def test_a_queue_that_accepts_by_itself_seats_the_taker_at_once(now: dt.datetime) -> None:
    scene = Scene(now, auto_accept=True)

    scene.transfer(scene.queue)

    assert scene.reservations()[1] == ("Basil", "joining", "accepted")


def test_the_giver_cancels(scene: Scene) -> None:
    transfer = scene.transfer(scene.basil)
    offer = scene.offer(scene.basil)
    with pytest.raises(NotYours):
        transfers.cancel(transfer, by=scene.basil, now=scene.now)

    transfers.cancel(transfer, by=scene.amira, now=scene.at(2))
    transfers.cancel(transfer, by=scene.amira, now=scene.at(3))
    scene.router.tick(scene.at(3))

    transfer.refresh_from_db()
    assert (transfer.status, transfer.ended_at, scene.status()) == ("canceled", scene.at(2), "assigned")
    assert scene.reservations()[1:] == [("Basil", "joining", "canceled")]
    assert scene.events() == ["task.transfer-initiated", "task.transfer-canceled"]
    with pytest.raises(ReservationOver):
        reservations.accept(offer, by=scene.basil, now=scene.at(4))
    assert_counted()


@pytest.mark.parametrize("ending", ["wrap_up", "complete", "requeue"])
def test_the_owner_ends_or_returns_the_task_and_who_joined_is_free(scene: Scene, ending: str) -> None:
    scene.transfer(scene.basil)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.now)
    with pytest.raises(NotYours):
        getattr(tasks, ending)(scene.task, by=scene.basil, now=scene.at(1))

    getattr(tasks, ending)(scene.task, by=scene.amira, now=scene.at(2))

    expected = {
        "wrap_up": ("wrapping", "wrapping"),
        "complete": ("completed", "completed"),
        "requeue": ("canceled", "pending"),
    }
    assert (Reservation.objects.get(pk=scene.held.pk).status, scene.status()) == expected[ending]
    assert not Reservation.objects.filter(worker=scene.basil, status__in=Reservation.LIVE).exists()
    assert "Basil" not in dict(scene.people())
    assert_counted()


@pytest.mark.parametrize("ending", ["wrap_up", "complete", "requeue"])
def test_ending_or_returning_the_task_withdraws_a_transfer_under_way(scene: Scene, ending: str) -> None:
    transfer = scene.transfer(scene.basil)

    getattr(tasks, ending)(scene.task, by=scene.amira, now=scene.at(2))

    transfer.refresh_from_db()
    assert transfer.status == "canceled"
    assert scene.reservations()[1] == ("Basil", "joining", "canceled")
    assert_counted()


def test_the_customer_leaves_during_a_transfer(scene: Scene) -> None:
    from conversations.services import lifecycle

    transfer = scene.transfer(scene.basil)

    lifecycle.close(Conversation.objects.get(pk=scene.conversation.pk), now=scene.at(1))

    transfer.refresh_from_db()
    assert (transfer.status, scene.status()) == ("canceled", "completed")
    assert_counted()


def test_what_cannot_be_transferred(scene: Scene) -> None:
    def start(to: Worker | TaskQueue, by: Worker = scene.amira, **arguments: Any) -> None:
        transfers.start(scene.held, to=to, by=by, now=scene.now, **arguments)

    with pytest.raises(NotYours):
        start(scene.chloe, by=scene.basil)
    with pytest.raises(Refused, match="have this conversation already"):
        start(scene.amira)
    with pytest.raises(Refused, match="WARM or COLD"):
        start(scene.basil, mode="LUKEWARM")
    presence.set_activity(scene.chloe, make.activity("Break"), by=None, now=scene.now)
    with pytest.raises(Refused, match="not available"):
        start(Worker.objects.get(pk=scene.chloe.pk))
    start(scene.basil)
    with pytest.raises(WrongState, match="already"):
        start(scene.queue)
    tasks.wrap_up(scene.task, by=scene.amira, now=scene.now)
    with pytest.raises(WrongState):
        start(scene.basil)


def test_a_vanished_owner_leaves_the_conversation_to_who_joined(scene: Scene) -> None:
    scene.transfer(scene.basil)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.now)
    presence.connected(scene.amira, "tab", now=scene.now)
    presence.disconnected("tab", scene.now)

    presence.sweep(scene.at(300))

    assert scene.reservations() == [("Amira", "owner", "completed"), ("Basil", "owner", "accepted")]
    assert (scene.owner(), scene.status()) == ("Basil", "assigned")


def test_a_colleague_who_vanishes_before_answering_fails_the_transfer(scene: Scene) -> None:
    transfer = scene.transfer(scene.basil)
    presence.connected(scene.basil, "tab", now=scene.now)
    presence.disconnected("tab", scene.now)

    presence.sweep(scene.at(30))

    transfer.refresh_from_db()
    assert (transfer.status, transfer.reason) == ("failed", "rescinded")


def test_a_restarted_router_knows_of_transfers(scene: Scene) -> None:
    """Offered before, waiting before, joined before: the new one continues each."""
    scene.transfer(scene.queue)
    reservations.reject(scene.offer(scene.basil), by=scene.basil, now=scene.at(1))

    router = make.route(scene.at(2))
    presence.set_activity(scene.chloe, make.activity("Break"), by=None, now=scene.at(2))
    presence.set_activity(scene.chloe, make.activity("Available"), by=None, now=scene.at(2))
    router.tick(scene.at(2))
    offer = scene.offer(scene.chloe)
    router = make.route(scene.at(3))
    reservations.accept(offer, by=scene.chloe, now=scene.at(4))
    router.tick(scene.at(4))
    seats.leave(scene.task, by=scene.amira, now=scene.at(5))
    router.tick(scene.at(5))

    assert scene.owner() == "Chloe"
    assert_counted()
    for _ in range(10):
        make.task(now=scene.at(6))
    router.tick(scene.at(6))
    assert_counted()
    assert Worker.objects.get(pk=scene.chloe.pk).load == 30
    assert Worker.objects.get(pk=scene.amira.pk).load == 30


def test_a_task_whose_owner_was_deleted_goes_to_who_joined(scene: Scene) -> None:
    scene.transfer(scene.basil)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.now)
    scene.amira.delete()

    upkeep.sweep(scene.at(1))

    assert scene.reservations() == [("Basil", "owner", "accepted")]
    assert (scene.owner(), scene.status()) == ("Basil", "assigned")


def test_attributes_given_with_a_transfer_replace_the_tasks(scene: Scene) -> None:
    scene.transfer(scene.basil, attributes={"topic": "refund"})

    assert Task.objects.get(pk=scene.task.pk).attributes == {"topic": "refund"}


@pytest.mark.parametrize("was_offered", [True, False])
def test_a_colleague_who_is_deleted_fails_the_transfer_and_the_giver_is_told(scene: Scene, was_offered: bool) -> None:
    if was_offered:
        scene.transfer(scene.basil)
    else:
        transfers.start(scene.held, to=scene.basil, by=scene.amira, now=scene.now)
    scene.basil.delete()

    state = queries.worker_snapshot(Worker.objects.get(pk=scene.amira.pk))
    told = Event.objects.get(worker=scene.amira, type="task.transfer-failed")
    assert told.data["reservation"]["transfer"] is None
    assert state["reservations"][0]["transfer"] is None
    assert scene.status() == "assigned"


def test_a_queue_somebody_is_being_asked_of_is_not_deleted(scene: Scene) -> None:
    scene.transfer(scene.queue)

    with pytest.raises(Refused):
        queues.delete_queue(scene.queue, now=scene.now)
