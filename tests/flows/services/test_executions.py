from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import IntegrityError

from conversations.models import Message
from conversations.services import lifecycle, ownership
from flows import services
from flows.models import Execution, Step
from flows.services import executions
from flows.widgets import WIDGETS
from routing.models import Task, Workflow
from tests.factories.flows import after_trigger, document, match, split, state
from tests.flows.scene import Scene

pytestmark = pytest.mark.django_db

HELLO = after_trigger("hello", state("hello", "send-message", {"body": "Hi {{contact.name}}"}, sent="", failed=""))
ASK = after_trigger(
    "ask",
    state("ask", "send-and-wait-for-reply", {"body": "Name?", "timeout": "60"}, incomingMessage="greet", timeout="bye"),
    state("greet", "send-message", {"body": "Hello {{widgets.ask.inbound.Body}}"}, sent=""),
    state("bye", "send-message", {"body": "Too late"}, sent=""),
)
FLEX = after_trigger("flex", state("flex", "send-to-flex", {"attributes": "{}"}, callComplete="", failedToEnqueue=""))


def test_a_message_starts_the_channels_flow() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("hello")

    assert scene.replies == ["Hi Layla"]
    assert scene.execution.status == "ended"
    assert scene.execution.step_count == 2
    reply = scene.reply
    assert (reply.author, reply.owner_version, reply.key) == ("bot", 0, f"{scene.execution.sid}:2:0")


def test_every_step_is_written_down() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("hello")

    rows = list(
        Step.objects.filter(execution=scene.execution).values_list(
            "number", "name", "transitioned_from", "transitioned_to"
        )
    )
    assert rows == [(1, "incomingMessage", "Trigger", "hello"), (2, "sent", "hello", "")]
    last = Step.objects.get(execution=scene.execution, number=2)
    assert last.context["output"]["outbound"]["Sid"] == scene.reply.sid
    assert last.context["warnings"] == []


def test_the_next_message_resumes_the_one_that_waits() -> None:
    scene = Scene(ASK)

    scene.say("hello")
    assert scene.execution.due_at == scene.now + dt.timedelta(seconds=60)
    scene.say("Omar")

    assert scene.replies == ["Name?", "Hello Omar"]
    assert Execution.objects.count() == 1
    assert scene.execution.status == "ended"
    assert scene.execution.due_at is None


def test_after_the_end_the_next_message_starts_anew() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("one")
    scene.say("two")

    assert scene.replies == ["Hi Layla", "Hi Layla"]
    assert Execution.objects.filter(status="ended").count() == 2


@pytest.mark.parametrize("definition", [HELLO, ASK, FLEX])
def test_being_told_again_changes_nothing(definition: dict[str, Any]) -> None:
    scene = Scene(definition, name="Layla")
    message = scene.say("hello")
    before = (scene.replies, Execution.objects.count(), Step.objects.count(), Task.objects.count())

    for _ in range(3):
        scene.tell(message, created=False)

    assert (scene.replies, Execution.objects.count(), Step.objects.count(), Task.objects.count()) == before


def test_an_older_message_told_again_is_not_taken_for_an_answer() -> None:
    scene = Scene(ASK)
    first = scene.say("hello")

    scene.tell(first, created=False)

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "active"


