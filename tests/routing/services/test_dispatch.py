"""The router turns waiting tasks into committed offers."""

from __future__ import annotations

import datetime as dt

import pytest

from routing.models import Change, Event, Reservation, Task, Worker, WorkerChannel
from routing.services import dispatch, memory, reservations
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def test_a_new_task_is_offered_to_the_worker_idle_the_longest(now: dt.datetime) -> None:
    make.worker(name="Short", now=after(now, -10))
    longest = make.worker(name="Long", now=after(now, -60))
    task = make.task(conversation=make.conversation(), now=now)

    make.route(now)

    offer = Reservation.objects.get(task=task)
    assert (offer.worker, offer.status, offer.due_at) == (longest, "pending", after(now, 120))
    assert Task.objects.get(pk=task.pk).status == "reserved"
    assert WorkerChannel.objects.get(worker=longest, task_channel__unique_name="chat").load == 1
    assert Worker.objects.get(pk=longest.pk).load == 10
    assert not Change.objects.exists()


def test_a_running_router_hears_of_news(now: dt.datetime) -> None:
    router = make.route(now)
    worker = make.worker(now=now)
    task = make.task(now=now)

    assert router.tick(now) == 1

    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_a_rejected_offer_goes_to_the_next_worker(now: dt.datetime) -> None:
    first = make.worker(name="First", now=after(now, -60))
    make.worker(name="Second", now=after(now, -10))
    task = make.task(now=now)
    router = make.route(now)

    reservations.reject(Reservation.objects.get(task=task), by=first, now=after(now, 5))
    router.tick(after(now, 5))

    assert make.offers(task) == [("First", "rejected"), ("Second", "pending")]


def test_who_declined_is_asked_again_after_everybody_else_and_half_a_minute(now: dt.datetime) -> None:
    only = make.worker(name="Only", now=now)
    task = make.task(now=now)
    router = make.route(now)
    reservations.reject(Reservation.objects.get(task=task), by=only, now=now)

    router.tick(after(now, 29))
    assert make.offers(task) == [("Only", "rejected")]
    router.tick(after(now, 30))
    assert make.offers(task) == [("Only", "rejected"), ("Only", "pending")]


def test_an_offer_that_runs_out_goes_to_the_next_worker(now: dt.datetime) -> None:
    make.worker(name="First", now=after(now, -60))
    make.worker(name="Second", now=after(now, -10))
    task = make.task(now=now)
    router = make.route(now)

    router.tick(after(now, 119))
    assert make.offers(task) == [("First", "pending")]
    router.tick(after(now, 120))

    assert make.offers(task) == [("First", "timeout"), ("Second", "pending")]


def test_events_are_numbered_without_gaps_in_both_streams(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    task = make.task(now=now)
    router = make.route(now)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=now)
    router.tick(now)

    of_worker = Event.objects.filter(worker=worker).order_by("worker_seq").values_list("worker_seq", "type")
    of_task = Event.objects.filter(task=task).order_by("task_seq").values_list("task_seq", "type")
    assert list(of_worker) == [(1, "worker.created"), (2, "reservation.created"), (3, "reservation.accepted")]
    assert list(of_task) == list(
        enumerate(
            [
                "task.created",
                "workflow.entered",
                "workflow.target-matched",
                "task-queue.entered",
                "reservation.created",
                "reservation.accepted",
            ],
            start=1,
        )
    )


def test_a_new_leader_assigns_before_it_has_read_the_whole_backlog(
    monkeypatch: pytest.MonkeyPatch, now: dt.datetime
) -> None:
    monkeypatch.setattr(memory, "FIRST", 3)
    monkeypatch.setattr(memory, "PAGE", 3)
    for number in range(10):
        make.task(attributes={"number": number}, priority=number % 2, now=after(now, number - 20))
    make.worker(name="One", capacities={"chat": 2}, now=now)
    Change.objects.all().delete()  # a leader that died had taken the news
    router = dispatch.Router("test")

    assert router.lead(now)
    assert router.tick(now) == 2

    assert router.next_due() == 0  # at once: there is more to read
    offered = Task.objects.filter(status="reserved").order_by("virtual_start_time")
    assert [task.attributes["number"] for task in offered] == [1, 3]


def test_what_is_read_later_finds_those_who_wait_for_work(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    monkeypatch.setattr(memory, "FIRST", 3)
    monkeypatch.setattr(memory, "PAGE", 3)
    for number in range(7):
        make.task(now=after(now, number - 20))
    last = make.task(task_channel="voice", now=after(now, -1))
    make.worker(name="Phone", capacities={"voice": 1}, now=now)
    Change.objects.all().delete()  # a leader that died had taken the news
    router = dispatch.Router("test")
    router.lead(now)
    router.tick(now)
    assert router.next_due() == 0
    assert make.offers(last) == []

    while router.next_due() == 0:
        router.tick(now, rung=False)

    assert make.offers(last) == [("Phone", "pending")]
    assert len(next(iter(router.memory.matchers.values())).tasks) == 8


def test_a_wrong_load_is_set_right_once_everything_is_read(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    monkeypatch.setattr(memory, "FIRST", 3)
    monkeypatch.setattr(memory, "PAGE", 3)
    worker = make.worker(capacity=30, capacities={"chat": 3}, now=now)
    tasks = [make.task(now=after(now, number - 20)) for number in range(7)]
    Worker.objects.filter(pk=worker.pk).update(load=30, ceiling=30)
    WorkerChannel.objects.filter(worker=worker).update(load=3, ceiling=3)
    Change.objects.all().delete()  # a leader that died had taken the news
    router = dispatch.Router("test")
    router.lead(now)

    for _ in range(10):
        router.tick(now, rung=False)

    assert [make.offers(task) for task in tasks[:3]] == [[(worker.friendly_name, "pending")]] * 3
    assert Worker.objects.values_list("load", "ceiling").get() == (30, 30)
