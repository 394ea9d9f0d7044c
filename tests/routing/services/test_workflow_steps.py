"""A task on its way through its workflow's steps, as rows."""

from __future__ import annotations

import datetime as dt

import pytest

from conversations.models import Conversation, Team
from routing.models import Event, Reservation, Task
from routing.services import configuration, presence, reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def test_a_step_whose_time_is_over_hands_the_task_to_the_next_queue(now: dt.datetime) -> None:
    first_team, second_team = Team.objects.create(name="First"), Team.objects.create(name="Second")
    first, second = make.queue(name="First", team=first_team), make.queue(name="Second", team=second_team)
    workflow = make.workflow({"queue": first, "timeout": 30}, {"queue": second, "priority": 9})
    task = make.task(workflow=workflow, conversation=make.conversation(), now=now)
    router = make.route(now)

    router.tick(after(now, 29))
    assert Task.objects.get(pk=task.pk).queue == first
    router.tick(after(now, 30))

    task.refresh_from_db()
    conversation = Conversation.objects.get(tasks=task)
    assert (task.queue, task.priority, task.target_index, task.due_at) == (second, 9, 1, None)
    assert task.queue_entered_at == after(now, 30)
    assert (conversation.owner_sid, conversation.queue_team) == (second.sid, second_team)
    assert list(Event.objects.filter(task=task, task_seq__gt=4).order_by("task_seq").values_list("type", "queue")) == [
        ("task-queue.timeout", first.pk),
        ("workflow.target-matched", second.pk),
        ("task-queue.moved", second.pk),
    ]


def test_timeouts_add_up_over_the_steps(now: dt.datetime) -> None:
    queue = make.queue()
    workflow = make.workflow({"queue": queue, "timeout": 30}, {"timeout": 30}, {"timeout": 30})
    task = make.task(workflow=workflow, now=now)
    router = make.route(now)

    steps = []
    for seconds in (29, 30, 59, 60, 89):
        router.tick(after(now, seconds))
        steps.append(Task.objects.get(pk=task.pk).target_index)
    router.tick(after(now, 90))

    assert steps == [0, 1, 1, 2, 2]
    task.refresh_from_db()
    assert (task.status, task.reason) == ("canceled", "Task canceled on Workflow timeout.")


