from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from conversations.models import Conversation, Message
from conversations.services import lifecycle
from flows.models import QueueNotice
from flows.services import demo, notices
from routing import queries as routing_queries
from routing.models import Reservation, Task
from routing.services import reservations, tasks
from tests.factories import conversations, routing
from tests.factories.adapters import Provider
from tests.flows.scene import NOW, Scene
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db

STRAIGHT = demo.definition("straight_to_queue")
NEXT = "You are next: an agent will be with you in a moment."


def in_line(*addresses: str, type: str = "echo") -> list[Scene]:
    """Customers who came one minute after the other, on one channel each."""
    made = []
    for number, address in enumerate(addresses):
        scene = Scene(STRAIGHT, type=type, address=address)
        scene.later(minutes=number).say("hello")
        notices.sweep(scene.now)
        made.append(scene)
    return made


def accept(task: Task, *, now: dt.datetime = NOW) -> Reservation:
    """A worker is offered the task and takes it."""
    user = conversations.user(first_name="Sara", last_name="Ali")
    worker = routing.worker(user=user)
    offer = Reservation.objects.create(task=task, worker=worker, weight=0, units=0)
    Task.objects.filter(pk=task.pk).update(status=Task.Status.RESERVED)
    return reservations.accept(offer, by=worker, now=now)


def notice(scene: Scene) -> QueueNotice:
    return QueueNotice.objects.get(conversation=scene.conversation)


# -- in messages -----------------------------------------------------------------------------------


def test_the_place_is_told_once_on_entering_the_queue() -> None:
    first, second, third = in_line("a", "b", "c")

    assert first.replies == [NEXT]
    assert second.replies == ["You are in the queue. There is 1 person ahead of you."]
    assert third.replies == ["You are in the queue. There are 2 people ahead of you."]
    assert third.reply.owner_version == third.conversation.owner_version


def test_it_is_told_again_after_some_minutes_if_it_changed() -> None:
    first, second, third = in_line("a", "b", "c")
    accept(first.task)
    told = third.now + notices.interval()

    assert notices.sweep(told - dt.timedelta(seconds=1)) == 1  # the second customer's time has come
    assert notices.sweep(told) == 1
    assert notices.sweep(told) == 0

    assert second.replies[1:] == [NEXT]
    assert third.replies[1:] == ["There is 1 person ahead of you."]
    assert notice(third).due_at == told + notices.interval()


def test_it_is_not_told_again_while_it_stays_the_same() -> None:
    _first, second = in_line("a", "b")

    for minutes in (5, 10, 15):
        notices.sweep(second.now + dt.timedelta(minutes=minutes))

    assert len(second.replies) == 1


def test_nothing_is_told_after_an_agent_accepted() -> None:
    _first, second = in_line("a", "b")
    later = second.now + dt.timedelta(minutes=5)
    row = notice(second)
    accept(second.task)
    row.save(force_insert=True)  # as if the sweep had read it before

    notices.sweep(later)

    assert len(second.replies) == 1
    assert not QueueNotice.objects.filter(conversation=second.conversation).exists()


def test_the_owner_is_looked_at_again_before_anything_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = in_line("a", "b")
    stale = notices._waiting()
    accept(first.task)
    row = notice(second)
    accept(second.task)
    row.save(force_insert=True)
    monkeypatch.setattr(notices, "_waiting", lambda: {key: (task, 0) for key, (task, _) in stale.items()})

    notices.sweep(second.now + dt.timedelta(minutes=5))

    assert len(second.replies) == 1


def test_who_is_given_back_hears_their_place_again() -> None:
    (scene,) = in_line("a")
    held = accept(scene.task)
    tasks.requeue(scene.task, by=held.worker, now=scene.now)

    assert notices.sweep(scene.now) == 1
    assert notices.sweep(scene.now) == 0

    assert scene.replies == [NEXT, NEXT]


def test_a_customer_who_cannot_be_written_to_any_more_is_left_in_peace() -> None:
    first, second = in_line("a", "b", type="window")
    accept(first.task)

    notices.sweep(second.now + dt.timedelta(days=2))

    assert len(second.replies) == 1
    assert notice(second).is_quiet is True


def test_in_arabic_the_same_is_said_in_arabic_once_it_is_translated() -> None:
    scene = Scene(STRAIGHT, language="ar")
    scene.say("مرحبا")
    notices.sweep(scene.now)

    with translation.override("ar"):
        expected = translation.gettext(NEXT)
    assert scene.replies == [expected]
    assert translation.get_language() == settings.LANGUAGE_CODE


