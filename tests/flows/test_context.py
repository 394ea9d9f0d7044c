from __future__ import annotations

import pytest

from channels_adapters.contract import InboundAttachment
from flows import context
from tests.factories import conversations
from tests.flows.scene import NOW, Scene

pytestmark = pytest.mark.django_db


def test_a_message_looks_like_the_fields_webhook() -> None:
    scene = Scene(language="ar", name="ليلى")
    message = scene.store(
        "مرحبا", attachments=[InboundAttachment(kind="image", url="https://x.test/a.png", content_type="image/png")]
    )
    conversation = scene.conversation
    file = message.attachments.get()

    assert context.message_context(conversation, message) == {
        "Body": "مرحبا",
        "From": "layla",
        "To": scene.channel.address,
        "MessageSid": message.sid,
        "ChannelSid": conversation.sid,
        "InstanceSid": scene.channel.sid,
        "ChannelAttributes": {"from": "ليلى", "channel_type": "echo", "language": "ar"},
        "ProfileName": "ليلى",
        "NumMedia": "1",
        "MediaUrl0": f"/attachments/{file.key}/",
        "MediaContentType0": "image/png",
    }


def test_a_conversation_looks_like_the_fields_webhook() -> None:
    scene = Scene(name="Layla")
    message = scene.store("hello")
    conversation = scene.conversation

    assert context.conversation_context(conversation, message) == {
        "Body": "hello",
        "Author": "layla",
        "From": "layla",
        "ConversationSid": conversation.sid,
        "ChannelSid": conversation.sid,
        "InstanceSid": scene.channel.sid,
        "MessageSid": message.sid,
        "ParticipantSid": conversation.identity.sid,
        "Source": "echo",
        "DateCreated": NOW.isoformat(),
        "ChannelAttributes": {"from": "Layla", "channel_type": "echo", "language": ""},
    }


def test_long_words_are_cut() -> None:
    scene = Scene()
    message = scene.store("a" * 20_000)

    assert len(context.message_context(scene.conversation, message)["Body"]) == 16_384


def test_what_was_learned_in_the_conversation_comes_before_what_the_contact_is_known_for() -> None:
    conversation = conversations.conversation(attributes={"language": "ar"})

    assert context.known_contact(conversation, "hello")["language"] == "ar"
    conversation.attributes = {"language": 5}
    assert context.known_contact(conversation, "hello")["language"] == "en"
