"""Every kind of event as TaskRouter's wire shows it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from routing import actor, event_wire
from routing.models import Activity, Event, Reservation, TaskChannel, TaskQueue
from routing.services import capacity, configuration, presence, reservations, tasks, upkeep, workers
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

NOW = make.NOW


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def shown(type: str) -> dict[str, Any]:
    return event_wire.wire(Event.objects.filter(type=type).latest("id"))


def types() -> list[str]:
    return list(Event.objects.exclude(type__startswith="workspace.").values_list("type", flat=True))


def test_an_offer_made_by_the_router_shows_task_worker_queue_and_workflow() -> None:
    worker = make.worker(name="Ada", attributes={"skills": ["billing"]}, now=NOW)
    task = make.task(attributes={"language": "ar"}, priority=7, now=NOW)
    assert task.workflow is not None
    make.route(after(3))
    offer = Reservation.objects.get()

    event = shown("reservation.created")

    assert {
        name: event[name] for name in ("event_type", "event_date", "resource_type", "resource_sid", "actor_type")
    } == {
        "event_type": "reservation.created",
        "event_date": "2026-03-02T09:00:03Z",
        "resource_type": "reservation",
        "resource_sid": offer.sid,
        "actor_type": "workspace",
    }
    assert event["description"] == f"Reservation {offer.sid} created"
    assert event["event_data"] == {
        "workspace_sid": task.workspace.sid,
        "workspace_name": "Default",
        "task_sid": task.sid,
        "task_attributes": '{"language": "ar"}',
        "task_priority": "7",
        "task_assignment_status": "reserved",
        "task_age": "3",
        "task_channel_sid": task.task_channel.sid,
        "task_channel_unique_name": "chat",
        "worker_sid": worker.sid,
        "worker_name": "Ada",
        "worker_attributes": '{"skills": ["billing"]}',
        "worker_activity_sid": worker.activity.sid,
        "worker_activity_name": "Available",
        "reservation_sid": offer.sid,
        "task_queue_sid": TaskQueue.objects.get().sid,
        "task_queue_name": "Everyone",
        "workflow_sid": task.workflow.sid,
        "workflow_name": "Default",
    }


def test_the_routers_own_moves_are_filled_in_from_the_rows() -> None:
    sales, support = make.queue(name="Sales"), make.queue(name="Support", target_workers="skills HAS 'x'")
    workflow = make.workflow({"queue": sales, "timeout": 30}, {"queue": support, "timeout": 30}, name="Both")
    task = make.task(workflow=workflow, attributes={"a": 1}, now=NOW)
    router = make.route(NOW)
    router.tick(after(30))
    router.tick(after(60))

    moved = shown("task-queue.moved")["event_data"]

    assert moved["task_queue_name"] == "Support"
    assert moved["task_queue_previous_name"] == "Sales"
    assert moved["task_queue_target_expression"] == "skills HAS 'x'"
    assert moved["task_attributes"] == '{"a": 1}'
    assert moved["task_age"] == "30"
    assert shown("task-queue.timeout")["event_data"]["task_queue_name"] == "Sales"
    assert shown("task-queue.moved")["description"] == f"Task {task.sid} moved to TaskQueue Support"
    assert shown("task.canceled")["event_data"]["task_canceled_reason"] == "Task canceled on Workflow timeout."
    mine = list(Event.objects.filter(task=task).order_by("task_seq").values_list("type", flat=True))
    assert mine == [
        *("task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered"),
        *("task-queue.timeout", "workflow.target-matched", "task-queue.moved"),
        *("workflow.timeout", "task.canceled"),
    ]


def test_a_steps_events_say_which_worker_it_is_for() -> None:
    worker, queue = make.worker(name="Ada", activity_name="Break", now=NOW), make.queue()
    workflow = make.workflow(
        {"queue": queue, "known_worker_sid": "task.agent.sid", "timeout": 30},
        {"queue": queue, "known_worker_friendly_name": "task.agent.name", "timeout": 30},
        {"queue": queue},
    )
    make.task(workflow=workflow, attributes={"agent": {"sid": worker.sid, "name": "Ada"}}, now=NOW)
    router = make.route(NOW)

    def named(*types: str) -> list[str | None]:
        return [shown(type)["event_data"].get("known_worker_sid") for type in types]

    assert named("workflow.target-matched", "task-queue.entered") == [worker.sid] * 2
    router.tick(after(30))
    assert Event.objects.filter(facts__known_worker={"friendly_name": "Ada"}).count() == 2
    assert named("workflow.target-matched", "task-queue.entered") == [worker.sid] * 2
    router.tick(after(60))
    assert named("workflow.target-matched", "task-queue.entered", "task-queue.timeout") == [None] * 3


def test_a_worker_who_moves_says_how_long_they_did_what_before() -> None:
    worker = make.worker(now=NOW)
    with actor.acting("US" + 32 * "0"):
        presence.set_activity(worker, make.activity("Break"), by=None, now=after(61.5))

    event = shown("worker.activity.update")

    data = event["event_data"]
    assert data["worker_activity_name"] == "Break"
    assert data["worker_previous_activity_name"] == "Available"
    assert data["worker_previous_activity_sid"] == worker.activity.sid
    assert data["worker_time_in_previous_activity"] == "61"
    assert data["worker_time_in_previous_activity_ms"] == "61500"
    assert (event["actor_type"], event["actor_sid"]) == ("user", "US" + 32 * "0")
    assert event["description"] == f"Worker {worker.friendly_name} updated to Break activity"


def test_whoever_answers_an_offer_is_the_actor_of_its_event() -> None:
    worker = make.worker(now=NOW)
    make.task(now=NOW)
    make.route(NOW)

    reservations.accept(Reservation.objects.get(), by=worker, now=after(5))

    event = shown("reservation.accepted")
    assert (event["actor_type"], event["actor_sid"]) == ("worker", worker.sid)
    assert event["event_data"]["task_assignment_status"] == "assigned"


def test_a_workers_channel_tells_capacity_and_availability_apart() -> None:
    worker = make.worker(now=NOW)
    chat = TaskChannel.objects.get(unique_name="chat")

    capacity.set_channel(worker, chat, capacity=5, is_available=False, now=after(1))

    assert types()[-2:] == ["worker.capacity.update", "worker.channel.availability.update"]
    data = shown("worker.capacity.update")["event_data"]
    names = ("available", "available_capacity", "previous_capacity", "task_count")
    assert {name: data[f"worker_channel_{name}"] for name in names} == {
        "available": "false",
        "available_capacity": "5",
        "previous_capacity": "3",
        "task_count": "0",
    }
    assert data["task_channel_unique_name"] == "chat"


def test_a_deleted_workers_events_stay() -> None:
    worker = make.worker(name="Ada", now=NOW)
    sid = worker.sid
    workers.delete(worker, now=after(10))

    event = shown("worker.deleted")

    assert event["resource_sid"] == sid
    assert event["event_data"]["worker_name"] == "Ada"
    assert event["event_data"]["worker_time_in_previous_activity"] == "10"
    assert types()[-2:] == ["worker.created", "worker.deleted"]


def test_a_deleted_tasks_events_still_say_what_it_was_about() -> None:
    task = make.task(attributes={"a": 1}, now=NOW)
    sid = task.sid
    upkeep.delete(task, now=after(9))

    data = shown("task.deleted")["event_data"]

    assert types()[-2:] == ["task.canceled", "task.deleted"]
    assert (data["task_sid"], data["task_attributes"], data["task_age"]) == (sid, '{"a": 1}', "9")
    assert data["task_queue_name"] == "Everyone"


def test_configuration_changes_are_events_too() -> None:
    workspace = make.workspace()
    queue = TaskQueue(workspace=workspace, friendly_name="Sales", created_at=NOW)
    lunch = Activity(workspace=workspace, friendly_name="Lunch", created_at=NOW)
    fax = TaskChannel(workspace=workspace, unique_name="fax", friendly_name="Fax", created_at=NOW)
    made: list[Model] = [queue, lunch, fax]
    for row in made:
        configuration.save(row, now=NOW)
    configuration.save(queue, now=after(1))  # nothing of it that TaskRouter has an event for
    queue.target_workers = "skills HAS 'sales'"
    lunch.friendly_name = "Dinner"
    for row in [queue, lunch, workspace]:
        configuration.save(row, now=after(2))
    queue_sid = queue.sid
    for row in made:
        configuration.delete(row, now=after(3))

    written = Event.objects.filter(created_at__gte=NOW).exclude(type="workspace.created").values_list("type", flat=True)
    assert list(written) == [
        *("task-queue.created", "activity.created", "task-channel.created"),
        *("task-queue.expression.updated", "activity.updated", "workspace.updated"),
        *("task-queue.deleted", "activity.deleted", "task-channel.deleted"),
    ]
    gone = shown("task-queue.deleted")
    assert (gone["resource_type"], gone["resource_sid"]) == ("task-queue", queue_sid)
    assert gone["description"] == "TaskQueue Sales deleted"
    assert gone["event_data"]["task_queue_target_expression"] == "skills HAS 'sales'"
    assert shown("activity.updated")["description"] == "Activity Dinner updated"
    assert shown("activity.updated")["event_data"]["activity_available"] == "false"
    assert shown("task-channel.deleted")["event_data"]["task_channel_optimized_routing"] == "false"


def test_a_webhooks_form_is_flat_text_in_taskrouters_names() -> None:
    worker = make.worker(name="Ada", now=NOW)
    task = make.task(now=NOW)
    make.route(NOW)
    event = Event.objects.get(type="reservation.created")

    form = event_wire.form(event, account_sid="AC1")

    assert form["EventType"] == "reservation.created"
    assert form["AccountSid"] == "AC1"
    assert form["TaskSid"] == task.sid
    assert form["WorkerSid"] == worker.sid
    assert form["TaskAssignmentStatus"] == "reserved"
    assert form["TaskQueueName"] == "Everyone"
    assert form["Timestamp"] == str(int(NOW.timestamp()))
    assert form["Sid"] == event.sid
    assert all(isinstance(value, str) for value in form.values())


def test_many_events_take_as_many_queries_as_one() -> None:
    make.worker(now=NOW)
    for _ in range(3):
        tasks.cancel(make.task(now=NOW), reason="", now=NOW)
    events = list(Event.objects.all())
    with CaptureQueriesContext(
        connection,
    ) as many:
        event_wire.wire_many(events)

    assert len(many) == 5
