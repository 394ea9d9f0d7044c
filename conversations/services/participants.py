"""Colleagues on a conversation beside its owner, and what each has read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from conversations import queries
from conversations.models import Conversation, Participant
from conversations.services import stream


def join(
    conversation: Conversation, user: Any, *, role: str = Participant.Role.WATCHING, now: dt.datetime
) -> Participant:
    """Put ``user`` on the conversation, watching or joining. Who is on it already stays, an owner stays owner.
    Raises ``Refused`` when it is closed. Whether they may see it is the door's question (``visibility.get``)."""
    if role not in (Participant.Role.WATCHING, Participant.Role.JOINING):
        raise Refused(_("Owners come by taking over, not by joining."), code="participant.role")
    with transaction.atomic():
        fresh = stream.lock(conversation)
        row = fresh.participants.filter(user=user, left_at__isnull=True).first()
        if row is not None and row.role in (role, Participant.Role.OWNER):
            return row
        if fresh.status == Conversation.Status.CLOSED:
            raise Refused(_("This conversation is closed."), code="conversation.closed")
        if row is None:
            row = Participant.objects.create(conversation=fresh, user=user, role=role, created_at=now)
        else:
            row.role = role
            row.save(update_fields=["role"])
        _tell(fresh)
    return row


def leave(conversation: Conversation, user: Any, *, now: dt.datetime) -> None:
    """Take a watching or joining ``user`` off. The owner leaves only by ``ownership.change``."""
    with transaction.atomic():
        fresh = stream.lock(conversation)
        rows = fresh.participants.filter(user=user, left_at__isnull=True).exclude(role=Participant.Role.OWNER)
        if rows.update(left_at=now):
            _tell(fresh)


def mark_read(conversation: Conversation, user: Any, seq: int, *, now: dt.datetime) -> int:
    """``user`` has seen everything up to ``seq``. Only ever grows. Returns where it stands (0 for who is not on it)."""
    with transaction.atomic():
        fresh = stream.lock(conversation)
        row = fresh.participants.filter(user=user, left_at__isnull=True).first()
        if row is None:
            return 0
        reached = min(seq, fresh.message_seq)
        if reached <= row.last_read_seq:
            return row.last_read_seq
        row.last_read_seq = reached
        row.save(update_fields=["last_read_seq"])
        _tell(fresh)
    return reached


def _tell(conversation: Conversation) -> None:
    stream.record(conversation, "participant.changed", {"participants": queries.participants_json(conversation)})
