"""Figures: what is, and what was. Times are passed in; waits come out to the second."""

from __future__ import annotations

import datetime as dt

import pytest

from routing import statistics
from routing.models import Reservation, TaskQueue, Workspace
from routing.services import presence, reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

NOW = make.NOW


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def everyone() -> TaskQueue:
    return TaskQueue.objects.get(friendly_name="Everyone")


def accepted(worker: object, task: object, at: dt.datetime) -> Reservation:
    offer = Reservation.objects.get(task=task, worker=worker, status="pending")  # type: ignore[misc]
    return reservations.accept(offer, by=offer.worker, now=at)


def cumulative(scope: object, **options: object) -> dict[str, object]:
    return statistics.cumulative(scope, start=NOW, end=after(3600), now=after(3600), **options)  # type: ignore[arg-type]


def test_a_queue_shows_who_waits_how_long_and_who_could_help() -> None:
    make.worker(now=NOW)
    make.worker(activity_name="Break", now=NOW)
    first = make.task(now=NOW, priority=5)
    make.task(now=after(10))
    make.route(after(10))

    figures = statistics.realtime(everyone(), now=after(60))

    activities = {row["friendly_name"]: row["workers"] for row in figures["activity_statistics"]}
    assert activities == {"Available": 1, "Unavailable": 0, "Break": 1, "Offline": 0}
    assert figures["total_eligible_workers"] == 2
    assert figures["total_available_workers"] == 1
    assert figures["total_tasks"] == 2
    assert figures["tasks_by_status"] == {"pending": 0, "reserved": 2, "assigned": 0, "wrapping": 0}
    assert figures["tasks_by_priority"] == {"0": 1, "5": 1}
    assert figures["longest_task_waiting_age"] == 60
    assert figures["longest_task_waiting_sid"] == first.sid
    assert figures["longest_relative_task_age_in_queue"] == 60
    assert figures["longest_relative_task_sid_in_queue"] == first.sid


def test_waits_acceptances_and_ends_are_counted() -> None:
    worker = make.worker(now=NOW)
    taken = make.task(now=NOW)
    make.route(after(4))
    accepted(worker, taken, after(12))
    left = make.task(now=after(20))
    tasks.cancel(left, reason="gone", now=after(65))
    tasks.complete(taken, by=worker, now=after(90))

    figures = cumulative(everyone(), split_by_wait_time=[5, 12, 30])

    assert figures == {
        "start_time": "2026-03-02T09:00:00Z",
        "end_time": "2026-03-02T10:00:00Z",
        "reservations_created": 1,
        "reservations_accepted": 1,
        "reservations_rejected": 0,
        "reservations_timed_out": 0,
        "reservations_canceled": 0,
        "reservations_rescinded": 0,
        "tasks_entered": 2,
        "tasks_canceled": 1,
        "tasks_completed": 1,
        "tasks_deleted": 0,
        "tasks_moved": 0,
        "avg_task_acceptance_time": 12,
        "wait_duration_until_accepted": {"avg": 12, "min": 12, "max": 12, "total": 12},
        "wait_duration_until_canceled": {"avg": 45, "min": 45, "max": 45, "total": 45},
        "wait_duration_in_queue_until_accepted": {"avg": 12, "min": 12, "max": 12, "total": 12},
        "split_by_wait_time": {
            "5": {
                "above": {"tasks_canceled": 1, "reservations_accepted": 1},
                "below": {"tasks_canceled": 0, "reservations_accepted": 0},
            },
            "12": {
                "above": {"tasks_canceled": 1, "reservations_accepted": 0},
                "below": {"tasks_canceled": 0, "reservations_accepted": 1},
            },
            "30": {
                "above": {"tasks_canceled": 1, "reservations_accepted": 0},
                "below": {"tasks_canceled": 0, "reservations_accepted": 1},
            },
        },
    }
    workspace = cumulative(Workspace.objects.get())
    assert (workspace["tasks_created"], workspace["tasks_canceled"]) == (2, 1)
    assert workspace["split_by_wait_time"] is None


def test_a_task_channel_narrows_the_figures() -> None:
    make.task(now=NOW, task_channel="chat")
    make.task(now=NOW, task_channel="voice")

    assert cumulative(everyone(), task_channel="voice")["tasks_entered"] == 1
    assert statistics.realtime(everyone(), task_channel="voice", now=NOW)["total_tasks"] == 1


def test_a_task_that_moves_on_leaves_one_queue_and_enters_another() -> None:
    sales, support = make.queue(name="Sales"), make.queue(name="Support")
    workflow = make.workflow({"queue": sales, "timeout": 30}, {"queue": support, "timeout": 30})
    task = make.task(workflow=workflow, now=NOW)
    router = make.route(NOW)
    router.tick(after(30))
    router.tick(after(60))

    task.refresh_from_db()
    assert task.status == "canceled"
    of_sales, of_support, of_workflow = cumulative(sales), cumulative(support), cumulative(workflow)
    assert (of_sales["tasks_entered"], of_sales["tasks_moved"], of_sales["tasks_canceled"]) == (1, 1, 0)
    assert (of_support["tasks_entered"], of_support["tasks_moved"], of_support["tasks_canceled"]) == (1, 0, 1)
    assert (of_workflow["tasks_entered"], of_workflow["tasks_timed_out_in_workflow"]) == (1, 1)


def test_the_service_level_leaves_out_who_gave_up_at_once() -> None:
    queue = make.queue(name="Sales", sla_target=20, short_abandon=5)
    workflow = make.workflow({"queue": queue})
    worker = make.worker(now=NOW)
    in_time, late = make.task(workflow=workflow, now=NOW), make.task(workflow=workflow, now=NOW)
    make.route(NOW)
    accepted(worker, in_time, after(20))
    accepted(worker, late, after(20.5))
    tasks.cancel(make.task(workflow=workflow, now=NOW), reason="", now=after(5))
    tasks.cancel(make.task(workflow=workflow, now=NOW), reason="", now=after(6))

    figures = statistics.sla(queue, start=NOW, end=after(60))

    assert figures == {
        "target": 20,
        "short_abandon": 5,
        "accepted": 2,
        "accepted_within": 1,
        "abandoned": 2,
        "short_abandoned": 1,
        "sla": 1 / 3,
    }
    row = next(row for row in statistics.overview(queue.workspace, now=after(60)) if row["name"] == "Sales")
    assert row["sla_today"] == row["sla_30_min"] == figures


def test_time_in_activities_is_cut_to_the_time_asked_for() -> None:
    worker = make.worker(now=NOW)
    presence.set_activity(worker, make.activity("Break"), by=None, now=after(100))
    presence.set_activity(worker, make.activity("Available"), by=None, now=after(130))

    figures = statistics.cumulative(worker, start=after(90), end=after(3600), now=after(200))

    assert [
        (row["friendly_name"], row["min"], row["avg"], row["max"], row["total"])
        for row in figures["activity_durations"]
    ] == [
        ("Available", 10, 40, 70, 80),
        ("Break", 30, 30, 30, 30),
    ]
