"""Decisions -> rows: one statement per kind of row, conditions in the statements, all in the caller's transaction.

Offers and moves say what the router believed: the task still waits and nobody has touched it, the worker still does
what they did and has room. A row that no longer fits is not changed, and the whole batch is given up (``Stale``): the
router reads those rows again and decides anew.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from conversations.services import ownership
from routing import queries, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Move, Offer
from routing.engine.state import OFFERED
from routing.engine.state import Task as Known
from routing.models import Event, Reservation, Task, TaskQueue
from routing.services import outbox
from routing.services.facts import moment


class Stale(Exception):
    """These rows are not what the router believed."""

    def __init__(self, tasks: Iterable[uuid.UUID] = (), workers: Iterable[uuid.UUID] = ()) -> None:
        super().__init__()
        self.tasks = set(tasks)
        self.workers = set(workers)


@dataclass(slots=True)
class Written:
    """What a batch left behind, for whoever is told after the commit."""

    events: list[Event] = field(default_factory=list)
    #: (task id, status, conversation id)
    tasks: list[tuple[uuid.UUID, str, uuid.UUID | None]] = field(default_factory=list)
    queues: set[uuid.UUID] = field(default_factory=set)
    versions: dict[uuid.UUID, int] = field(default_factory=dict)


def write(matcher: Matcher, workspace_id: uuid.UUID, decisions: Sequence[Offer | Move], now: dt.datetime) -> Written:
    """Write offers and moves of one workspace, events included. Wants a transaction; raises ``Stale``."""
    offers = [decision for decision in decisions if isinstance(decision, Offer)]
    moves = [decision for decision in decisions if isinstance(decision, Move)]
    known: dict[Any, Known] = {decision.task: matcher.tasks[decision.task] for decision in decisions}
    conversations = _lock_conversations(moves)
    steps = [(type, decision) for decision in decisions for type in _event_types(decision)]
    task_rows = _update_tasks(known, Counter(decision.task for _, decision in steps), now)
    worker_rows: dict[Any, int] = {}
    if offers:
        worker_rows = _update_workers(matcher, offers)
        _update_channels(offers)
        _insert_reservations(offers, now)
    for move in moves:
        _pass_on(move, conversations, now)
    written = Written(versions={task_id: row[1] for task_id, row in task_rows.items()})
    written.events = _insert_events(steps, known, task_rows, worker_rows, workspace_id, now)
    for task_id, task in known.items():
        status = Task.Status.RESERVED if task.state == OFFERED else Task.Status.PENDING
        written.tasks.append((task_id, status.value, task_rows[task_id][3]))
        written.queues.add(task.queue)
    written.queues.update(move.queue_before for move in moves)
    return written


def _event_types(decision: Offer | Move) -> list[str]:
    if isinstance(decision, Offer):
        return ["reservation.created"]
    entered = "task-queue.moved" if decision.queue != decision.queue_before else "task-queue.entered"
    return [*(["task-queue.timeout"] if decision.timed_out else []), "workflow.target-matched", entered]


def _update_tasks(known: dict[Any, Known], events: Counter[Any], now: dt.datetime) -> dict[Any, tuple[Any, ...]]:
    """Task id -> (id, version, last event number, conversation id, task channel id)."""
    rows = []
    for task_id, task in known.items():
        status = Task.Status.RESERVED if task.state == OFFERED else Task.Status.PENDING
        rows.append(
            (
                *(sql.id(task_id), task.version, status.value, *task.position, sql.id(task.queue), task.priority),
                *(sql.time(moment(task.entered)), sql.time(moment(task.step_due)), task.assignments, events[task_id]),
            )
        )
    changed = sql.returning(
        f"""
        UPDATE routing_task AS t SET status = v.column3, filter_index = v.column4, target_index = v.column5,
            queue_entered_at = CASE WHEN t.queue_id = v.column6 THEN t.queue_entered_at ELSE {{now}} END,
            queue_id = v.column6, priority = v.column7, workflow_entered_at = {sql.as_time("v.column8")},
            due_at = {sql.as_time("v.column9")}, assignment_count = v.column10,
            version = t.version + 1, event_seq = t.event_seq + v.column11
        FROM {{values}} WHERE t.id = v.column1 AND t.version = v.column2 AND t.status = 'pending'
        RETURNING id, version, event_seq, conversation_id, task_channel_id
        """,
        rows,
        table="routing_task",
        now=now,
    )
    found = {sql.read_id(row[0]): (*row[:3], row[3] and sql.read_id(row[3]), sql.read_id(row[4])) for row in changed}
    if len(found) < len(known):
        raise Stale(tasks=known.keys() - found.keys())
    return found


def _update_workers(matcher: Matcher, offers: list[Offer]) -> dict[Any, int]:
    """Take the weight of the offers from their workers' totals. Worker id -> last event number."""
    weights: Counter[Any] = Counter()
    counts = Counter(offer.worker for offer in offers)
    forced = {offer.worker for offer in offers if offer.over_capacity}
    for offer in offers:
        weights[offer.worker] += offer.weight
    rows = [
        (
            *(sql.id(worker_id), sql.id(uuid.UUID(matcher.workers[worker_id].activity_sid[2:])), weights[worker_id]),
            *(counts[worker_id], int(worker_id in forced)),
        )
        for worker_id in counts
    ]
    changed = sql.returning(
        """
        UPDATE routing_worker AS w SET load = w.load + v.column3, event_seq = w.event_seq + v.column4,
            ceiling = CASE WHEN w.load + v.column3 > w.ceiling THEN w.load + v.column3 ELSE w.ceiling END,
            version = w.version + 1
        FROM {values} WHERE w.id = v.column1
            AND (v.column5 = 1 OR w.activity_id = v.column2 AND w.load + v.column3 <= w.capacity)
        RETURNING id, event_seq
        """,
        rows,
        table="routing_worker",
    )
    found = {sql.read_id(row[0]): int(row[1]) for row in changed}
    if len(found) < len(rows):
        raise Stale(workers=counts.keys() - found.keys())
    return found


