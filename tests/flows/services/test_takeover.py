"""An automatic reply never arrives after a person took over: whatever the moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from conversations.models import Message
from conversations.services import delivery
from flows import engine, services
from flows.models import Execution
from flows.services import executions
from routing.models import Task
from tests.factories.adapters import Provider
from tests.factories.flows import after_trigger, state
from tests.flows.scene import Scene
from tests.support.jobs import JobQueue

HELLO = after_trigger("hello", state("hello", "send-message", {"body": "Hi"}, sent=""))
ASK = after_trigger(
    "ask",
    state("ask", "send-and-wait-for-reply", {"body": "Name?", "timeout": "60"}, incomingMessage="greet", timeout="bye"),
    state("greet", "send-message", {"body": "Hello"}, sent=""),
    state("bye", "send-to-flex", {"attributes": "{}", "queue_notice": "off"}, callComplete=""),
)


@pytest.mark.django_db
def test_a_reply_that_is_still_in_the_outbox_when_a_person_takes_over_is_dropped(
    provider: Provider, drain: JobQueue
) -> None:
    scene = Scene(HELLO)
    scene.say("hello")
    drain.clear()
    scene.take_over()

    delivery.deliver(scene.conversation.pk, now=scene.now)

    assert provider.texts() == []
    assert scene.reply.status == Message.Status.DROPPED


@pytest.mark.django_db
def test_what_was_said_before_handing_over_to_a_queue_still_leaves(provider: Provider, drain: JobQueue) -> None:
    definition = after_trigger(
        "hello",
        state("hello", "send-message", {"body": "One moment"}, sent="flex"),
        state("flex", "send-to-flex", {"attributes": "{}", "queue_notice": "off"}, callComplete=""),
    )
    scene = Scene(definition)

    scene.say("hello")
    drain(queue="outbound")

    assert provider.texts() == ["One moment"]


def in_threads(*works: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_takeover_waits_for_the_turn_and_the_turns_words_are_older(
    provider: Provider, drain: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(ASK)
    scene.say("hello")
    drain(queue="outbound")
    answer = scene.store("Omar")
    inside, taking = threading.Event(), threading.Event()
    advance = engine.advance

    def slow(*args: object) -> object:
        inside.set()
        taking.wait(10)
        time.sleep(0.3)  # long enough for the takeover to be waiting at the lock
        return advance(*args)  # type: ignore[arg-type]

    def take_over() -> None:
        assert inside.wait(10)
        taking.set()
        scene.take_over()

    monkeypatch.setattr(engine, "advance", slow)
    in_threads(lambda: services.on_message(answer.pk, now=scene.now), take_over)
    monkeypatch.setattr(engine, "advance", advance)
    drain(queue="outbound")

    assert provider.texts() == ["Name?"]
    assert scene.reply.text == "Hello"
    assert scene.reply.status == Message.Status.DROPPED
    assert scene.conversation.owner == "worker"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_answer_and_the_end_of_its_time_at_once_lead_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for round_ in range(5):
        scene = Scene(ASK, address=f"customer-{round_}")
        scene.say("hello")
        answer = scene.store("Omar")
        start = threading.Barrier(3)
        late = scene.later(seconds=60).now

        def reply(message: Message = answer, start: threading.Barrier = start, scene: Scene = scene) -> None:
            start.wait(10)
            services.on_message(message.pk, now=scene.now)

        def time_out(start: threading.Barrier = start, late: object = late) -> None:
            start.wait(10)
            executions.resume_due(late)  # type: ignore[arg-type]

        in_threads(reply, time_out, time_out)

        assert scene.execution.status == "ended"
        answered = scene.replies == ["Name?", "Hello"]
        handed_over = Task.objects.filter(conversation=scene.conversation).count() == 1
        assert answered != handed_over
        assert Execution.objects.filter(conversation=scene.conversation).count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_message_told_by_many_workers_at_once_is_answered_once() -> None:
    scene = Scene(HELLO)
    message = scene.store("hello")
    start = threading.Barrier(6)

    def tell() -> None:
        start.wait(10)
        services.on_message(message.pk, now=scene.now)

    in_threads(*[tell] * 6)

    assert scene.replies == ["Hi"]
    assert Execution.objects.count() == 1
