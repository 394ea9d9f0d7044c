"""A supervisor's hand: a task put into another queue or given to one agent, from any state."""

from __future__ import annotations

import datetime as dt

import pytest

from contactcenter.lib.errors import Refused
from routing.errors import WrongState
from routing.models import Reservation, Task, TaskQueue, Workspace
from routing.services import moves, reservations, tasks
from tests.factories import routing as make
from tests.factories.routing import NOW

pytestmark = pytest.mark.django_db


def offer_of(task: Task) -> Reservation:
    return Reservation.objects.get(task=task, status__in=Reservation.LIVE)


def test_a_waiting_task_goes_to_another_queue_with_the_age_it_has() -> None:
    here, there = make.queue(name="Here", target_workers="1==0"), make.queue(name="There")
    task = make.task(workflow=make.workflow({"queue": here}), priority=4)
    make.worker(name="Ann")
    router = make.route()

    moved = moves.move(task, to=there, now=NOW + dt.timedelta(seconds=60))
    router.tick(NOW + dt.timedelta(seconds=60))

    assert (moved.queue, moved.priority, moved.virtual_start_time) == (there, 4, NOW)
    assert make.offers(task) == [("Ann", "pending")]


def test_an_offered_task_is_taken_back_and_given_to_one_agent() -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    task = make.task(workflow=make.workflow({"queue": make.queue()}))
    router = make.route()
    assert offer_of(task).worker == ann

    moves.move(task, to=bob, reason="Bob knows it", now=NOW)
    router.tick(NOW)

    assert make.offers(task) == [("Ann", "canceled"), ("Bob", "pending")]
    ann.refresh_from_db()
    assert ann.load == 0


def test_a_held_task_is_taken_from_its_agent() -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    task = make.task(workflow=make.workflow({"queue": make.queue()}))
    router = make.route()
    reservations.accept(offer_of(task), by=ann, now=NOW)

    moves.move(task, to=bob, now=NOW)
    router.tick(NOW)

    assert make.offers(task) == [("Ann", "canceled"), ("Bob", "pending")]


def test_the_agent_it_is_sent_to_is_asked_even_after_declining() -> None:
    ann = make.worker(name="Ann")
    task = make.task(workflow=make.workflow({"queue": make.queue()}))
    router = make.route()
    reservations.reject(offer_of(task), by=ann, now=NOW)

    moves.move(task, to=ann, now=NOW)
    router.tick(NOW)

    assert make.offers(task) == [("Ann", "rejected"), ("Ann", "pending")]


def test_a_task_that_is_over_and_a_foreign_queue_are_refused() -> None:
    queue = make.queue()
    task = make.task(workflow=make.workflow({"queue": queue}))
    foreign = TaskQueue.objects.create(
        workspace=Workspace.objects.create(friendly_name="Other", created_at=NOW), friendly_name="Q", created_at=NOW
    )

    with pytest.raises(Refused, match="another workspace"):
        moves.move(task, to=foreign, now=NOW)
    tasks.cancel(task, reason="", now=NOW)
    with pytest.raises(WrongState):
        moves.move(task, to=queue, now=NOW)
