"""Tasks from their beginning to their end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from conversations.models import Conversation, Team
from conversations.services import lifecycle
from routing.errors import NoTargetMatches, NotYours, WrongState
from routing.models import Event, Reservation, Task, Worker, WorkerChannel
from routing.services import reservations, tasks, upkeep
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def assigned(now: dt.datetime, *, worker: Worker | None = None) -> tuple[Task, Worker]:
    """A task that was offered to a worker, who accepted it."""
    worker = worker or make.worker(now=now)
    task = make.task(conversation=make.conversation(now=now), now=now)
    make.route(now)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=now)
    return Task.objects.get(pk=task.pk), worker


# ---- create


def test_a_new_task_stands_in_its_queue_at_once_and_its_conversation_with_it(now: dt.datetime) -> None:
    team = Team.objects.create(name="Arabic")
    queue = make.queue(name="Arabic support", team=team)
    workflow = make.workflow({"queue": queue, "priority": "7", "timeout": 60})
    conversation = make.conversation()

    task = make.task(workflow=workflow, conversation=conversation, now=now)

    conversation.refresh_from_db()
    assert (task.queue, task.priority, task.due_at) == (queue, 7, after(now, 60))
    assert (task.filter_index, task.target_index, task.expires_at) == (0, 0, after(now, 86400))
    assert (conversation.owner, conversation.owner_sid, conversation.queue_team) == ("queue", queue.sid, team)


def test_creating_again_for_a_conversation_returns_its_live_task(now: dt.datetime) -> None:
    conversation = make.conversation()
    first = make.task(conversation=conversation, now=now)

    again = make.task(conversation=conversation, attributes={"other": True}, now=after(now, 1))

    assert again == first
    assert Task.objects.count() == 1
    assert Event.objects.filter(type="task.created").count() == 1


def test_a_conversation_whose_task_is_over_gets_a_new_one(now: dt.datetime) -> None:
    conversation = make.conversation()
    first = make.task(conversation=conversation, now=now)
    tasks.cancel(first, reason="test", now=now, closes_conversation=False)

    assert make.task(conversation=conversation, now=now) != first


def test_a_task_that_fits_no_filter_is_refused_and_leaves_nothing(now: dt.datetime) -> None:
    workflow = make.workflow({"queue": make.queue()}, expression="language == 'ar'")

    with pytest.raises(NoTargetMatches):
        make.task(workflow=workflow, attributes={"language": "en"}, now=now)

    assert not Task.objects.exists()


def test_a_closed_conversation_gets_no_task(now: dt.datetime) -> None:
    conversation = lifecycle.close(make.conversation(), now=now)

    with pytest.raises(Refused) as refused:
        make.task(conversation=conversation, now=now)

    assert refused.value.code == "conversation.closed"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"attributes": {"x": "y" * 4096}}, "routing.bad_attributes"),
        ({"priority": -1}, "routing.bad_priority"),
        ({"priority": 2**31}, "routing.bad_priority"),
        ({"timeout": 0}, "routing.bad_timeout"),
        ({"timeout": 1_209_601}, "routing.bad_timeout"),
        ({"task_channel": "fax"}, "routing.no_task_channel"),
    ],
)
def test_values_out_of_bounds_are_refused(arguments: dict[str, Any], code: str, now: dt.datetime) -> None:
    with pytest.raises(Refused) as refused:
        make.task(now=now, **arguments)

    assert refused.value.code == code


def test_hostile_attributes_are_scrubbed(now: dt.datetime) -> None:
    task = make.task(attributes={"na\x00me": "a\x00\ud800b"}, now=now)

    assert Task.objects.get(pk=task.pk).attributes == {"name": "a\ufffdb"}


# ---- update


def test_a_new_priority_lets_a_task_overtake(now: dt.datetime) -> None:
    make.task(now=now)
    late = make.task(now=after(now, 1))
    router = make.route(after(now, 2))
    tasks.update(late, priority=5, now=after(now, 3))
    worker = make.worker(capacities={"chat": 1}, now=after(now, 4))

    router.tick(after(now, 5))

    assert make.offers(late) == [(worker.friendly_name, "pending")]


def test_attributes_that_another_filter_fits_move_a_waiting_task_there(now: dt.datetime) -> None:
    english, arabic = make.queue(name="English"), make.queue(name="Arabic")
    workflow = make.workflow({"queue": arabic}, expression="language == 'ar'")
    workflow.configuration["task_routing"]["default_filter"] = {"queue": english.sid}
    workflow.save()
    conversation = make.conversation()
    task = make.task(workflow=workflow, conversation=conversation, now=now)
    assert task.queue == english

    tasks.update(task, attributes={"language": "ar"}, now=after(now, 5))

    task.refresh_from_db()
    conversation.refresh_from_db()
    assert (task.queue, task.filter_index, conversation.owner_sid) == (arabic, 0, arabic.sid)


def test_a_task_that_is_over_cannot_be_changed(now: dt.datetime) -> None:
    task = tasks.cancel(make.task(now=now), reason="test", now=now)

    with pytest.raises(WrongState):
        tasks.update(task, priority=1, now=now)


# ---- wrap up and complete


def test_wrapping_up_keeps_the_conversation_and_the_capacity(now: dt.datetime) -> None:
    task, worker = assigned(now)

    tasks.wrap_up(task, by=worker, now=after(now, 60))
    tasks.wrap_up(task, by=worker, now=after(now, 61))

    task.refresh_from_db()
    assert (task.status, task.wrapping_at) == ("wrapping", after(now, 60))
    assert make.offers(task) == [(worker.friendly_name, "wrapping")]
    assert Worker.objects.get(pk=worker.pk).load == 10
    assert Conversation.objects.get(tasks=task).owner == "worker"


def test_completing_frees_the_worker_and_closes_the_conversation(now: dt.datetime) -> None:
    task, worker = assigned(now)

    tasks.complete(task, by=worker, reason="resolved", now=after(now, 60))
    tasks.complete(task, by=worker, reason="again", now=after(now, 61))

    task.refresh_from_db()
    worker.refresh_from_db()
    conversation = Conversation.objects.get(tasks=task)
    assert (task.status, task.reason, task.ended_at) == ("completed", "resolved", after(now, 60))
    assert (conversation.status, conversation.disposition) == ("closed", "resolved")
    assert (worker.load, worker.ceiling, worker.idle_since) == (0, 100, after(now, 60))
    assert WorkerChannel.objects.get(worker=worker, task_channel__unique_name="chat").load == 0
    assert make.offers(task) == [(worker.friendly_name, "completed")]


def test_only_who_has_the_task_may_end_it(now: dt.datetime) -> None:
    task, _ = assigned(now)
    stranger = make.worker(now=now)

    for end in (tasks.wrap_up, tasks.complete, tasks.requeue):
        with pytest.raises(NotYours):
            end(task, by=stranger, now=now)


def test_a_supervisor_may_complete_anybodys_task(now: dt.datetime) -> None:
    task, _ = assigned(now)

    assert tasks.complete(task, by=None, now=now).status == "completed"


def test_a_waiting_task_cannot_be_completed(now: dt.datetime) -> None:
    with pytest.raises(WrongState):
        tasks.complete(make.task(now=now), by=None, now=now)


def test_the_wrap_up_limit_completes_the_task(now: dt.datetime) -> None:
    make.workspace(wrap_up_limit=30)
    task, worker = assigned(now)
    tasks.wrap_up(task, by=worker, now=now)
    router = make.route(after(now, 29))
    assert Task.objects.get(pk=task.pk).status == "wrapping"

    router.tick(after(now, 30))

    assert Task.objects.get(pk=task.pk).status == "completed"


# ---- cancel


def test_canceling_withdraws_the_offer_and_closes_the_conversation(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    task = make.task(conversation=make.conversation(), now=now)
    make.route(now)

    tasks.cancel(task, reason="gone", now=after(now, 3))

    task.refresh_from_db()
    assert (task.status, task.reason) == ("canceled", "gone")
    assert make.offers(task) == [(worker.friendly_name, "canceled")]
    assert Worker.objects.get(pk=worker.pk).load == 0
    assert Conversation.objects.get(tasks=task).status == "closed"


def test_a_task_somebody_has_cannot_be_canceled(now: dt.datetime) -> None:
    task, _ = assigned(now)

    with pytest.raises(WrongState):
        tasks.cancel(task, reason="x", now=now)


def test_a_task_nobody_takes_is_canceled_when_its_time_to_live_is_over(now: dt.datetime) -> None:
    task = make.task(timeout=60, now=now)
    router = make.route(after(now, 59))
    assert Task.objects.get(pk=task.pk).status == "pending"

    router.tick(after(now, 60))

    task.refresh_from_db()
    assert (task.status, task.reason) == ("canceled", "Task TTL Exceeded")


def test_an_offered_task_ends_with_its_time_to_live_too(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    task = make.task(timeout=60, now=now)
    router = make.route(now)

    router.tick(after(now, 60))

    assert make.offers(task) == [(worker.friendly_name, "canceled")]


def test_the_customer_leaving_cancels_the_waiting_task(now: dt.datetime) -> None:
    conversation = make.conversation()
    task = make.task(conversation=conversation, now=now)

    lifecycle.close(conversation, now=after(now, 5))

    assert Task.objects.get(pk=task.pk).status == "canceled"


def test_closing_a_conversation_completes_the_task_of_the_agent_on_it(now: dt.datetime) -> None:
    task, worker = assigned(now)

    lifecycle.close(Conversation.objects.get(tasks=task), disposition="spam", now=after(now, 5))

    task.refresh_from_db()
    assert (task.status, task.reason) == ("completed", "spam")
    assert Worker.objects.get(pk=worker.pk).load == 0


# ---- requeue


def test_a_returned_task_keeps_its_age_and_goes_to_somebody_else(now: dt.datetime) -> None:
    task, worker = assigned(now)
    other = make.worker(name="Other", now=after(now, 100))
    younger = make.task(now=after(now, 100))
    Worker.objects.filter(pk=other.pk).update(capacity=10, ceiling=10)
    router = make.route(after(now, 110))
    tasks.requeue(task, by=worker, reason="not mine", now=after(now, 120))
    tasks.requeue(task, by=worker, now=after(now, 121))

    task.refresh_from_db()
    conversation = Conversation.objects.get(tasks=task)
    assert (task.status, task.virtual_start_time) == ("pending", now)
    assert (conversation.owner, conversation.owner_user) == ("queue", None)
    assert Worker.objects.get(pk=worker.pk).load in (0, 10)

    reservations.reject(
        Reservation.objects.get(task=younger, status="pending"), by=_offered(younger), now=after(now, 130)
    )
    router.tick(after(now, 130))

    assert [offer for offer in make.offers(task) if offer[0] == "Other"] == [("Other", "pending")]


def _offered(task: Task) -> Worker:
    return Reservation.objects.get(task=task, status="pending").worker


def test_a_returned_task_comes_back_to_the_same_agent_when_nobody_else_can(now: dt.datetime) -> None:
    task, worker = assigned(now)
    router = make.route(now)
    tasks.requeue(task, by=worker, now=after(now, 60))

    router.tick(after(now, 89))
    assert make.offers(task) == [(worker.friendly_name, "canceled")]
    router.tick(after(now, 90))

    assert make.offers(task) == [(worker.friendly_name, "canceled"), (worker.friendly_name, "pending")]


def test_a_returned_task_has_its_time_to_live_anew(now: dt.datetime) -> None:
    task, worker = assigned(now)

    tasks.requeue(task, by=worker, now=after(now, 90_000))

    task.refresh_from_db()
    assert task.expires_at == after(now, 90_000 + 86_400)


# ---- what a lost hint or a deleted row leaves behind


def test_a_sweep_ends_the_task_of_a_conversation_whose_closing_was_not_heard_of(now: dt.datetime) -> None:
    waiting = make.task(conversation=make.conversation(), now=now)
    held, _ = assigned(now)
    Conversation.objects.update(status="closed", closed_at=now)

    upkeep.sweep(after(now, 5))

    assert Task.objects.get(pk=waiting.pk).status == "canceled"
    assert Task.objects.get(pk=held.pk).status == "completed"


def test_a_sweep_returns_what_a_deleted_worker_held(now: dt.datetime) -> None:
    held, worker = assigned(now)
    offered = make.task(now=now)
    router = make.route(now)
    assert [status for _, status in make.offers(offered)] == ["pending"]
    worker.delete()

    upkeep.sweep(after(now, 5))
    other = make.worker(now=after(now, 6))
    router.tick(after(now, 6))

    assert make.offers(held) == make.offers(offered) == [(other.friendly_name, "pending")]
    assert Conversation.objects.get(tasks=held).owner == "queue"


def test_a_sweep_leaves_sound_tasks_alone(now: dt.datetime) -> None:
    task, _ = assigned(now)
    version = task.version

    upkeep.sweep(after(now, 5))

    assert Task.objects.get(pk=task.pk).version == version
