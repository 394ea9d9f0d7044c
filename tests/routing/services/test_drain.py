"""Much to assign at once: it is committed batch by batch, the next one decided while the one before is written."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import F

from routing import events, queries
from routing.models import Event, Reservation, Task, Worker
from routing.services import batch, dispatch
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BATCH", 3)


@pytest.fixture
def told() -> Any:
    frames: list[tuple[Any, dict[str, Any]]] = []

    def receive(frames: list[tuple[Any, dict[str, Any]]], **_: object) -> None:
        heard.extend((worker_id, make.sent(frame)) for worker_id, frame in frames)

    heard = frames
    events.worker_events_recorded.connect(receive)
    yield frames
    events.worker_events_recorded.disconnect(receive)


def backlog(now: dt.datetime, *, conversations: bool = False) -> list[Task]:
    """Ten tasks that wait; with ``conversations`` every second one shows one."""
    return [
        make.task(
            conversation=make.conversation() if conversations and number % 2 else None,
            attributes={"number": number, "big": 10**30},
            now=now + dt.timedelta(seconds=number),
        )
        for number in range(10)
    ]


def everybody_has_what_the_rows_say(tasks: list[Task]) -> None:
    assert Counter(Reservation.objects.values_list("task_id", "status")) == {(task.pk, "pending"): 1 for task in tasks}
    for event in Event.objects.filter(type="reservation.created").select_related("reservation"):
        assert event.reservation is not None
        assert event.data["reservation"] == queries.reservation_json(event.reservation)
    for worker in Worker.objects.all():
        numbers = list(Event.objects.filter(worker=worker).order_by("worker_seq").values_list("worker_seq", flat=True))
        assert numbers == list(range(1, worker.event_seq + 1))
        latest = Event.objects.filter(worker=worker).latest("worker_seq")
        assert latest.data["worker"] == queries.worker_json(worker)
    for task in Task.objects.all():
        numbers = list(Event.objects.filter(task=task).order_by("task_seq").values_list("task_seq", flat=True))
        assert numbers == list(range(1, task.event_seq + 1))


@pytest.mark.parametrize("conversations", [False, True])
def test_every_batch_is_written_and_told_once(conversations: bool, told: Any, now: dt.datetime) -> None:
    tasks = backlog(now, conversations=conversations)
    workers = [make.worker(name=f"Agent {number}", now=now) for number in range(4)]
    told.clear()

    router = make.route(now + dt.timedelta(seconds=20))

    everybody_has_what_the_rows_say(tasks)
    for worker in workers:
        offers = [frame for worker_id, frame in told if worker_id == worker.pk]
        assert offers == [event for event in make.stream(worker) if event["event"] == "reservation.created"]
    assert router.tick(now + dt.timedelta(seconds=21)) == 0


def test_the_first_batch_is_short_and_the_next_ones_grow(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    monkeypatch.setattr(dispatch, "FIRST", 1)
    backlog(now)
    router = make.route(now)
    for number in range(4):
        make.worker(name=f"Agent {number}", now=now)
    sizes: list[int] = []
    settle = batch.Batch.settle

    def count(self: batch.Batch) -> None:
        sizes.append(len(self.tasks))
        settle(self)

    monkeypatch.setattr(batch.Batch, "settle", count)

    router.tick(now + dt.timedelta(seconds=20))

    assert sizes == [1, 2, 3, 3, 1]


def test_a_batch_that_is_refused_holds_up_no_other(now: dt.datetime) -> None:
    tasks = backlog(now)
    router = make.route(now)
    Task.objects.filter(pk__in=[tasks[4].pk, tasks[7].pk]).update(version=F("version") + 1)  # no news left
    for number in range(4):
        make.worker(name=f"Agent {number}", now=now)

    router.tick(now + dt.timedelta(seconds=20))

    everybody_has_what_the_rows_say(tasks)


def test_what_the_database_forbids_is_decided_anew(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    tasks = backlog(now)
    router = make.route(now)
    for number in range(4):
        make.worker(name=f"Agent {number}", now=now)
    refusals = iter([False, True, False])
    settle = batch.Batch.settle

    def refuse_the_second(self: batch.Batch) -> None:
        settle(self)
        if next(refusals, False):
            raise IntegrityError

    monkeypatch.setattr(batch.Batch, "settle", refuse_the_second)

    router.tick(now + dt.timedelta(seconds=20))

    everybody_has_what_the_rows_say(tasks)


def test_a_worker_somebody_changed_meanwhile_is_shown_as_they_are(now: dt.datetime) -> None:
    tasks = backlog(now)
    router = make.route(now)
    for number in range(4):
        make.worker(name=f"Agent {number}", now=now)
    router.memory.apply(*router._take_news(), now)
    changed = Worker.objects.order_by("id").first()
    assert changed is not None
    Worker.objects.filter(pk=changed.pk).update(version=F("version") + 1, friendly_name="Renamed")  # no news left

    router.tick(now + dt.timedelta(seconds=20))

    everybody_has_what_the_rows_say(tasks)
    assert Event.objects.filter(worker=changed).latest("worker_seq").data["worker"]["name"] == "Renamed"
