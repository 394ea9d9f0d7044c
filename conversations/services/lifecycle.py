"""The beginning and the end of a conversation."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from contactcenter.lib.text import scrub, scrub_json
from conversations import events, queries
from conversations.models import Channel, Conversation, Identity
from conversations.services import once, stream


def open_or_resume(
    channel: Channel, identity: Identity, thread: str = "", *, now: dt.datetime
) -> tuple[Conversation, bool]:
    """The open conversation of this identity on this channel (and thread), locked; a new one when there is none.

    Call it inside a transaction, or the lock is gone on return. Returns (conversation, created). A constraint allows
    one open conversation only, so racing callers get the same.
    """
    with transaction.atomic(savepoint=False):
        while True:
            found = stream.find(
                "channel_id = %s AND identity_id = %s AND thread = %s AND status = 'open'",
                (Channel._meta.pk, channel.pk),
                (Identity._meta.pk, identity.pk),
                (None, thread),
            )
            if found is not None:
                return found, False
            made = Conversation(channel=channel, identity=identity, thread=thread, created_at=now, last_message_at=now)
            made.event_seq = 1
            if once.insert(made):
                stream.begin(made, "conversation.opened", {"conversation": queries.conversation_json(made)})
                return made, True


def close(conversation: Conversation, *, disposition: str = "", now: dt.datetime) -> Conversation:
    """Close it; everybody leaves. Closing a closed one changes nothing. The next message opens a new conversation.

    The owner stays on record, and automatic messages already accepted (a flow's goodbye) still leave.
    """
    with transaction.atomic():
        fresh = stream.lock(conversation)
        if fresh.status == Conversation.Status.CLOSED:
            return fresh
        fresh.status, fresh.closed_at, fresh.disposition = Conversation.Status.CLOSED, now, scrub(disposition)[:64]
        fresh.participants.filter(left_at__isnull=True).update(left_at=now)
        data = {"conversation": queries.conversation_json(fresh), "participants": []}
        stream.append(fresh, "conversation.closed", data)
        fresh.save(update_fields=["status", "closed_at", "disposition", "event_seq"])
        events.after_commit(events.conversation_closed, conversation_id=fresh.pk, now=now)
    return fresh


def set_attributes(conversation: Conversation, attributes: dict[str, Any], *, now: dt.datetime) -> Conversation:
    """Merge facts a flow or an agent gathered (language, department, intent ...); None removes a key."""
    with transaction.atomic():
        fresh = stream.lock(conversation)
        merged = {**fresh.attributes, **scrub_json(dict(attributes))}
        merged = {key: value for key, value in merged.items() if value is not None}
        if merged == fresh.attributes:
            return fresh
        fresh.attributes = merged
        stream.append(fresh, "conversation.updated", {"conversation": queries.conversation_json(fresh)})
        fresh.save(update_fields=["attributes", "event_seq"])
    return fresh