def _update_channels(offers: list[Offer]) -> None:
    """Take the units of the offers from their workers' channels."""
    units: Counter[tuple[Any, Any]] = Counter()
    forced = {(offer.worker, offer.channel) for offer in offers if offer.over_capacity}
    for offer in offers:
        units[offer.worker, offer.channel] += offer.units
    rows = [(sql.id(pair[0]), sql.id(pair[1]), taken, int(pair in forced)) for pair, taken in units.items()]
    changed = sql.returning(
        """
        UPDATE routing_workerchannel AS c SET load = c.load + v.column3,
            ceiling = CASE WHEN c.load + v.column3 > c.ceiling THEN c.load + v.column3 ELSE c.ceiling END
        FROM {values} WHERE c.worker_id = v.column1 AND c.task_channel_id = v.column2
            AND (v.column4 = 1 OR c.is_available AND c.load + v.column3 <= c.capacity)
        RETURNING worker_id, task_channel_id
        """,
        rows,
    )
    found = {(sql.read_id(row[0]), sql.read_id(row[1])) for row in changed}
    if len(found) < len(rows):
        raise Stale(workers={worker_id for worker_id, _ in units.keys() - found})


def _insert_reservations(offers: list[Offer], now: dt.datetime) -> None:
    sql.insert(
        [
            Reservation(
                id=offer.reservation,
                created_at=now,
                task_id=offer.task,
                worker_id=offer.worker,
                units=offer.units,
                weight=offer.weight,
                due_at=moment(offer.due),
            )
            for offer in offers
        ]
    )


def _insert_events(
    steps: list[tuple[str, Offer | Move]],
    known: dict[Any, Known],
    task_rows: dict[Any, tuple[Any, ...]],
    worker_rows: dict[Any, int],
    workspace_id: uuid.UUID,
    now: dt.datetime,
) -> list[Event]:
    offered = [decision for _, decision in steps if isinstance(decision, Offer)]
    reservations = queries.reservations_json([offer.reservation for offer in offered])
    workers = queries.workers_json(worker_rows)
    task_left = Counter(decision.task for _, decision in steps)
    worker_left = Counter(offer.worker for offer in offered)
    events: list[Event] = []
    for type, decision in steps:
        task = known[decision.task]
        task_left[decision.task] -= 1
        event = Event(
            workspace_id=workspace_id,
            created_at=now,
            type=type,
            task_id=decision.task,
            task_seq=task_rows[decision.task][2] - task_left[decision.task],
            queue_id=task.queue,
            workflow_id=task.workflow,
            task_channel_id=task_rows[decision.task][4],
        )
        if isinstance(decision, Move):
            event.facts = {"from": decision.queue_before.hex}
            if type == "task-queue.timeout":
                event.queue_id = decision.queue_before
        if isinstance(decision, Offer):
            worker_left[decision.worker] -= 1
            event.worker_id = decision.worker
            event.worker_seq = worker_rows[decision.worker] - worker_left[decision.worker]
            event.reservation_id = decision.reservation
            event.data = {
                "reservation": reservations[decision.reservation],
                "worker": workers[decision.worker],
            }
        events.append(event)
    sql.insert(events)
    outbox.put(events, now)
    return events


def _lock_conversations(moves: list[Move]) -> dict[Any, Conversation]:
    """The conversations that change queues, by task, under their locks: those come before the tasks'."""
    passed = [move.task for move in moves if move.queue != move.queue_before]
    if not passed:
        return {}
    by_id = dict(Task.objects.filter(pk__in=passed, conversation__isnull=False).values_list("conversation_id", "id"))
    held = Conversation.objects.select_for_update(no_key=True).filter(pk__in=by_id).order_by("id")
    return {by_id[conversation.pk]: conversation for conversation in held}


def _pass_on(move: Move, conversations: dict[Any, Conversation], now: dt.datetime) -> None:
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
