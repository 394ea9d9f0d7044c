"""A conversation's stream of events, and the lock its numbers are given out under.

Every change of a conversation: ``lock`` it inside a transaction, change the row, ``record`` what happened (the data
carries whole sub-objects in the snapshot's shape), ``save`` it. Numbers are gapless because a rollback takes number
and event back together.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction

from conversations import events
from conversations.models import Channel, Contact, Conversation, Event, Identity
from conversations.services import plain

_ID = Conversation._meta.pk
_HELD = "_held_in"
#: NO KEY leaves rows alone that merely point here; SQLite's transactions lock the whole file anyway.
FOR_UPDATE = {"postgresql": " FOR NO KEY UPDATE", "sqlite": ""}
#: A conversation with what ``queries.RELATED`` names, in one statement.
_TABLES = (Conversation, Channel, Identity, Contact)
_JOINED = """
    conversations_conversation
    JOIN conversations_channel ON conversations_channel.id = conversations_conversation.channel_id
    JOIN conversations_identity ON conversations_identity.id = conversations_conversation.identity_id
    JOIN conversations_contact ON conversations_contact.id = conversations_identity.contact_id
    WHERE conversations_conversation.id = %s"""


def lock(conversation: Conversation | uuid.UUID) -> Conversation:
    """The conversation, fresh and locked until the transaction ends. Raises ``Conversation.DoesNotExist``.

    A conversation is locked before anything that belongs to it: messages, transmissions, tasks, reservations. An
    instance that came from here, in a block that is still open, is returned as it is: nobody else can have changed
    the row, and whoever holds the lock changes that instance.
    """
    if isinstance(conversation, Conversation) and _is_held(conversation):
        return conversation
    key = conversation.pk if isinstance(conversation, Conversation) else conversation
    found = find("id = %s", (_ID, key))
    if found is None:
        raise Conversation.DoesNotExist
    return found


def find(condition: str, *values: tuple[Any, Any]) -> Conversation | None:
    """The one conversation for which ``condition`` (SQL, ``values`` as in ``plain.select``) holds, locked, with its
    channel, identity and contact; None when there is none. Call it inside a transaction.

    Locked first, read after: one statement doing both would, having waited, join the new conversation with the
    contact of before the wait.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A lock needs a transaction to be held by.")
    suffix = FOR_UPDATE[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM conversations_conversation WHERE {condition}{suffix}",
            [plain.prepared(field, value) for field, value in values],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    conversation, channel, identity, contact = plain.select_joined(_TABLES, _JOINED, (None, row[0]))[0]
    identity.contact = contact
    conversation.channel, conversation.identity = channel, identity
    found: Conversation = conversation
    _hold(found)
    return found


def _hold(conversation: Conversation) -> None:
    """Remember the block it was locked in: the hooks' list is another one after every commit and every rollback (of
    a savepoint, too), and savepoints opened since come behind those open now."""
    conversation.__dict__[_HELD] = (connection.run_on_commit, tuple(connection.savepoint_ids))


def _is_held(conversation: Conversation) -> bool:
    hooks, blocks = conversation.__dict__.get(_HELD, (None, ()))
    return hooks is connection.run_on_commit and tuple(connection.savepoint_ids[: len(blocks)]) == blocks


def record(conversation: Conversation, type: str, data: dict[str, Any]) -> int:
    """Append an event to a locked conversation and save its number. Returns the number. Pushed on commit."""
    seq = append(conversation, type, data)
    plain.update(conversation, "event_seq")
    return seq


def begin(conversation: Conversation, type: str, data: dict[str, Any]) -> None:
    """The first event of a conversation just inserted with ``event_seq`` 1."""
    _hold(conversation)
    _write(conversation, type, data)


def append(conversation: Conversation, type: str, data: dict[str, Any]) -> int:
    """As ``record``, for callers that save the conversation's row anyway (with ``event_seq``)."""
    conversation.event_seq += 1
    _write(conversation, type, data)
    return conversation.event_seq


def _write(conversation: Conversation, type: str, data: dict[str, Any]) -> None:
    plain.insert(Event(conversation=conversation, seq=conversation.event_seq, type=type, data=data))
    events.recorded(conversation.pk, conversation.event_seq, conversation.channel.type)
