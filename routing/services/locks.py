"""The order rows are locked in, everywhere: conversation, tasks by id, reservations, workers by id, their channels.

Two doors, or a door and the router, that keep to it cannot wait for each other in a circle. Locks leave foreign keys
alone (NO KEY), so rows that merely point here are not held up. A locking query never joins: PostgreSQL checks the join
again when the row changed while it waited, against the other table's old row, and then finds nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable

from conversations.models import Conversation
from conversations.services import stream
from routing import sql
from routing.models import Reservation, Task, Worker

_TASKS = sql.Prepared(lambda ids: Task.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("id"))
_RESERVATIONS = sql.Prepared(
    lambda ids: (
        Reservation.objects.select_for_update(no_key=True)
        .filter(task__in=ids, status__in=Reservation.LIVE)
        .order_by("id")
    )
)
_WORKERS = sql.Prepared(lambda ids: Worker.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("id"))
_CONVERSATION_OF = sql.Prepared(lambda ids: Task.objects.filter(pk__in=ids).values_list("conversation_id").order_by())


def task(task: Task | uuid.UUID) -> Task:
    """The task as it is now, under its lock, its conversation's taken first.

    Wants a transaction. Raises ``Task.DoesNotExist``.
    """
    task_id = task.pk if isinstance(task, Task) else task
    rows = _CONVERSATION_OF.rows([task_id])
    if not rows:
        raise Task.DoesNotExist
    held = None if rows[0][0] is None else conversation(rows[0][0])
    found = _TASKS.objects([task_id])
    if not found:
        raise Task.DoesNotExist
    if held is not None:
        found[0].conversation = held
    locked: Task = found[0]
    return locked


def conversation(conversation: Conversation | uuid.UUID) -> Conversation:
    """The conversation under its lock; the same instance when this transaction holds it already."""
    return stream.lock(conversation)


def reservations(task: Task, statuses: Collection[str] = Reservation.LIVE) -> list[Reservation]:
    """The locked task's live reservations in these states, under their locks, oldest first."""
    return [row for row in _RESERVATIONS.objects([task.pk]) if row.status in statuses]


def workers(worker_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Worker]:
    """These workers under their locks, by id."""
    return {row.pk: row for row in _WORKERS.objects(sorted(set(worker_ids)))}


def worker(worker_id: uuid.UUID) -> Worker:
    """One worker under its lock. Raises ``Worker.DoesNotExist``."""
    try:
        return workers([worker_id])[worker_id]
    except KeyError:
        raise Worker.DoesNotExist from None
