"""What a conversation looks like from outside: the one JSON shape of snapshots, events, pages and the API."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from channels_adapters import registry
from channels_adapters.contract import Capabilities
from contactcenter.lib import ids
from contactcenter.lib.text import scrub
from conversations.models import Attachment, Channel, Contact, Conversation, Identity, Message, Participant
from conversations.services import plain
from conversations.services.visibility import visible_to

Json = dict[str, Any]

#: What ``conversation_json`` reads beside the row itself.
RELATED = ("channel", "identity__contact")
#: Parts of a message's data that are kept for the record and for admins, not for consoles.
_FOR_ADMINS = frozenset({"raw", "history"})
#: Messages in a snapshot.
SNAPSHOT_MESSAGES = 50
#: What a channel whose adapter is not installed can do.
_NOTHING = Capabilities(max_text=0)


def iso(at: dt.datetime | None) -> str | None:
    """A moment as every JSON of ours shows it: ISO 8601 in UTC."""
    return None if at is None else at.astimezone(dt.UTC).isoformat()


def capabilities(channel: Channel) -> Capabilities:
    """What the channel's adapter declares; nothing at all when it is not installed."""
    adapter = registry.all_adapters().get(channel.type)
    return _NOTHING if adapter is None else adapter.capabilities


def window_ends(conversation: Conversation, length: dt.timedelta | None) -> dt.datetime | None:
    """When a reply window of this length closes for the conversation; None = never."""
    if length is None:
        return None
    return (conversation.last_customer_at or conversation.created_at - length) + length


def channel_json(channel: Channel) -> Json:
    return {"sid": channel.sid, "type": channel.type, "name": channel.name}


def contact_json(contact: Contact) -> Json:
    return {
        "sid": contact.sid,
        "name": contact.name,
        "language": contact.language,
        "is_vip": contact.is_vip,
        "attributes": contact.attributes,
    }


def identity_json(identity: Identity) -> Json:
    return {
        "sid": identity.sid,
        "kind": identity.kind,
        "address": identity.address,
        "display_name": identity.display_name,
    }


def conversation_json(conversation: Conversation) -> Json:
    """Wants ``channel`` and ``identity__contact`` loaded (``RELATED``)."""
    able = capabilities(conversation.channel)
    return {
        "sid": conversation.sid,
        "status": conversation.status,
        "channel": channel_json(conversation.channel),
        "contact": contact_json(conversation.identity.contact),
        "identity": identity_json(conversation.identity),
        "owner": {"kind": conversation.owner, "sid": conversation.owner_sid, "name": conversation.owner_name},
        "owner_version": conversation.owner_version,
        "attributes": conversation.attributes,
        "opened_at": iso(conversation.created_at),
        "last_customer_at": iso(conversation.last_customer_at),
        "last_message_at": iso(conversation.last_message_at),
        "last_message_text": conversation.last_message_text,
        "message_seq": conversation.message_seq,
        "customer_delivered_seq": conversation.customer_delivered_seq,
        "customer_read_seq": conversation.customer_read_seq,
        "reply_window": {
            "closes_at": iso(window_ends(conversation, able.reply_window)),
            "human_closes_at": iso(window_ends(conversation, able.human_window or able.reply_window)),
        },
        "capabilities": {
            "max_text": able.max_text,
            "media": dict(able.media),
            "typing_out": able.typing_out,
            "quick_replies": able.quick_replies,
            "receipts": sorted(able.receipts),
        },
        "disposition": conversation.disposition,
        "closed_at": iso(conversation.closed_at),
    }


def attachment_json(attachment: Attachment) -> Json:
    return {
        "sid": attachment.sid,
        "key": attachment.key,
        "kind": attachment.kind,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "state": attachment.state,
        "data": attachment.data,
    }


def message_json(message: Message, attachments: Iterable[Attachment] | None = None) -> Json:
    """Attachments are read unless given (or prefetched). What the customer deleted keeps its row, not its words."""
    files = message.attachments.all() if attachments is None else attachments
    is_deleted = message.deleted_at is not None
    return {
        "sid": message.sid,
        "seq": message.seq,
        "direction": message.direction,
        "author": message.author,
        "author_name": message.author_name,
        "user_sid": None if message.user_id is None else ids.to_sid("US", message.user_id),
        "kind": message.kind,
        "text": "" if is_deleted else message.text,
        "data": {} if is_deleted else {key: part for key, part in message.data.items() if key not in _FOR_ADMINS},
        "reactions": message.reactions,
        "status": message.status,
        "status_reason": message.status_reason,
        "key": message.key,
        "reply_to": None if message.reply_to_id is None else ids.to_sid(Message.sid_prefix, message.reply_to_id),
        "attachments": [] if is_deleted else [attachment_json(file) for file in files],
        "at": iso(message.created_at),
        "edited_at": iso(message.edited_at),
        "deleted_at": iso(message.deleted_at),
    }


