"""What a flow says fits the channel, and what it learns is kept."""

from __future__ import annotations

import pytest

from conversations.models import Message
from flows import services
from routing.models import Workflow
from tests.factories.flows import after_trigger, match, split, state
from tests.flows.drawings import FLEX
from tests.flows.scene import Scene

pytestmark = pytest.mark.django_db


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