def test_a_crash_before_the_commit_leaves_nothing_and_the_replay_does_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done in a turn is one transaction: whatever the moment, all of it or none of it is there."""
    scene = Scene(FLEX)
    message = scene.store("hello")

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("flows.services.acting.Turn.settle", kill)
        with pytest.raises(Killed):
            scene.tell(message)
    assert (Execution.objects.count(), Task.objects.count(), scene.replies) == (0, 0, [])

    scene.tell(message, created=False)
    scene.tell(message, created=False)

    assert (Execution.objects.count(), Task.objects.count()) == (1, 1)
    assert scene.replies == ["You are next: an agent will be with you in a moment."]


@pytest.mark.parametrize("owner", ["queue", "worker", "nobody"])
def test_messages_of_conversations_somebody_else_owns_are_left_alone(owner: str) -> None:
    scene = Scene(HELLO)
    message = scene.store("hello")
    ownership.change(scene.conversation, owner=owner, now=scene.now)

    scene.tell(message)

    assert scene.replies == []
    assert Execution.objects.count() == 0


def test_another_apps_conversation_is_not_answered() -> None:
    scene = Scene(HELLO)

    scene.say("hello", passive=True)

    assert scene.replies == []


def test_our_own_messages_and_unknown_ones_start_nothing() -> None:
    scene = Scene(HELLO)
    scene.say("hello")

    services.on_message(scene.reply.pk, now=scene.now)
    services.on_message(uuid.uuid4(), now=scene.now)

    assert Execution.objects.count() == 1


def test_running_executions_stay_on_their_revision() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    assert scene.flow is not None
    services.publish(scene.flow, HELLO)
    scene.say("Omar")

    assert scene.replies == ["Name?", "Hello Omar"]
    scene.say("again")
    assert scene.replies[-1].startswith("Hi")


# -- time ------------------------------------------------------------------------------------------


def test_time_runs_out_once() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    assert services.resume_due(scene.later(seconds=59).now) == 0
    assert services.resume_due(scene.later(seconds=1).now) == 1
    assert services.resume_due(scene.later(seconds=1).now) == 0

    assert scene.replies == ["Name?", "Too late"]
    assert scene.execution.status == "ended"


def test_an_answer_in_time_stops_the_clock() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.later(seconds=59).say("Omar")

    services.resume_due(scene.later(seconds=100).now)

    assert scene.replies == ["Name?", "Hello Omar"]


def test_a_sweep_that_comes_late_does_not_cut_a_new_wait_short() -> None:
    """Between finding a due execution and locking it, an answer may have made it wait anew."""
    scene = Scene(ASK)
    scene.say("hello")

    executions._time_out(scene.execution.pk, now=scene.later(seconds=59).now)

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "active"


def test_a_flow_that_breaks_on_time_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Scene(ASK, address="a"), Scene(ASK, address="b")
    first.say("hello")
    second.later(seconds=1).say("hello")
    broken = first.execution.pk
    advance = executions._advance

    def breaks(execution: Execution, *args: Any, **kwargs: Any) -> None:
        if execution.pk == broken:
            raise DatabaseError("gone away")
        advance(execution, *args, **kwargs)

    monkeypatch.setattr(executions, "_advance", breaks)
    services.resume_due(second.later(seconds=100).now)

    assert second.replies == ["Name?", "Too late"]
    assert first.execution.status == "active"
    assert first.execution.due_at == second.now + dt.timedelta(seconds=60)


def test_an_execution_lives_thirty_days() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    old = scene.execution.pk

    scene.later(days=31).say("Omar")

    assert Execution.objects.get(pk=old).status == "ended"
    assert scene.replies == ["Name?", "Name?"]


# -- somebody else takes over ----------------------------------------------------------------------


def test_a_reply_computed_before_a_person_took_over_is_dropped() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.take_over()

    services.resume_due(scene.later(seconds=100).now)
    scene.say("Omar")

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "ended"


def test_what_a_step_sends_is_dropped_when_the_owner_changed_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock forbids this; the version would catch it all the same (an outcome that comes later, another process)."""
    scene = Scene(ASK)
    scene.say("hello")
    execution = scene.execution
    scene.take_over()
    monkeypatch.setattr(executions, "_may_go_on", lambda *_, **__: True)

    services.resume_due(scene.later(seconds=100).now)

    assert scene.replies == ["Name?"]
    execution.refresh_from_db()
    assert (execution.status, execution.error_code) == ("ended", "")
    assert execution.state["status"] == "ended"


def test_given_back_to_the_flow_it_starts_anew() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.take_over()
    ownership.change(scene.conversation, owner="flow", now=scene.now)

    scene.say("Omar")

    assert scene.replies == ["Name?", "Name?"]
    assert Execution.objects.filter(status="active").count() == 1


def test_closing_the_conversation_ends_its_execution() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    lifecycle.close(scene.conversation, now=scene.now)

    assert scene.execution.status == "ended"
    assert services.resume_due(scene.later(days=1).now) == 0


def test_what_a_flow_says_after_handing_over_still_arrives() -> None:
    definition = after_trigger(
        "flex",
        state("flex", "send-to-flex", {"attributes": "{}", "queue_notice": "off"}, callComplete="tell"),
        state(
            "tell",
            "send-message",
            {"body": "{{widgets.flex.ahead}} ahead in {{widgets.flex.task_queue_friendly_name}}"},
            sent="",
        ),
    )
    scene = Scene(definition)

    scene.say("hello")

    assert scene.replies == ["0 ahead in Everyone"]
    assert scene.conversation.owner == "queue"
    assert scene.reply.owner_version == scene.conversation.owner_version == 1


# -- what goes wrong -------------------------------------------------------------------------------


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


# -- fitting the channel ---------------------------------------------------------------------------


def test_more_quick_replies_than_the_channel_shows_become_lines() -> None:
    replies = ["Sales", "Support", "Billing", "Else"]
    scene = Scene(after_trigger("a", state("a", "send-message", {"body": "Who?", "quick_replies": replies}, sent="")))

    scene.say("hello")

    assert scene.replies == ["Who?\n- Sales\n- Support\n- Billing\n- Else"]


def test_quick_replies_go_with_the_message() -> None:
    scene = Scene(after_trigger("a", state("a", "send-message", {"body": "Who?", "quick_replies": ["Me"]}, sent="")))

    scene.say("hello")

    assert scene.reply.data == {"quick_replies": ["Me"]}


