"""Adding messages to a locked conversation, and telling of changed ones. The only code that gives out ``seq``."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from conversations import queries
from conversations.models import Attachment, Conversation, Message
from conversations.services import plain, stream


def add(
    conversation: Conversation,
    message: Message,
    *,
    attachments: Sequence[Attachment] = (),
    at: dt.datetime | None = None,
) -> Message:
    """Give an unsaved message its place in a locked conversation and save it with its attachments (new ones are
    inserted, uploaded ones bound). ``at``: when the customer wrote, by the provider's clock; moves the reply window.
    """
    conversation.message_seq += 1
    message.conversation, message.channel, message.seq = conversation, conversation.channel, conversation.message_seq
    plain.insert(message)
    _attach(message, attachments)
    changed = ["message_seq", "event_seq"]
    if message.direction not in (Message.Direction.INTERNAL, Message.Direction.SYSTEM):
        conversation.last_message_at = message.created_at
        conversation.last_message_text = summary(message, attachments)
        changed += ["last_message_at", "last_message_text"]
    if at is not None:
        conversation.last_customer_at = max(filter(None, [conversation.last_customer_at, at]))
        changed.append("last_customer_at")
    stream.append(conversation, "message.added", _data(conversation, message, attachments))
    plain.update(conversation, *changed)
    return message


def _attach(message: Message, attachments: Sequence[Attachment]) -> None:
    new = []
    for position, attachment in enumerate(attachments):
        attachment.message, attachment.position = message, position
        if attachment._state.adding:
            new.append(attachment)
        else:
            attachment.save(update_fields=["message", "position"])
    Attachment.objects.bulk_create(new)


def changed(conversation: Conversation, message: Message, *, also: Sequence[str] = ()) -> None:
    """Record that a saved message of a locked conversation is different now. ``also`` names fields of the
    conversation that changed with it."""
    fields = {*also, "event_seq"}
    files = plain.select(Attachment, "WHERE message_id = %s ORDER BY position, id", (Message._meta.pk, message.pk))
    if message.seq == conversation.message_seq and message.direction != Message.Direction.INTERNAL:
        conversation.last_message_text = summary(message, files)
        fields.add("last_message_text")
    stream.append(conversation, "message.updated", _data(conversation, message, files))
    plain.update(conversation, *fields)


def _data(conversation: Conversation, message: Message, attachments: Sequence[Attachment]) -> queries.Json:
    # The conversation's own facts (last words, numbers, window) change with every message: both, whole.
    return {
        "message": queries.message_json(message, attachments),
        "conversation": queries.conversation_json(conversation),
    }


def summary(message: Message, attachments: Sequence[Attachment]) -> str:
    """The few words a list shows of a message."""
    if message.deleted_at is not None:
        return ""
    if message.text:
        return " ".join(message.text.split())[:200]
    if message.kind == "unsupported":
        return f"[{message.data.get('type', 'unsupported')}]"[:200]
    return next((f"[{file.name or file.kind}]"[:200] for file in attachments), "")


def fit(value: str, limit: int = 255) -> str:
    """An outside id that fits its column: too long ones keep their beginning and a hash of the whole."""
    if len(value) <= limit:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
    return f"{value[: limit - len(digest) - 1]}~{digest}"
