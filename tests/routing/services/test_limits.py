"""What is configured: how long things may take, where agents go, what gives way to what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from conversations.models import Conversation
from routing import event_wire
from routing.models import Event, Reservation, Task, TaskChannel, Worker
from routing.services import capacity, configuration, presence, reservations, seats, tasks, transfers, upkeep
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def taken(worker: Worker, now: dt.datetime, **arguments: Any) -> Task:
    task = make.task(now=now, **arguments)
    make.route(now)
    reservations.accept(Reservation.objects.get(task=task, worker=worker), by=worker, now=now)
    return task


def interruptible(name: str) -> None:
    kind = TaskChannel.objects.get(unique_name=name)
    kind.is_interruptible = True
    configuration.save(kind, now=make.NOW)


# ---- timers


def test_a_workflow_says_how_long_its_offers_stay_open(now: dt.datetime) -> None:
    make.worker(now=now)
    task = make.task(workflow=make.workflow({"queue": make.queue()}, timeout=20), now=now)
    router = make.route(now)

    router.tick(after(now, 19.9))
    assert [status for _, status in make.offers(task)] == ["pending"]
    router.tick(after(now, 20))

    assert [status for _, status in make.offers(task)] == ["timeout"]


@pytest.mark.parametrize(("of_queue", "expected"), [(None, 30), (10, 10), (0, None)])
def test_a_queue_may_say_how_long_wrapping_up_may_take(
    now: dt.datetime, of_queue: int | None, expected: int | None
) -> None:
    make.workspace(wrap_up_limit=30)
    worker = make.worker(now=now)
    task = taken(worker, now, workflow=make.workflow({"queue": make.queue(wrap_up_limit=of_queue)}))

    tasks.wrap_up(task, by=worker, now=now)

    task.refresh_from_db()
    assert task.due_at == (None if expected is None else after(now, expected))


def test_however_long_an_agent_has_a_task_it_is_theirs(now: dt.datetime) -> None:
    task = taken(make.worker(now=now), now)

    upkeep.sweep(after(now, 40 * 86400))

    task.refresh_from_db()
    assert task.status == "assigned"


@pytest.mark.parametrize("is_wrapping", [False, True])
def test_a_workspace_may_limit_how_long_a_task_is_had(now: dt.datetime, is_wrapping: bool) -> None:
    make.workspace(assignment_limit=86400)
    worker = make.worker(now=now)
    task = taken(worker, now, conversation=make.conversation(now=now))
    waiting = make.task(now=now, timeout=1_000_000)
    young = taken(worker, after(now, 1))
    if is_wrapping:
        tasks.wrap_up(task, by=worker, now=after(now, 60))
    before = Event.objects.filter(task=task).count()

    upkeep.sweep(after(now, 86399))
    assert Event.objects.filter(task=task).count() == before
    upkeep.sweep(after(now, 86400))

    mine = Event.objects.filter(task=task.pk).order_by("task_seq")
    assert list(mine.values_list("type", flat=True))[before:] == [
        *("task.completed", "reservation.completed", "task.system-deleted"),
    ]
    deleted = event_wire.wire(mine.latest("task_seq"))
    assert (deleted["resource_sid"], deleted["actor_type"]) == (task.sid, "workspace")
    assert deleted["event_data"]["task_completed_reason"] == "Task assigned for too long"
    assert task.conversation is not None
    assert Conversation.objects.get().status == "closed"
    assert set(Task.objects.values_list("pk", flat=True)) == {waiting.pk, young.pk}
    assert Worker.objects.get().load == 20  # the other one they have, and the offer of the one that waits
    upkeep.sweep(after(now, 86400.5))
    assert Event.objects.filter(task=task.pk).count() == before + 3


@pytest.mark.parametrize("what", ["returned", "taken again", "completed"])
def test_what_became_of_a_task_in_this_moment_stands(now: dt.datetime, what: str) -> None:
    worker = make.worker(now=now)
    task = taken(worker, now)
    if what == "completed":
        tasks.complete(task, by=worker, now=after(now, 90))
    else:
        tasks.requeue(task, by=worker, now=after(now, 50))
    if what == "taken again":
        make.route(after(now, 90))
        reservations.accept(Reservation.objects.get(task=task, status="pending"), by=worker, now=after(now, 90))

    upkeep._take_away(task.pk, after(now, 10), after(now, 100))

    task.refresh_from_db()
    assert task.status == {"returned": "pending", "taken again": "assigned", "completed": "completed"}[what]


def test_a_task_offered_a_thousand_times_is_given_up(now: dt.datetime) -> None:
    make.worker(now=now)
    task = make.task(now=now)
    Task.objects.filter(pk=task.pk).update(assignment_count=1000)

    make.route(now)

    task.refresh_from_db()
    assert (task.status, task.reason) == ("canceled", "Task canceled: max assignment count reached.")


def test_offers_to_many_at_once_count_as_one_round(now: dt.datetime) -> None:
    for _ in range(3):
        make.worker(now=now)
    task = make.task(workflow=make.workflow({"queue": make.queue(max_reserved_workers=3)}), now=now)

    make.route(now)

    task.refresh_from_db()
    assert (task.status, task.assignment_count, len(make.offers(task))) == ("reserved", 1, 3)
    for offer in Reservation.objects.filter(task=task)[:2]:
        reservations.reject(offer, by=offer.worker, now=now)
        task.refresh_from_db()
        assert task.status == "reserved"


# ---- where agents go


def test_who_declines_goes_where_the_workspace_says_unless_they_say_otherwise(now: dt.datetime) -> None:
    make.workspace(reject_activity=make.activity("Unavailable"))
    workers = [make.worker(capacities={"chat": 1}, now=now) for _ in range(2)]
    for _ in workers:
        make.task(now=now)
    make.route(now)

    reservations.reject(Reservation.objects.get(worker=workers[0]), by=workers[0], now=now)
    reservations.reject(
        Reservation.objects.get(worker=workers[1]), by=workers[1], activity=make.activity("Break"), now=now
    )

    names = [Worker.objects.get(pk=worker.pk).activity.friendly_name for worker in workers]
    assert names == ["Unavailable", "Break"]


# ---- capacity


def test_chats_that_give_way_do_not_keep_a_call_from_an_agent_but_a_call_keeps_chats_away(now: dt.datetime) -> None:
    make.workspace()
    interruptible("chat")
    worker = make.worker(capacity=30, now=now)
    chats = [make.task(now=now) for _ in range(2)]
    router = make.route(now)

    call = make.task(task_channel="voice", now=after(now, 1))
    router.tick(after(now, 1))
    third = make.task(now=after(now, 2))
    router.tick(after(now, 2))

    worker.refresh_from_db()
    assert (len(make.offers(call)), len(make.offers(third))) == (1, 0)
    assert (worker.load, worker.ceiling, worker.capacity) == (50, 50, 30)
    assert capacity.recount(now=now) == 0
    reservations.accept(Reservation.objects.get(task=call), by=worker, now=after(now, 3))
    tasks.complete(call, by=worker, now=after(now, 4))
    router.tick(after(now, 4))
    worker.refresh_from_db()
    assert (len(make.offers(third)), worker.load, worker.ceiling) == (1, 30, 30)
    assert all(make.offers(chat) for chat in chats)


def test_without_that_three_chats_keep_a_call_away(now: dt.datetime) -> None:
    make.worker(capacity=30, now=now)
    for _ in range(2):
        make.task(now=now)
    router = make.route(now)

    call = make.task(task_channel="voice", now=after(now, 1))
    router.tick(after(now, 1))

    assert make.offers(call) == []


def test_a_call_is_handed_on_to_somebody_whose_chats_give_way(now: dt.datetime) -> None:
    make.workspace()
    interruptible("chat")
    giver = make.worker(capacities={"chat": 0}, now=now)
    call = taken(giver, now, task_channel="voice")
    taker = make.worker(capacity=30, now=now)
    for _ in range(3):
        make.task(now=now)
    router = make.route(now)
    assert Worker.objects.get(pk=taker.pk).load == 30

    transfers.start(Reservation.objects.get(task=call), to=taker, by=giver, now=now)
    router.tick(now)
    router.tick(now)

    assert make.offers(call)[1] == (taker.friendly_name, "pending")
    assert Worker.objects.get(pk=taker.pk).load == 60
    assert capacity.recount(now=now) == 0


def test_a_task_sent_to_one_agent_whatever_they_hold_raises_the_ceiling_while_it_lasts(now: dt.datetime) -> None:
    worker = make.worker(capacities={"chat": 1}, capacity=10, now=now)
    held = taken(worker, now)
    presence.set_activity(worker, make.activity("Break"), by=None, now=now)
    router = make.route(now)

    task = make.task(routing_target=worker.sid, ignore_capacity=True, now=now)
    router.tick(now)

    assert make.offers(task) == [(worker.friendly_name, "pending")]
    worker.refresh_from_db()
    assert (worker.load, worker.ceiling) == (20, 20)
    tasks.complete(held, by=worker, now=now)
    worker.refresh_from_db()
    assert (worker.load, worker.ceiling) == (10, 10)


def test_a_task_sent_to_one_agent_waits_for_their_room_otherwise(now: dt.datetime) -> None:
    worker = make.worker(capacities={"chat": 1}, now=now)
    make.worker(now=now)
    held = taken(worker, now)
    router = make.route(now)

    task = make.task(routing_target=worker.sid, now=now)
    router.tick(now)
    assert make.offers(task) == []
    tasks.complete(held, by=worker, now=now)
    router.tick(now)

    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_a_second_seat_takes_capacity_and_gives_it_back(now: dt.datetime) -> None:
    giver = make.worker(now=now)
    task = taken(giver, now)
    taker = make.worker(capacities={"chat": 1}, now=now)
    router = make.route(now)
    transfers.start(Reservation.objects.get(task=task), to=taker, by=giver, now=now)
    router.tick(now)
    waiting = [make.task(now=now) for _ in range(3)]
    router.tick(now)
    assert [len(make.offers(one)) for one in waiting] == [1, 1, 0]  # the giver's; the taker is full

    reservations.accept(Reservation.objects.get(task=task, worker=taker), by=taker, now=now)
    seats.leave(task, by=taker, now=now)
    router.tick(now)

    assert make.offers(waiting[2]) == [(taker.friendly_name, "pending")]
    assert Event.objects.filter(task=task, type="reservation.completed").count() == 1
    assert capacity.recount(now=now) == 0
