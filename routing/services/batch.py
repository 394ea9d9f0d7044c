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
from typing import Any, NamedTuple

from contactcenter.lib import ids
from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from conversations.services import ownership
from routing import queries, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Move, Offer
from routing.engine.state import OFFERED, Worker
from routing.engine.state import Task as Known
from routing.models import Task, TaskQueue
from routing.services import outbox
from routing.services.facts import moment


class Stale(Exception):
    """These rows are not what the router believed."""

    def __init__(self, tasks: Iterable[uuid.UUID] = (), workers: Iterable[uuid.UUID] = ()) -> None:
        super().__init__()
        self.tasks = set(tasks)
        self.workers = set(workers)


class Recorded(NamedTuple):
    """An event as its row is; the fields are the table's columns."""

    id: uuid.UUID
    created_at: dt.datetime
    workspace_id: uuid.UUID
    type: str
    data: dict[str, Any]
    facts: dict[str, Any] | None
    task_id: uuid.UUID
    task_seq: int
    worker_id: uuid.UUID | None
    worker_seq: int | None
    reservation_id: uuid.UUID | None
    queue_id: uuid.UUID | None
    workflow_id: uuid.UUID | None
    task_channel_id: uuid.UUID

    @property
    def pk(self) -> uuid.UUID:
        return self.id


_RESERVATION = (
    *("id", "created_at", "task_id", "worker_id", "role", "status", "weight", "units", "due_at", "reason", "version"),
)


@dataclass(slots=True)
class Written:
    """What a batch left behind, for whoever is told after the commit."""

    events: list[Recorded] = field(default_factory=list)
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
        _insert_reservations(offers, now)
    for move in moves:
        _pass_on(move, conversations, now)
    written = Written(versions={task_id: row[1] for task_id, row in task_rows.items()})
    shapes = _shapes(matcher, offers, task_rows, now)
    written.events = _events(steps, known, task_rows, worker_rows, shapes, matcher.channel_ids, workspace_id, now)
    sql.write("routing_event", Recorded._fields, written.events)
    outbox.put(written.events, now)
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
    """Task id -> (id, version, last event number, conversation id)."""
    rows = []
    for task_id, task in known.items():
        status = "reserved" if task.state == OFFERED else "pending"
        rows.append(
            (
                *(task_id, task.version, status, *task.position, task.queue, task.priority),
                *(moment(task.entered), moment(task.step_due), task.assignments, events[task_id]),
            )
        )
    changed = sql.returning(
        """
        UPDATE routing_task AS t SET status = v.column3, filter_index = v.column4, target_index = v.column5,
            queue_entered_at = CASE WHEN t.queue_id = v.column6 THEN t.queue_entered_at ELSE {now} END,
            queue_id = v.column6, priority = v.column7, workflow_entered_at = v.column8, due_at = v.column9,
            assignment_count = v.column10, version = t.version + 1, event_seq = t.event_seq + v.column11
        FROM {values} WHERE t.id = v.column1 AND t.version = v.column2 AND t.status = 'pending'
        RETURNING id, version, event_seq, conversation_id
        """,
        rows,
        ("uuid", "int", "text", "int", "int", "uuid", "int", "timestamptz", "timestamptz", "int", "int"),
        table="routing_task",
        now=now,
    )
    found = {sql.read_id(row[0]): (*row[:3], row[3] and sql.read_id(row[3])) for row in changed}
    if len(found) < len(known):
        raise Stale(tasks=known.keys() - found.keys())
    return found


def _update_workers(matcher: Matcher, offers: list[Offer]) -> dict[Any, int]:
    """Take the offers' weight from their workers' totals, and their units from the channels. -> last event numbers.

    What a worker holds that can be interrupted does not count for work that cannot; only the router adds to it, so
    what it believes is never too little.
    """
    offered: dict[Any, list[Offer]] = {}
    units: Counter[tuple[Any, Any]] = Counter()
    for offer in offers:
        offered.setdefault(offer.worker, []).append(offer)
        units[offer.worker, offer.channel] += offer.units
    forced = {(offer.worker, offer.channel) for offer in offers if offer.over_capacity}
    forced_workers = {worker_id for worker_id, _ in forced}
    changed = sql.returning(
        """
        UPDATE routing_worker AS w SET load = w.load + v.column3, event_seq = w.event_seq + v.column4,
            ceiling = CASE WHEN w.load + v.column3 > w.ceiling THEN w.load + v.column3 ELSE w.ceiling END,
            version = w.version + 1
        FROM {values} WHERE w.id = v.column1
            AND (v.column5 = 1 OR w.activity_id = v.column2 AND w.load + v.column3 <= w.capacity + v.column6)
        RETURNING id, event_seq, version, load
        """,
        [
            (
                *(worker_id, uuid.UUID(worker.activity_sid[2:]), sum(offer.weight for offer in mine), len(mine)),
                *(int(worker_id in forced_workers), worker.soft),
            )
            for worker_id, mine in offered.items()
            if (worker := matcher.workers[worker_id])
        ],
        ("uuid", "uuid", "int", "int", "int", "int"),
        table="routing_worker",
    )
    numbers: dict[Any, int] = {}
    for row_id, event_seq, version, load in changed:
        worker_id = sql.read_id(row_id)
        numbers[worker_id] = event_seq
        _keep(matcher.workers[worker_id], version, load)
    if len(numbers) < len(offered):
        raise Stale(workers=offered.keys() - numbers.keys())
    loads = sql.returning(
        """
        UPDATE routing_workerchannel AS c SET load = c.load + v.column3,
            ceiling = CASE WHEN c.load + v.column3 > c.ceiling THEN c.load + v.column3 ELSE c.ceiling END
        FROM {values} WHERE c.worker_id = v.column1 AND c.task_channel_id = v.column2
            AND (v.column4 = 1 OR c.is_available AND c.load + v.column3 <= c.capacity)
        RETURNING worker_id, task_channel_id, load
        """,
        [(*pair, taken, int(pair in forced)) for pair, taken in units.items()],
        ("uuid", "uuid", "int", "int"),
    )
    found = {(sql.read_id(row[0]), sql.read_id(row[1])): row[2] for row in loads}
    if len(found) < len(units):
        raise Stale(workers={worker_id for worker_id, _ in units.keys() - found})
    for (worker_id, channel_id), load in found.items():
        card = matcher.workers[worker_id].about
        if card is not None:
            card.channels[channel_id][2] = load
    return numbers


