"""What a flow's Liquid sees: Studio's variables, filled from our rows, and a few of our own.

=============================  ========================================================================================
``trigger.message.*``          Body, From, To, MessageSid, NumMedia, MediaUrl0.., MediaContentType0.., ChannelSid,
                               InstanceSid, ChannelAttributes.{from, channel_type, language}, ProfileName,
                               ButtonText and ButtonPayload of a pressed button
``trigger.conversation.*``     Body, Author, From, ConversationSid, ChannelSid, InstanceSid, MessageSid, ParticipantSid,
                               Source, DateCreated, ChannelAttributes
``widgets.W.inbound.*``        of a reply: the same keys as ``trigger.message``
``contact.channel.address``    the customer's address; ours: ``contact.name``
``flow.channel.*``             address (our side's), sid; ours: type, name
``flow.sid, flow.flow_sid``    the execution, the flow
``flow.contact.*``             ours: sid, name, language (what to speak, see ``language.choose``), is_vip, attributes
``flow.conversation.*``        ours: sid, attributes (facts of earlier executions of this conversation)
=============================  ========================================================================================
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from conversations.models import Attachment, Conversation, Message
from conversations.services import plain
from flows import language, liquid
from flows.models import Execution
from flows.values import Reply, Start

Json = dict[str, Any]


def start(execution: Execution, conversation: Conversation, message: Message, *, now: dt.datetime) -> Start:
    """The event that begins an execution with a customer's message."""
    return Start(
        at=now,
        trigger={
            "message": message_context(conversation, message),
            "conversation": conversation_context(conversation, message),
        },
        flow={
            "sid": execution.sid,
            "flow_sid": execution.flow.sid,
            "data": {},
            "channel": {
                "address": conversation.channel.address,
                "sid": conversation.sid,
                "type": conversation.channel.type,
                "name": conversation.channel.name,
            },
            "contact": known_contact(conversation, message.text),
            "conversation": {"sid": conversation.sid, "attributes": conversation.attributes},
        },
        contact={
            "channel": {"address": conversation.identity.address},
            "name": conversation.identity.contact.name,
        },
    )


def reply(conversation: Conversation, message: Message, *, now: dt.datetime) -> Reply:
    """The event of a customer's further message."""
    return Reply(
        at=now,
        message=message_context(conversation, message),
        contact=known_contact(conversation, message.text),
    )


def known_contact(conversation: Conversation, text: str) -> Json:
    """What is known of the customer; the language is the one to answer ``text`` in."""
    contact = conversation.identity.contact
    spoken = conversation.attributes.get("language")
    known = spoken if isinstance(spoken, str) and spoken else contact.language
    return {
        "sid": contact.sid,
        "name": contact.name,
        "language": language.choose(known, text),
        "is_vip": contact.is_vip,
        "attributes": contact.attributes,
    }


def message_context(conversation: Conversation, message: Message) -> Json:
    """A customer's message with the names of the field's messaging webhook; texts are cut at 16 kB."""
    payload = message.data.get("payload") if isinstance(message.data, dict) else None
    context: Json = {
        "Body": liquid.cap(message.text),
        "From": conversation.identity.address,
        "To": conversation.channel.address,
        "MessageSid": message.sid,
        "ChannelSid": conversation.sid,
        "InstanceSid": conversation.channel.sid,
        "ChannelAttributes": _channel_attributes(conversation),
        "ProfileName": conversation.identity.display_name,
    }
    if message.kind == "postback":
        context |= {"ButtonText": liquid.cap(message.text), "ButtonPayload": liquid.cap(str(payload or ""))}
    files = plain.select(
        Attachment, "WHERE message_id = %s ORDER BY position, id LIMIT 20", (Message._meta.pk, message.pk)
    )
    context["NumMedia"] = str(len(files))
    for index, file in enumerate(files):
        context[f"MediaUrl{index}"] = f"/attachments/{file.key}/"
        context[f"MediaContentType{index}"] = file.content_type
    return context


def conversation_context(conversation: Conversation, message: Message) -> Json:
    """The same message as a conversation's webhook tells it."""
    return {
        "Body": liquid.cap(message.text),
        "Author": conversation.identity.address,
        "From": conversation.identity.address,
        "ConversationSid": conversation.sid,
        "ChannelSid": conversation.sid,
        "InstanceSid": conversation.channel.sid,
        "MessageSid": message.sid,
        "ParticipantSid": conversation.identity.sid,
        "Source": conversation.channel.type,
        "DateCreated": message.created_at.astimezone(dt.UTC).isoformat(),
        "ChannelAttributes": _channel_attributes(conversation),
    }


def _channel_attributes(conversation: Conversation) -> Json:
    contact = conversation.identity.contact
    return {
        "from": conversation.identity.display_name or contact.name,
        "channel_type": conversation.channel.type,
        "language": contact.language,
    }
