"""What goes wrong in a flow never leaves the customer alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError

from conversations.models import Message
from flows.services import executions
from flows.widgets import WIDGETS
from routing.models import Task, Workflow
from tests.factories.flows import after_trigger, document, state
from tests.flows.drawings import ASK, HELLO
from tests.flows.scene import Scene

pytestmark = pytest.mark.django_db


def test_without_a_flow_the_customer_goes_to_the_queue() -> None:
    scene = Scene()

    scene.say("أين طلبي؟")

    assert scene.conversation.owner == "queue"
    assert scene.task.attributes["language"] == "ar"


def test_without_routing_either_nothing_breaks() -> None:
    scene = Scene()
    Workflow.objects.all().delete()

    scene.say("hello")

    assert scene.conversation.owner == "flow"


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(document(state("Trigger", "trigger", incomingMessage="Trigger")), id="loop"),
        pytest.param(
            after_trigger("flex", state("flex", "send-to-flex", {"attributes": "{x"}, failedToEnqueue="")),
            id="no task",
        ),
        pytest.param(
            after_trigger("flex", state("flex", "send-to-flex", {"workflow": "None such"}, failedToEnqueue="")),
            id="no workflow",
        ),
    ],
)
def test_a_flow_that_ends_in_an_error_hands_the_customer_to_people(definition: dict[str, Any]) -> None:
    scene = Scene(HELLO)
    assert scene.flow is not None
    revision = scene.flow.published
    assert revision is not None
    revision.definition = definition
    revision.save()

    scene.say("hello")

    assert scene.execution.status == "ended"
    assert scene.execution.error_code in ("81001", "81015")
    assert scene.conversation.owner == "queue"
    assert scene.task.attributes["channel"] == "echo"


def test_a_widget_with_a_bug_hands_the_customer_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(ASK)
    scene.say("hello")

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WIDGETS["send-message"], "run", broken)
    scene.say("Omar")

    assert (scene.execution.status, scene.execution.error_code) == ("ended", "internal")
    assert scene.conversation.owner == "queue"


def test_errors_of_the_database_go_through_so_that_the_inbox_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(HELLO)
    message = scene.store("hello")

    def gone(*_: Any, **__: Any) -> None:
        raise IntegrityError("away")

    with monkeypatch.context() as patch:
        patch.setattr(executions, "_advance", gone)
        with pytest.raises(IntegrityError):
            scene.tell(message)
    scene.tell(message, created=False)

    assert len(scene.replies) == 1


def test_a_refused_message_takes_the_branch_for_failures() -> None:
    definition = after_trigger(
        "say",
        state("say", "send-message", {"body": "Hi"}, sent="", failed="flex"),
        state("flex", "send-to-flex", {"attributes": "{}"}, callComplete=""),
    )
    scene = Scene(definition, type="window")
    message = scene.store("hello", at=scene.now - dt.timedelta(days=2))  # the reply window is closed

    scene.tell(message)

    assert scene.replies == []
    assert scene.conversation.owner == "queue"


def test_a_question_that_does_not_arrive_is_not_waited_for() -> None:
    definition = after_trigger(
        "ask",
        state("ask", "send-and-wait-for-reply", {"body": "?"}, incomingMessage="", deliveryFailure="flex"),
        state("flex", "send-to-flex", {"attributes": "{}"}, callComplete=""),
    )
    scene = Scene(definition)
    scene.say("hello")
    question = scene.reply
    Message.objects.filter(pk=question.pk).update(status="failed", status_reason="blocked")

    executions.on_delivery_failed(question.pk, now=scene.now)
    executions.on_delivery_failed(question.pk, now=scene.now)

    assert scene.conversation.owner == "queue"
    assert Task.objects.count() == 1