def _keep(worker: Worker, version: int, load: int) -> None:
    """The card follows its row; one of another version than the row had is worth nothing."""
    card = worker.about
    if card is not None and card.version + 1 == version:
        card.version, card.load = version, load
    else:
        worker.about = None


def _insert_reservations(offers: list[Offer], now: dt.datetime) -> None:
    rows = [
        (
            *(offer.reservation, now, offer.task, offer.worker, "owner", "pending", offer.weight, offer.units),
            *(moment(offer.due), "", 0),
        )
        for offer in offers
    ]
    sql.write("routing_reservation", _RESERVATION, rows)


@dataclass(slots=True)
class _Shapes:
    """What the events show: reservations by id, workers by id."""

    reservations: dict[Any, Any]
    workers: dict[Any, Any]


def _shapes(matcher: Matcher, offers: list[Offer], task_rows: dict[Any, tuple[Any, ...]], now: dt.datetime) -> _Shapes:
    """From memory where it knows the rows as they are; else, and where a conversation is shown, from the rows."""
    workers = {offer.worker: matcher.workers[offer.worker].about for offer in offers}
    shown = {worker_id: card.to_json() for worker_id, card in workers.items() if card is not None}
    shown |= queries.workers_json([worker_id for worker_id, card in workers.items() if card is None])
    names = list(matcher.channel_names)
    plain = [offer for offer in offers if task_rows[offer.task][3] is None and matcher.tasks[offer.task].about]
    found = {
        offer.reservation: _reservation_shape(matcher.tasks[offer.task], offer, names, matcher, now) for offer in plain
    }
    found |= queries.reservations_json([offer.reservation for offer in offers if offer.reservation not in found])
    return _Shapes(found, shown)


def _reservation_shape(task: Known, offer: Offer, names: list[str], matcher: Matcher, now: dt.datetime) -> Any:
    queue = matcher.queues[task.queue]
    row = (
        *(offer.reservation, "pending", "owner", now, moment(offer.due), None, None),
        *(offer.task, "reserved", task.priority, task.attributes, task.about[0], None),
        *(task.queue, queue.about, names[task.channel]),
        *(None,) * 10,
    )
    return queries.reservation_shape(row)


def _events(
    steps: list[tuple[str, Offer | Move]],
    known: dict[Any, Known],
    task_rows: dict[Any, tuple[Any, ...]],
    worker_rows: dict[Any, int],
    shapes: _Shapes,
    channel_ids: list[Any],
    workspace_id: uuid.UUID,
    now: dt.datetime,
) -> list[Recorded]:
    task_left = Counter(decision.task for _, decision in steps)
    worker_left = Counter(decision.worker for _, decision in steps if isinstance(decision, Offer))
    events: list[Recorded] = []
    for type, decision in steps:
        task = known[decision.task]
        task_left[decision.task] -= 1
        queue_id, facts, data = task.queue, None, {}
        worker_id = worker_seq = reservation_id = None
        if isinstance(decision, Offer):
            worker_id, reservation_id = decision.worker, decision.reservation
            worker_left[worker_id] -= 1
            worker_seq = worker_rows[worker_id] - worker_left[worker_id]
            data = {"reservation": shapes.reservations[reservation_id], "worker": shapes.workers[worker_id]}
        else:
            facts = {"from": decision.queue_before.hex}
            queue_id = decision.queue_before if type == "task-queue.timeout" else queue_id
        events.append(
            Recorded(
                *(ids.new_id(), now, workspace_id, type, data, facts, decision.task),
                *(task_rows[decision.task][2] - task_left[decision.task], worker_id, worker_seq, reservation_id),
                *(queue_id, task.workflow, channel_ids[task.channel]),
            )
        )
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