def test_a_text_too_long_for_the_channel_is_sent_in_parts() -> None:
    body = "One sentence of many. " * 50
    scene = Scene(after_trigger("a", state("a", "send-message", {"body": body, "quick_replies": ["Me"]}, sent="")))

    scene.say("hello")

    assert " ".join(scene.replies) == body.strip()
    assert [len(reply) <= 500 for reply in scene.replies] == [True] * 3
    keys = Message.objects.filter(direction="out").order_by("seq").values_list("key", flat=True)
    assert list(keys) == [f"{scene.execution.sid}:2:{part}" for part in range(3)]
    assert scene.reply.data == {"quick_replies": ["Me"]}


# -- what a flow learns ----------------------------------------------------------------------------


def test_facts_are_kept_with_the_conversation_and_the_contact() -> None:
    variables = [
        {"key": "department", "value": "sales", "save": "conversation"},
        {"key": "language", "value": "ar", "save": "contact"},
        {"key": "size", "value": "XL", "save": "contact"},
        {"key": "is_vip", "value": "true", "save": "contact"},
    ]
    scene = Scene(after_trigger("set", state("set", "set-variables", {"variables": variables}, next="")))

    scene.say("👋")

    contact = scene.conversation.identity.contact
    assert scene.conversation.attributes == {"department": "sales"}
    assert (contact.language, contact.attributes, contact.is_vip) == ("ar", {"size": "XL"}, False)


def test_the_language_heard_is_kept_for_the_next_execution() -> None:
    say = state("say", "send-message", {"body": "{{flow.contact.language}}"}, sent="")
    scene = Scene(after_trigger("say", say))

    scene.say("أين طلبي؟")
    scene.say("ok")

    assert scene.replies == ["ar", "ar"]
    assert scene.conversation.attributes == {"language": "ar"}


def test_the_widgets_locale_comes_before_what_the_words_look_like() -> None:
    scene = Scene(
        after_trigger("say", state("say", "send-message", {"body": "{{flow.contact.language}}"}, sent="")),
        language="ar-EG",
    )

    scene.say("hello")

    assert scene.replies == ["ar"]
    assert scene.conversation.attributes == {}


def test_the_task_knows_its_customer() -> None:
    flex = {"attributes": '{"department": "sales", "name": "Somebody", "extra": {"a": 1}}'}
    scene = Scene(
        after_trigger("flex", state("flex", "send-to-flex", flex, callComplete="")), name="Layla", language="ar"
    )

    scene.say("مرحبا")

    assert scene.task.attributes == {
        "name": "Somebody",
        "language": "ar",
        "vip": False,
        "channel": "echo",
        "conversation_sid": scene.conversation.sid,
        "department": "sales",
        "extra": {"a": 1},
    }
    assert scene.task.task_channel.unique_name == "chat"
    # What the contact's row says already is not learned.
    assert scene.conversation.attributes == {"department": "sales"}


@pytest.mark.parametrize("by", ["sid", "name"])
def test_a_workflow_is_found_by_sid_or_name(by: str) -> None:
    scene = Scene(FLEX)
    default = Workflow.objects.get()
    other = Workflow.objects.create(
        workspace=default.workspace, friendly_name="Other", configuration=default.configuration
    )
    properties = {"workflow": other.sid if by == "sid" else "Other", "channel": "sms", "priority": "7", "timeout": "99"}
    assert scene.flow is not None
    services.publish(scene.flow, after_trigger("flex", state("flex", "send-to-flex", properties, callComplete="")))

    scene.say("hello")

    task = scene.task
    assert (task.workflow, task.task_channel.unique_name, task.priority, task.timeout) == (other, "sms", 7, 99)


def test_a_pressed_button_brings_its_payload() -> None:
    from channels_adapters.contract import Postback
    from conversations.services import messages
    from tests.factories import conversations

    body = "{{trigger.message.Body}} {{trigger.message.ButtonPayload}}"
    scene = Scene(after_trigger("say", state("say", "send-message", {"body": body}, sent="")))
    event = Postback(
        key="k",
        channel_address=scene.channel.address,
        at=scene.now,
        sender=conversations.sender(),
        external_id="e",
        title="Start",
        payload="GET_STARTED",
    )
    message = messages.receive(scene.channel, event, now=scene.now)
    assert message is not None

    scene.tell(message)

    assert scene.replies == ["Start GET_STARTED"]


def test_a_split_sees_the_conversation_as_studio_shows_it() -> None:
    wanted = match("yes", "equal_to", "{{trigger.conversation.ConversationSid}}", "{{trigger.message.ChannelSid}}")
    definition = after_trigger("split", split("split", wanted), state("yes", "send-message", {"body": "same"}, sent=""))
    scene = Scene(definition)

    scene.say("hello")

    assert scene.replies == ["same"]