def test_an_offer_open_at_the_steps_end_counts_until_it_is_declined(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    queue, next_queue = make.queue(), make.queue(target_workers="1==0")
    task = make.task(workflow=make.workflow({"queue": queue, "timeout": 30}, {"queue": next_queue}), now=now)
    router = make.route(now)
    router.tick(after(now, 40))
    assert Task.objects.get(pk=task.pk).queue == queue

    reservations.reject(Reservation.objects.get(task=task), by=worker, now=after(now, 50))
    router.tick(after(now, 50))

    assert Task.objects.get(pk=task.pk).queue == next_queue


def test_skip_if_sends_a_task_on_at_once_when_nobody_is_there(now: dt.datetime) -> None:
    experts, everyone = make.queue(target_workers="expert == true"), make.queue()
    worker = make.worker(now=now)
    workflow = make.workflow(
        {"queue": experts, "skip_if": "workers.available == 0", "timeout": 600}, {"queue": everyone}
    )

    task = make.task(workflow=workflow, now=now)
    make.route(now)

    assert Task.objects.get(pk=task.pk).queue == everyone
    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_a_known_worker_is_asked_first_and_others_only_after_them(now: dt.datetime) -> None:
    make.worker(name="Idle for long", now=after(now, -1000))
    known = make.worker(name="Known", now=now)
    queue = make.queue()
    workflow = make.workflow({"queue": queue, "known_worker_sid": "task.agent", "timeout": 20}, {"queue": queue})

    task = make.task(workflow=workflow, attributes={"agent": known.sid}, now=now)
    router = make.route(now)
    reservations.reject(Reservation.objects.get(task=task), by=known, now=after(now, 5))
    router.tick(after(now, 5))
    assert make.offers(task) == [("Known", "rejected")]
    router.tick(after(now, 20))

    assert make.offers(task) == [("Known", "rejected"), ("Idle for long", "pending")]


def test_a_target_may_compare_the_task_with_the_worker(now: dt.datetime) -> None:
    make.worker(name="English", attributes={"languages": ["en"]}, now=after(now, -60))
    make.worker(name="Arabic", attributes={"languages": ["ar", "en"]}, now=now)
    workflow = make.workflow({"queue": make.queue(), "expression": "worker.languages HAS task.language"})

    task = make.task(workflow=workflow, attributes={"language": "ar"}, now=now)
    make.route(now)

    assert make.offers(task) == [("Arabic", "pending")]


def test_levels_decide_before_idleness_where_the_step_says_so(now: dt.datetime) -> None:
    for name, attributes in (("Two", {"level": 2}), ("Five", {"level": 5}), ("None", {})):
        make.worker(name=name, attributes=attributes, now=now)
    workflow = make.workflow({"queue": make.queue(), "order_by": "worker.level DESC"})
    tasks_ = [make.task(workflow=workflow, task_channel="voice", now=now) for _ in range(3)]

    make.route(now)

    assert [make.offers(task)[0][0] for task in tasks_] == ["Five", "Two", "None"]


def test_a_new_workflow_document_is_followed_from_then_on(now: dt.datetime) -> None:
    nobody, everyone = make.queue(target_workers="1==0"), make.queue()
    workflow = make.workflow({"queue": nobody})
    worker = make.worker(now=now)
    task = make.task(workflow=workflow, now=now)
    router = make.route(now)

    workflow.configuration["task_routing"]["filters"][0]["targets"][0] = {"queue": nobody.sid, "timeout": 60}
    workflow.configuration["task_routing"]["filters"][0]["targets"].append({"queue": everyone.sid})
    workflow.save()
    configuration.changed(workflow)
    router.tick(after(now, 59))
    assert make.offers(task) == []
    router.tick(after(now, 60))

    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_a_queue_in_lifo_order_serves_the_newest_first(now: dt.datetime) -> None:
    workflow = make.workflow({"queue": make.queue(task_order="LIFO")})
    old, new = (make.task(workflow=workflow, now=after(now, seconds)) for seconds in (0, 10))
    router = make.route(after(now, 20))

    make.worker(capacities={"chat": 1}, now=after(now, 30))
    router.tick(after(now, 30))

    assert (len(make.offers(old)), len(make.offers(new))) == (0, 1)


# ---- handing on


def taken(now: dt.datetime) -> Task:
    task = make.task(conversation=make.conversation(), now=now)
    make.route(now)
    offer = Reservation.objects.get(task=task)
    reservations.accept(offer, by=offer.worker, now=now)
    return task


def test_after_a_restart_everything_is_as_it_was(now: dt.datetime) -> None:
    """A new router reads the same state the old one had: waits, bars, steps, deadlines."""
    one = make.worker(name="One", capacities={"chat": 1}, now=now)
    queue, late = make.queue(), make.queue()
    workflow = make.workflow({"queue": queue, "timeout": 300}, {"queue": late})
    declined = make.task(workflow=workflow, now=now)
    make.route(now)
    reservations.reject(Reservation.objects.get(task=declined), by=one, now=after(now, 10))
    waiting = make.task(workflow=workflow, task_channel="voice", now=after(now, 11))
    presence.set_activity(one, make.activity("Break"), by=None, now=after(now, 12))

    router = make.route(after(now, 20))
    assert make.offers(declined) == [("One", "rejected")]
    presence.set_activity(one, make.activity("Available"), by=None, now=after(now, 21))
    router.tick(after(now, 21))
    assert (make.offers(declined), make.offers(waiting)) == ([("One", "rejected")], [("One", "pending")])
    router.tick(after(now, 40))
    assert make.offers(declined) == [("One", "rejected"), ("One", "pending")]
    tasks.cancel(waiting, reason="", now=after(now, 41))
    reservations.reject(Reservation.objects.get(task=declined, status="pending"), by=one, now=after(now, 42))
    make.route(after(now, 300))

    assert Task.objects.get(pk=declined.pk).queue == late
