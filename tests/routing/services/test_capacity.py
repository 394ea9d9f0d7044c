"""Capacity, and the constraints that forbid what must not be."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from contactcenter.lib.errors import Refused
from routing.models import Event, Reservation, Task, TaskChannel, Transfer, Worker, WorkerChannel
from routing.services import capacity, reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def chat(worker: Worker) -> WorkerChannel:
    return WorkerChannel.objects.get(worker=worker, task_channel__unique_name="chat")


def busy(now: dt.datetime, *, count: int = 3) -> tuple[Worker, list[Task]]:
    """A worker with this many accepted chats."""
    worker = make.worker(capacities={"chat": count}, now=now)
    router = make.route(now)
    held = []
    for _ in range(count):
        task = make.task(now=now)
        router.tick(now)
        reservations.accept(Reservation.objects.get(task=task), by=worker, now=now)
        held.append(task)
    router.tick(now)
    return worker, held


def test_nobody_gets_more_than_their_channel_takes(now: dt.datetime) -> None:
    worker = make.worker(capacities={"chat": 2}, now=now)
    waiting = [make.task(now=now) for _ in range(3)]

    make.route(now)

    assert [make.offers(task) for task in waiting] == [[(worker.friendly_name, "pending")]] * 2 + [[]]
    assert (chat(worker).load, chat(worker).ceiling) == (2, 2)


def test_three_chats_or_one_call_fill_the_same_total(now: dt.datetime) -> None:
    make.worker(capacity=30, now=now)
    chats = [make.task(now=now) for _ in range(3)]
    call = make.task(task_channel="voice", now=now)

    make.route(now)

    assert [len(make.offers(task)) for task in chats] == [1, 1, 1]
    assert make.offers(call) == []


def test_lowering_capacity_below_the_load_takes_nothing_away(now: dt.datetime) -> None:
    worker, held = busy(now)
    kind = TaskChannel.objects.get(unique_name="chat")
    router = make.route(now)

    capacity.set_channel(worker, kind, capacity=1, now=now)
    more = make.task(now=now)
    router.tick(now)
    assert (chat(worker).load, chat(worker).ceiling) == (3, 3)

    tasks.complete(held[0], by=worker, now=now)
    tasks.complete(held[1], by=worker, now=now)
    router.tick(now)
    assert (chat(worker).load, chat(worker).ceiling, make.offers(more)) == (1, 1, [])

    tasks.complete(held[2], by=worker, now=now)
    router.tick(now)
    assert make.offers(more) == [(worker.friendly_name, "pending")]


def test_the_total_falls_with_every_release_too(now: dt.datetime) -> None:
    worker, held = busy(now)

    capacity.set_total(worker, capacity=10, now=now)
    assert Worker.objects.values_list("load", "ceiling").get(pk=worker.pk) == (30, 30)
    tasks.complete(held[0], by=worker, now=now)

    assert Worker.objects.values_list("load", "ceiling").get(pk=worker.pk) == (20, 20)


def test_more_capacity_brings_the_next_task(now: dt.datetime) -> None:
    worker, _ = busy(now, count=1)
    router = make.route(now)
    task = make.task(now=now)
    router.tick(now)
    assert make.offers(task) == []

    capacity.set_channel(worker, TaskChannel.objects.get(unique_name="chat"), capacity=2, now=now)
    router.tick(now)

    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_a_parked_channel_gets_nothing(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    capacity.set_channel(worker, TaskChannel.objects.get(unique_name="chat"), capacity=3, is_available=False, now=now)

    task = make.task(now=now)
    make.route(now)

    assert make.offers(task) == []


@pytest.mark.parametrize("wanted", [-1, 51])
def test_a_capacity_out_of_bounds_is_refused(wanted: int, now: dt.datetime) -> None:
    with pytest.raises(Refused):
        capacity.set_channel(make.worker(), TaskChannel.objects.get(unique_name="chat"), capacity=wanted, now=now)


def test_a_load_that_is_wrong_is_counted_anew_when_a_router_starts(now: dt.datetime) -> None:
    worker, _ = busy(now, count=1)
    Worker.objects.filter(pk=worker.pk).update(load=70)
    WorkerChannel.objects.filter(worker=worker).update(load=0)

    assert capacity.recount(now=now) == 1

    assert (Worker.objects.get(pk=worker.pk).load, chat(worker).load) == (10, 1)
    assert capacity.recount(now=now) == 0


# ---- what the database forbids


def test_a_worker_over_their_ceiling_is_forbidden(now: dt.datetime) -> None:
    worker = make.worker(capacity=30, now=now)

    with pytest.raises(IntegrityError, match="worker_load_within_ceiling"), transaction.atomic():
        Worker.objects.filter(pk=worker.pk).update(load=31)


def test_a_worker_channel_over_its_ceiling_is_forbidden(now: dt.datetime) -> None:
    worker = make.worker(capacities={"chat": 3}, now=now)

    with pytest.raises(IntegrityError, match="worker_channel_load_within_ceiling"), transaction.atomic():
        WorkerChannel.objects.filter(worker=worker, task_channel__unique_name="chat").update(load=4)


@pytest.mark.parametrize("second", ["accepted", "wrapping"])
def test_a_second_owner_of_a_task_is_forbidden(second: str, now: dt.datetime) -> None:
    task = make.task(now=now)
    Reservation.objects.create(task=task, worker=make.worker(), status="accepted")

    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.create(task=task, worker=make.worker(), status=second)


def test_a_second_live_offer_of_a_task_to_one_worker_is_forbidden(now: dt.datetime) -> None:
    task, worker = make.task(now=now), make.worker()
    Reservation.objects.create(task=task, worker=worker, status="rejected")
    Reservation.objects.create(task=task, worker=worker)

    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.create(task=task, worker=worker)


def test_a_second_live_task_of_a_conversation_is_forbidden(now: dt.datetime) -> None:
    task = make.task(conversation=make.conversation(), now=now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.create(
            workspace=task.workspace, task_channel=task.task_channel, conversation=task.conversation, queue=task.queue
        )


def test_two_events_with_one_number_are_forbidden(now: dt.datetime) -> None:
    worker, task = make.worker(), make.task(now=now)
    for stream in ({"worker": worker, "worker_seq": 1}, {"task": task, "task_seq": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Event.objects.create(workspace=task.workspace, type="test", **stream)


def test_a_second_live_transfer_and_one_without_a_single_target_are_forbidden(now: dt.datetime) -> None:
    task = make.task(now=now)
    worker = make.worker()
    first = Reservation.objects.create(task=task, worker=worker)
    Transfer.objects.create(task=task, initiating_reservation=first, to_worker=worker)

    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.create(task=task, initiating_reservation=first, to_worker=worker)
    for targets in ({}, {"to_worker": worker, "to_queue": task.queue}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Transfer.objects.create(task=task, initiating_reservation=first, status="failed", **targets)
