"""How far a message of ours has come. It only moves forward; ``failed`` is final; a person's retry starts anew.

A message is as far as the part of it that is furthest behind; its transmissions carry the truth.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from conversations import events
from conversations.models import Channel, Conversation, Message, Transmission
from conversations.services import plain, thread

Tx = Transmission.Status

#: Transmissions move to the right only.
RANK: dict[str, int] = {Tx.QUEUED: 0, Tx.SENDING: 0, Tx.UNKNOWN: 1, Tx.SENT: 2, Tx.DELIVERED: 3, Tx.READ: 4}
FINAL = (Tx.FAILED, Tx.DROPPED)


def advances(old: str, new: str) -> bool:
    """May a transmission (or a message without any) go from ``old`` to ``new``?"""
    if old in FINAL:
        return False
    return new in FINAL or RANK[new] > RANK[old]


def combine(parts: Iterable[str]) -> str:
    """The message's status from its transmissions'."""
    going = [part for part in parts if part != Tx.DROPPED]
    if not going:
        return Message.Status.DROPPED
    if Tx.FAILED in going:
        return Message.Status.FAILED
    if any(RANK[part] == 0 for part in going):
        return Message.Status.QUEUED
    return min(going, key=RANK.__getitem__)


def settle(conversation: Conversation, message: Message, parts: Sequence[Transmission]) -> bool:
    """Bring a message of a locked conversation up to date with its transmissions, and record it when it changed."""
    status = combine(part.status for part in parts)
    reason = next((part.error for part in parts if part.error and part.status == status), "") or next(
        (part.error for part in parts if part.error), ""
    )
    external_id = next((part.external_id for part in parts if part.external_id), "")
    return put(conversation, message, status, reason=reason, external_id=external_id)


def put(conversation: Conversation, message: Message, status: str, *, reason: str = "", external_id: str = "") -> bool:
    """Write a message's status (already decided), move the customer's marks, record the change. True if any."""
    if (message.status, message.status_reason) == (status, reason) and (message.external_id or not external_id):
        return False
    was = message.status
    message.status, message.status_reason = status, reason
    if external_id and not message.external_id:
        # Taken: another app's message it seemed to be, before its send was known.
        like_it = ((Channel._meta.pk, message.channel_id), (None, external_id))
        is_taken = plain.exists(Message, "channel_id = %s AND external_id = %s", *like_it)
        message.external_id = "" if is_taken else external_id
    plain.update(message, "status", "status_reason", "external_id")
    thread.changed(conversation, message, also=_move_marks(conversation, message))
    if was != status:
        events.after_commit(
            events.receipt_recorded, message_id=message.pk, conversation_id=conversation.pk, status=status
        )
    return True


def _move_marks(conversation: Conversation, message: Message) -> list[str]:
    rank = Message.RANK.get(message.status, 0)
    moved = []
    for field, at_least in (("customer_delivered_seq", 3), ("customer_read_seq", 4)):
        if rank >= at_least and message.seq > getattr(conversation, field):
            setattr(conversation, field, message.seq)
            moved.append(field)
    return moved


def by_watermark(conversation: Conversation, sent_at: dt.datetime | None, status: str) -> str:
    """What a transmission that was just sent has become, by the watermarks that came before its receipt."""
    if sent_at is None:
        return status
    if conversation.customer_read_until is not None and sent_at <= conversation.customer_read_until:
        return Tx.READ
    if conversation.customer_delivered_until is not None and sent_at <= conversation.customer_delivered_until:
        return max(status, Tx.DELIVERED, key=RANK.__getitem__)
    return status
