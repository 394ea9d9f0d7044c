"""Conversations follow their tasks from queue to queue."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from conversations.services import ownership
from routing.engine.model import Move
from routing.models import Task, TaskQueue


def lock(moves: Sequence[Move]) -> dict[uuid.UUID, Conversation]:
    """The conversations that change queues, by task, under their locks."""
    passed = [move.task for move in moves if move.queue != move.queue_before]
    if not passed:
        return {}
    by_id = dict(Task.objects.filter(pk__in=passed, conversation__isnull=False).values_list("conversation_id", "id"))
    held = Conversation.objects.select_for_update(no_key=True).filter(pk__in=by_id).order_by("id")
    return {by_id[conversation.pk]: conversation for conversation in held}


def pass_on(move: Move, conversations: dict[uuid.UUID, Conversation], now: dt.datetime) -> None:
    """The conversation waits in the new queue now, and that queue's team sees it."""
    conversation = conversations.get(move.task)
    if conversation is None:
        return
    queue = TaskQueue.objects.select_related("team").get(pk=move.queue)
    try:
        ownership.change(
            conversation,
            owner=Conversation.Owner.QUEUE,
            owner_sid=queue.sid,
            owner_name=queue.friendly_name,
            queue_team=queue.team,
            now=now,
        )
    except Refused:  # it was closed in this moment; its task is canceled for that
        return
