"""Leaving, deleting, and what others do in the same moment, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from contactcenter.lib.errors import Refused
from routing.models import Reservation, Task, TaskQueue, Worker, Workflow
from routing.services import presence, queues, reservations, tasks, workers
from tests.factories import routing as make
from tests.routing.racing import NOW, after, assert_consistent, offered, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 6


def test_accepting_races_the_agents_own_break() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)

        accepted, _moved = together(
            partial(reservations.accept, offer, by=worker, now=NOW),
            partial(presence.set_activity, worker, make.activity("Break"), by=None, now=NOW, reject_pending=True),
        )

        offer.refresh_from_db()
        assert offer.status == ("rejected" if isinstance(accepted, Refused) else "accepted")
        assert Worker.objects.get(pk=worker.pk).activity.friendly_name == "Break"
        assert_consistent()


@pytest.mark.parametrize("doing", ["accept", "complete"])
def test_an_agent_is_deleted_with_all_that_is_theirs(doing: str) -> None:
    """Deleted around the services, with the person: whoever waits is served by somebody else."""
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)
        act: Callable[[], object] = partial(reservations.accept, offer, by=worker, now=NOW)
        if doing == "complete":
            reservations.accept(offer, by=worker, now=NOW)
            act = partial(tasks.complete, Task(pk=offer.task_id), by=worker, now=NOW)

        together(act, Worker.objects.get(pk=worker.pk).delete)
        task = Task.objects.get(pk=offer.task_id)
        assert not Worker.objects.filter(pk=worker.pk).exists()
        assert task.status in ("pending", "completed")
        assert_consistent()
        other = make.worker(now=NOW)
        router = make.route(NOW)
        if task.status == "pending":
            assert make.offers(task) == [(other.friendly_name, "pending")]
            tasks.cancel(task, reason="", now=NOW)
        presence.set_activity(other, make.activity("Offline"), by=None, now=NOW)
        router.tick(NOW)


def test_an_agent_is_not_deleted_by_the_api_once_they_were_offered_something() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        router = make.route(NOW)
        task = make.task(conversation=make.conversation(), now=NOW)

        _, deleted = together(partial(router.tick, NOW), partial(workers.delete, worker, now=NOW))
        if not router.leads:
            router.lead(NOW)
        router.tick(NOW)

        exists = Worker.objects.filter(pk=worker.pk).exists()
        assert exists is isinstance(deleted, Refused)
        assert make.offers(task) == ([(worker.friendly_name, "pending")] if exists else [])
        assert_consistent()
        tasks.cancel(task, reason="", now=NOW)
        if exists:
            presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_a_queue_is_deleted_as_a_task_comes_in() -> None:
    for _ in range(ROUNDS):
        queue = make.queue()

        created, deleted = together(
            partial(make.task, routing_target=queue.sid, conversation=make.conversation(), now=NOW),
            partial(queues.delete_queue, TaskQueue.objects.get(pk=queue.pk), now=NOW),
        )

        is_there = TaskQueue.objects.filter(pk=queue.pk).exists()
        assert isinstance(created, Task) is is_there
        assert (deleted is None) is not is_there
        assert_consistent()


def test_a_workflow_is_deleted_as_a_task_comes_in() -> None:
    for _ in range(ROUNDS):
        workflow = make.workflow({"queue": make.queue()})

        created, deleted = together(
            partial(make.task, workflow=workflow, conversation=make.conversation(), now=NOW),
            partial(queues.delete_workflow, Workflow.objects.get(pk=workflow.pk), now=NOW),
        )

        is_there = Workflow.objects.filter(pk=workflow.pk).exists()
        assert isinstance(created, Task) is is_there
        assert (deleted is None) is not is_there
        assert_consistent()


def test_a_queue_in_use_stays_and_its_tasks_are_served() -> None:
    queue = make.queue()
    task = make.task(routing_target=queue.sid, now=NOW)

    with pytest.raises(Refused):
        queues.delete_queue(queue, now=NOW)
    worker = make.worker(now=NOW)
    make.route(after(1))

    assert make.offers(task) == [(worker.friendly_name, "pending")]
    assert Reservation.objects.get(task=task).status == "pending"
