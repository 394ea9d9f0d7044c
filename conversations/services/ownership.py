"""Who owns a conversation: a flow, a queue or a worker. Every change moves ``owner_version``."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from conversations import queries
from conversations.models import Conversation, Participant, Team
from conversations.services import plain, stream


def change(
    conversation: Conversation,
    *,
    owner: str,
    owner_sid: str = "",
    owner_name: str = "",
    user: Any = None,
    queue_team: Team | None = None,
    now: dt.datetime,
) -> int:
    """Hand the conversation over. Returns the new ``owner_version``.

    ``owner``: flow | queue | worker | nobody; ``user`` the agent (with owner=worker); ``owner_name`` as shown (an
    agent's own name by default); ``queue_team`` the queue's team, kept until another queue takes its place.
    Runs in the caller's transaction when there is one. Raises ``Refused`` when the conversation is closed.
    """
    is_person = owner == Conversation.Owner.WORKER
    # Refusing comes before writing: no savepoint is needed to take anything back.
    with contextlib.nullcontext() if connection.in_atomic_block else transaction.atomic():
        fresh = stream.lock(conversation)
        if fresh.status == Conversation.Status.CLOSED:
            raise Refused(_("This conversation is closed."), code="conversation.closed")
        fresh.owner, fresh.owner_sid = owner, owner_sid
        fresh.owner_name = owner_name or (queries.user_name(user) if user is not None else "")
        fresh.owner_user = user if is_person else None
        fresh.owner_version += 1
        if is_person:
            fresh.taken_over_version = fresh.owner_version
        if queue_team is not None:
            fresh.queue_team = queue_team
        _seat(fresh, user if is_person else None, now=now)
        data = {
            "conversation": queries.conversation_json(fresh),
            "participants": queries.participants_json(fresh),
        }
        stream.append(fresh, "owner.changed", data)
        plain.update(
            fresh,
            *("owner", "owner_sid", "owner_name", "owner_user", "owner_version"),
            *("taken_over_version", "queue_team", "event_seq"),
        )
        return fresh.owner_version


def _seat(conversation: Conversation, user: Any, *, now: dt.datetime) -> None:
    """The owner's chair: whoever sat there leaves, ``user`` sits down (a watcher becomes the owner)."""
    if user is None:
        plain.execute(
            "UPDATE conversations_participant SET left_at = %s"
            " WHERE conversation_id = %s AND left_at IS NULL AND role = 'owner'",
            (Participant._meta.get_field("left_at"), now),
            (Conversation._meta.pk, conversation.pk),
        )
        return
    live = conversation.participants.filter(left_at__isnull=True)
    previous = live.filter(role=Participant.Role.OWNER)
    previous.exclude(user=user).update(left_at=now)
    if not live.filter(user=user).update(role=Participant.Role.OWNER):
        Participant.objects.create(conversation=conversation, user=user, role=Participant.Role.OWNER, created_at=now)
