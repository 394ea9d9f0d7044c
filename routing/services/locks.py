"""The order rows are locked in, everywhere: conversation, tasks by id, reservations, workers by id, their channels.

Two doors, or a door and the router, that keep to it cannot wait for each other in a circle. Locks leave foreign keys
alone (NO KEY), so rows that merely point here are not held up. A locking query never joins: PostgreSQL checks the join
again when the row changed while it waited, against the other table's old row, and then finds nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from conversations.models import Conversation
from routing.models import Reservation, Task, Worker


def task(task_id: uuid.UUID) -> Task:
    """The task under its lock, its conversation's taken first. Raises ``Task.DoesNotExist``. Wants a transaction."""
    conversation_id = Task.objects.values_list("conversation_id", flat=True).get(pk=task_id)
    held = None if conversation_id is None else conversation(conversation_id)
    found = Task.objects.select_for_update(no_key=True).get(pk=task_id)
    if held is not None:
        found.conversation = held
    return found


def conversation(conversation_id: uuid.UUID) -> Conversation:
    """The conversation under its lock."""
    return Conversation.objects.select_for_update(no_key=True).get(pk=conversation_id)


def reservations(task: Task, statuses: Iterable[str]) -> list[Reservation]:
    """The task's reservations in these states, under their locks, oldest first. The task must be locked already."""
    rows = Reservation.objects.select_for_update(no_key=True).filter(task=task, status__in=list(statuses))
    return list(rows.order_by("id"))


def workers(worker_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Worker]:
    """These workers under their locks, by id, with activity, workspace and user."""
    wanted = set(worker_ids)
    held = Worker.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("id")
    list(held.values_list("pk", flat=True))
    rows = Worker.objects.filter(pk__in=wanted).select_related("activity", "workspace", "user")
    return {row.pk: row for row in rows}


def worker(worker_id: uuid.UUID) -> Worker:
    """One worker under its lock. Raises ``Worker.DoesNotExist``."""
    try:
        return workers([worker_id])[worker_id]
    except KeyError:
        raise Worker.DoesNotExist from None