def user_name(user: Any) -> str:
    """How a colleague is called, everywhere."""
    return str(user.get_full_name() or user.get_username())


def participants_json(conversation: Conversation) -> list[Json]:
    """Who is on it now, in the order they came."""
    rows = plain.select_joined(
        (Participant, get_user_model()),
        """conversations_participant JOIN agents_user ON agents_user.id = conversations_participant.user_id
        WHERE conversation_id = %s AND left_at IS NULL ORDER BY conversations_participant.id""",
        (Conversation._meta.pk, conversation.pk),
    )
    return [
        {
            "user_sid": ids.to_sid("US", row.user_id),
            "name": user_name(user),
            "role": row.role,
            "last_read_seq": row.last_read_seq,
        }
        for row, user in rows
    ]


def snapshot(conversation: Conversation) -> Json:
    """The whole state of a conversation's stream, read fresh. Its ``seq`` is read first: events recorded while the
    rest is read are replayed by the console and find their effect already there."""
    fresh = Conversation.objects.select_related(*RELATED).get(pk=conversation.pk)
    return {
        "seq": fresh.event_seq,
        "conversation": conversation_json(fresh),
        "messages": messages_before(fresh, limit=SNAPSHOT_MESSAGES),
        "participants": participants_json(fresh),
    }


def messages_before(conversation: Conversation, *, before: int | None = None, limit: int = 50) -> list[Json]:
    """The last ``limit`` messages (with ``seq < before``), oldest first."""
    rows = Message.objects.filter(conversation=conversation).prefetch_related("attachments").order_by("-seq")
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return [message_json(row) for row in reversed(rows[: _bounded(limit)])]


def timeline(contact: Contact, *, user: Any, before: uuid.UUID | None = None, limit: int = 50) -> list[Json]:
    """Messages of all the contact's identities that ``user`` may see, newest first; ``before``: a message's id."""
    rows = (
        Message.objects.filter(conversation__in=visible_to(user).filter(identity__contact=contact).values("id"))
        .select_related("channel")
        .prefetch_related("attachments")
        .order_by("-id")
    )
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [
        {
            "message": message_json(row),
            "conversation_sid": ids.to_sid(Conversation.sid_prefix, row.conversation_id),
            "channel": channel_json(row.channel),
        }
        for row in rows[: _bounded(limit)]
    ]


def conversations(
    user: Any,
    *,
    status: str = "",
    mine: bool = False,
    q: str = "",
    contact: Contact | None = None,
    before: tuple[dt.datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> list[Conversation]:
    """Conversations ``user`` may see, latest message first. ``before`` is the (last_message_at, id) of the last row
    of the previous page; ``mine``: those the user owns; ``q``: words in a name, an address or a message."""
    rows: QuerySet[Conversation] = visible_to(user).select_related(*RELATED)
    if status:
        rows = rows.filter(status=status)
    if mine:
        rows = rows.filter(owner_user=user)
    if contact is not None:
        rows = rows.filter(identity__contact=contact)
    if q := scrub(q).strip()[:100]:
        said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=q, deleted_at__isnull=True)
        rows = rows.filter(
            Q(identity__contact__name__icontains=q)
            | Q(identity__display_name__icontains=q)
            | Q(identity__address__iexact=q)
            | Exists(said)
        )
    if before is not None:
        at, key = before
        rows = rows.filter(Q(last_message_at__lt=at) | Q(last_message_at=at, id__lt=key))
    return list(rows.order_by("-last_message_at", "-id")[: _bounded(limit)])


def find_message(conversation: Conversation, sid: object) -> Message | None:
    """A message of this conversation by its public id."""
    key = ids.parse_sid(Message.sid_prefix, sid)
    return None if key is None else Message.objects.filter(conversation=conversation, pk=key).first()


def unread(conversations: Iterable[Conversation], user: Any) -> dict[uuid.UUID, int]:
    """Conversation id -> how many messages after the user's last read one; 0 for those the user is not on."""
    rows = {row.pk: row.message_seq for row in conversations}
    read = Participant.objects.filter(conversation__in=list(rows), user=user, left_at__isnull=True)
    seen = dict(read.values_list("conversation_id", "last_read_seq"))
    return {key: max(0, seq - seen[key]) if key in seen else 0 for key, seq in rows.items()}


def _bounded(limit: int) -> int:
    return max(1, min(limit, 200))