def test_a_flow_may_say_it_itself_first() -> None:
    scene = Scene(demo.definition("support"), name="Layla")
    scene.say("live agent")
    scene.say("sales")

    assert scene.replies[-1] == "Thank you. I am bringing in an agent. You are next."
    assert notices.sweep(scene.later(minutes=10).now) == 0


# -- live ------------------------------------------------------------------------------------------


def shown(provider: Provider, address: str) -> list[tuple[str, object]]:
    rows = [row for row in provider.notices if row.recipient == address]
    return [(row.kind, row.data.get("ahead", row.data.get("name"))) for row in rows]


def test_in_web_chat_the_place_is_shown_and_nothing_is_written(provider: Provider, drain: JobQueue) -> None:
    first, second = in_line("a", "b", type="live")
    drain(queue="low")

    assert shown(provider, "a") == [("queue", 0)]
    assert shown(provider, "b") == [("queue", 1)]
    assert (first.replies, second.replies) == ([], [])


def test_it_is_shown_whenever_it_changes(provider: Provider, drain: JobQueue) -> None:
    first, second = in_line("a", "b", type="live")
    accept(first.task)

    assert notices.sweep(second.now) == 1
    assert notices.sweep(second.now) == 0
    drain(queue="low")
    assert shown(provider, "b") == [("queue", 1), ("queue", 0)]
    assert second.replies == []


def test_when_an_agent_accepts_their_name_is_shown(provider: Provider, drain: JobQueue) -> None:
    (scene,) = in_line("a", type="live")
    accept(scene.task)
    drain(queue="low")

    assert shown(provider, "a") == [("queue", 0), ("agent", "Sara Ali")]
    assert not QueueNotice.objects.exists()


def test_an_accept_nobody_heard_of_is_found_by_the_sweep(provider: Provider, drain: JobQueue) -> None:
    (scene,) = in_line("a", type="live")
    row = notice(scene)
    accept(scene.task)
    drain.clear()
    row.save(force_insert=True)

    notices.sweep(scene.now)
    drain(queue="low")

    assert shown(provider, "a") == [("agent", "Sara Ali")]


def test_given_back_nobody_answers_any_more(provider: Provider, drain: JobQueue) -> None:
    (scene,) = in_line("a", type="live")
    held = accept(scene.task)
    drain(queue="low")
    provider.notices.clear()

    tasks.requeue(scene.task, by=held.worker, now=scene.now)
    notices.sweep(scene.now)
    drain(queue="low")

    assert shown(provider, "a") == [("agent", None), ("queue", 0)]


def test_a_customer_who_leaves_leaves_the_line(provider: Provider, drain: JobQueue) -> None:
    first, second = in_line("a", "b", type="live")
    lifecycle.close(first.conversation, now=first.now)
    notices.sweep(first.now)
    drain(queue="low")

    assert shown(provider, "b") == [("queue", 1), ("queue", 0)]
    assert list(QueueNotice.objects.values_list("conversation_id", flat=True)) == [second.conversation.pk]


def test_trouble_with_one_customer_is_not_the_others(
    provider: Provider, drain: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = in_line("a", "b", "c", type="live")
    drain(queue="low")
    provider.notices.clear()
    accept(first.task)
    drain.clear()
    bring = notices._bring_up_to_date

    def breaks(row: QueueNotice, *args: object, **kwargs: object) -> bool:
        if row.conversation == second.conversation:
            raise ZeroDivisionError
        return bring(row, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(notices, "_bring_up_to_date", breaks)

    assert notices.sweep(third.now) == 1
    drain(queue="low")
    assert shown(provider, "c") == [("queue", 1)]


# -- the order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["FIFO", "LIFO"])
def test_the_sweep_counts_as_the_router_does(order: str) -> None:
    scenes = in_line("a", "b", "c", "d")
    first = scenes[0].task
    assert first.queue is not None
    first.queue.task_order = order
    first.queue.save()
    Task.objects.filter(pk=scenes[2].task.pk).update(priority=5)

    waiting = notices._waiting()

    for scene in scenes:
        expected = routing_queries.waiting_ahead(Task.objects.get(pk=scene.task.pk))
        assert waiting[scene.conversation.pk][1] == expected


def test_a_sweep_asks_as_many_questions_for_three_as_for_one() -> None:
    in_line("a", type="live")
    with CaptureQueriesContext(connection) as one:
        notices.sweep(NOW)
    in_line("b", "c", type="live")
    with CaptureQueriesContext(connection) as three:
        notices.sweep(NOW)

    assert len(one) == len(three) == 2


def test_a_notice_is_not_counted_as_an_answer_of_a_person() -> None:
    (scene,) = in_line("a")

    assert Message.objects.get(conversation=scene.conversation, direction="out").author == "bot"
    assert scene.conversation.owner == Conversation.Owner.QUEUE
