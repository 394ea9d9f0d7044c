"""Workspaces, queues, workflows, workers: made, changed, deleted through the services every door uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from routing.errors import Stale
from routing.models import Activity, Change, Event, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace
from routing.services import queues, reservations, rows, tasks, upkeep, workers, workspaces
from tests.conftest import NOW
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def news() -> list[str]:
    """The router's news since the last call."""
    kinds = list(Change.objects.order_by("id").values_list("kind", flat=True))
    Change.objects.all().delete()
    return [str(kind) for kind in kinds]


def test_a_workspace_begins_with_activities_and_channels_and_ends_with_all_that_is_in_it() -> None:
    made = workspaces.create(friendly_name="Shop", template="FIFO", now=NOW)

    assert list(made.activities.values_list("friendly_name", "available")) == [
        ("Offline", False),
        ("Available", True),
        ("Unavailable", False),
    ]
    assert made.default_activity is not None
    assert made.default_activity.friendly_name == "Offline"
    assert made.task_channels.count() == 5
    worker = workers.create(made, friendly_name="Ann", now=NOW)
    tasks.create(workflow=made.workflows.get(), attributes={}, now=NOW)
    workspaces.delete(made, now=NOW)
    assert not Workspace.objects.filter(pk=made.pk).exists()
    assert not Worker.objects.filter(pk=worker.pk).exists()
    assert Task.objects.count() == 0


def test_names_are_unique_in_every_kind() -> None:
    workspace = make.workspace()
    makers: list[Any] = [
        lambda: workspaces.create(friendly_name="Default", now=NOW),
        lambda: workspaces.create_activity(workspace, friendly_name="Break", now=NOW),
        lambda: workspaces.create_task_channel(workspace, friendly_name="C", unique_name="chat", now=NOW),
        lambda: queues.create_queue(workspace, friendly_name="Everyone", now=NOW),
        lambda: queues.create_workflow(
            workspace, friendly_name="Default", configuration={"task_routing": {"filters": []}}, now=NOW
        ),
        lambda: [workers.create(workspace, friendly_name=name, now=NOW) for name in ("Ann", "ANN")],
    ]
    for maker in makers:
        with pytest.raises(Refused) as refusal:
            maker()
        assert refusal.value.code == "routing.name_taken"


def test_the_router_and_the_log_learn_of_every_change() -> None:
    workspace = make.workspace()
    news()
    Event.objects.all().delete()

    queue = queues.create_queue(workspace, friendly_name="Billing", target_workers="a == 1", now=NOW)
    rows.change(queue, {"target_workers": "a == 2"}, now=NOW)
    queues.delete_queue(queue, now=NOW)
    activity = workspaces.create_activity(workspace, friendly_name="Lunch", now=NOW)
    workspaces.delete_activity(activity, now=NOW)
    worker = workers.create(workspace, friendly_name="Ann", now=NOW)
    workers.update(worker, friendly_name="Anna", now=NOW)
    workers.delete(worker, now=NOW)

    assert news() == ["configuration"] * 5 + ["worker"] * 3
    assert list(Event.objects.order_by("id").values_list("type", flat=True)) == [
        "task-queue.created",
        "task-queue.expression.updated",
        "task-queue.deleted",
        "activity.created",
        "activity.deleted",
        "worker.created",
        "worker.deleted",
    ]


