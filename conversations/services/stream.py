"""A conversation's stream of events, and the lock its numbers are given out under.

Every change of a conversation: ``lock`` it inside a transaction, change the row, ``record`` what happened (the data
carries whole sub-objects in the snapshot's shape), ``save`` it. Numbers are gapless because a rollback takes number
and event back together.
"""

from __future__ import annotations

import uuid
from typing import Any

from conversations import events, queries
from conversations.models import Conversation, Event


def lock(conversation: Conversation | uuid.UUID) -> Conversation:
    """The conversation, fresh and locked until the transaction ends. Raises ``Conversation.DoesNotExist``.

    Lock a conversation before its messages and transmissions, and routing's rows before a conversation.
    """
    key = conversation.pk if isinstance(conversation, Conversation) else conversation
    return Conversation.objects.select_for_update(of=("self",)).select_related(*queries.RELATED).get(pk=key)


def record(conversation: Conversation, type: str, data: dict[str, Any]) -> int:
    """Append an event to a locked conversation and save its number. Returns the number. Pushed on commit."""
    seq = append(conversation, type, data)
    conversation.save(update_fields=["event_seq"])
    return seq


def append(conversation: Conversation, type: str, data: dict[str, Any]) -> int:
    """As ``record``, for callers that save the conversation's row anyway (with ``event_seq``)."""
    conversation.event_seq += 1
    Event.objects.bulk_create([Event(conversation=conversation, seq=conversation.event_seq, type=type, data=data)])
    events.recorded(conversation.pk, conversation.event_seq)
    return conversation.event_seq