def test_what_is_in_use_stays() -> None:
    workspace = make.workspace()
    ann = make.worker(name="Ann")
    queue = make.queue(name="Billing")
    workflow = make.workflow({"queue": queue})
    task = make.task(workflow=workflow)
    make.route()

    in_use: list[Callable[[], None]] = [
        lambda: workspaces.delete(workspace, now=NOW),
        lambda: workspaces.delete_activity(make.activity("Available"), now=NOW),
        lambda: workspaces.delete_activity(make.activity("Offline"), now=NOW),
        lambda: workspaces.delete_task_channel(TaskChannel.objects.get(unique_name="default"), now=NOW),
        lambda: workspaces.delete_task_channel(TaskChannel.objects.get(unique_name="chat"), now=NOW),
        lambda: queues.delete_queue(queue, now=NOW),
        lambda: queues.delete_workflow(workflow, now=NOW),
        lambda: workers.delete(ann, now=NOW),
    ]
    for delete in in_use:
        with pytest.raises(Refused) as refusal:
            delete()
        assert refusal.value.code == "routing.in_use"
    reservations.accept(task.reservations.get(), by=ann, now=NOW)
    tasks.complete(task, by=ann, now=NOW)
    queues.delete_workflow(workflow, now=NOW)
    queues.delete_queue(queue, now=NOW)
    workers.delete(ann, now=NOW)
    task.refresh_from_db()
    assert (task.queue, task.workflow) == (None, None)
    assert not Workflow.objects.filter(pk=workflow.pk).exists()
    assert not TaskQueue.objects.filter(pk=queue.pk).exists()


def test_a_stale_version_changes_nothing() -> None:
    ann = make.worker(name="Ann")
    version = workers.update(ann, friendly_name="Anna", now=NOW).version

    with pytest.raises(Stale):
        workers.update(ann, friendly_name="Bea", if_version=version - 1, now=NOW)
    with pytest.raises(Stale):
        workers.delete(ann, if_version=version - 1, now=NOW)
    assert Worker.objects.get().friendly_name == "Anna"
    assert workers.update(ann, friendly_name="Bea", if_version=version, now=NOW).friendly_name == "Bea"


def test_going_away_can_decline_what_is_offered() -> None:
    ann = make.worker(name="Ann")
    task = make.task()
    make.route()

    changed = workers.update(ann, activity=make.activity("Break"), reject_pending=True, now=NOW)

    assert changed.activity.friendly_name == "Break"
    assert make.offers(task) == [("Ann", "rejected")]
    assert Task.objects.get().status == "pending"


def test_waiting_tasks_enter_a_changed_workflow_anew() -> None:
    first, second = make.queue(name="First"), make.queue(name="Second")
    workflow = make.workflow({"queue": first}, expression="kind == 'a'")
    waiting = make.task(workflow=workflow, attributes={"kind": "a"})
    other = make.task(workflow=workflow, attributes={"kind": "a", "other": True})
    rule = {"expression": "kind == 'a' AND other != true", "targets": [{"queue": second.sid, "priority": 7}]}
    rows.change(workflow, {"configuration": {"task_routing": {"filters": [rule]}}}, now=NOW)

    assert upkeep.enter_anew(workflow.pk, now=NOW) == 1

    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.queue, waiting.priority) == (second, 7)
    assert other.status == "canceled"
    assert Event.objects.filter(task=waiting, type="task-queue.moved").count() == 1


@pytest.mark.parametrize("state", ["waiting", "offered", "assigned", "over"])
def test_a_deleted_task_leaves_nothing_behind_but_its_events(state: str) -> None:
    ann = make.worker(name="Ann", activity_name="Offline" if state == "waiting" else "Available")
    task = make.task()
    make.route()
    if state in ("assigned", "over"):
        reservations.accept(task.reservations.get(), by=ann, now=NOW)
    if state == "over":
        tasks.complete(task, by=ann, now=NOW)

    upkeep.delete(task, now=NOW)

    assert not Task.objects.exists()
    ann.refresh_from_db()
    assert ann.load == 0
    assert Event.objects.filter(type="task.deleted").count() == 1


def test_a_workspace_holds_a_hundred_activities() -> None:
    workspace = make.workspace()
    present = workspace.activities.count()
    for number in range(workspaces.MAX_ACTIVITIES - present):
        Activity.objects.create(workspace=workspace, friendly_name=f"A{number}")

    with pytest.raises(Refused):
        workspaces.create_activity(workspace, friendly_name="One more", now=NOW)
