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
    steps = [
        Step(type, decision, matcher.tasks[decision.task]) for decision in decisions for type in _event_types(decision)
    ]
    conversations = _lock_conversations(moves)
    tasks = _update_tasks(steps, now)
    workers = _update_workers(matcher, offers) if offers else {}
    _insert_reservations(offers, now)
    for move in moves:
        _pass_on(move, conversations, now)
    events = _events(matcher, steps, tasks, workers, workspace_id, now)
    sql.write("routing_event", Recorded._fields, events)
    outbox.put(events, now)
    written = Written(events)
    for row in tasks.values():
        written.versions[row.task.id] = row.version
        if row.conversation_id is not None:
            written.tasks.append((row.task.id, _status(row.task), row.conversation_id))
        written.queues.add(row.task.queue)
    written.queues.update(move.queue_before for move in moves)
    return written


class Step(NamedTuple):
    """One event to be: its type, the decision it follows from, the task as the router knows it."""

    type: str
    decision: Offer | Move
    task: Known


@dataclass(slots=True)
class TaskRow:
    """A task as it is after the batch. ``seq``: of the last event given out, counted up while they are made."""

    task: Known
    version: int
    seq: int
    conversation_id: uuid.UUID | None


@dataclass(slots=True)
class WorkerRow:
    """A worker as they are after the batch; ``seq`` as above."""

    worker: Worker
    seq: int


def _event_types(decision: Offer | Move) -> list[str]:
    if isinstance(decision, Offer):
        return ["reservation.created"]
    entered = "task-queue.moved" if decision.queue != decision.queue_before else "task-queue.entered"
    return [*(["task-queue.timeout"] if decision.timed_out else []), "workflow.target-matched", entered]


def _status(task: Known) -> str:
    return "reserved" if task.state == OFFERED else "pending"


def _update_tasks(steps: list[Step], now: dt.datetime) -> dict[int, TaskRow]:
    """The tasks' rows, by ticket, before their events are numbered."""
    counts = Counter(step.task.ticket for step in steps)
    known = {step.task.ticket: step.task for step in steps}
    changed = sql.returning(
        """
        UPDATE routing_task AS t SET status = v.column3, filter_index = v.column4, target_index = v.column5,
            queue_entered_at = CASE WHEN t.queue_id = v.column6 THEN t.queue_entered_at ELSE {now} END,
            queue_id = v.column6, priority = v.column7, workflow_entered_at = v.column8, due_at = v.column9,
            assignment_count = v.column10, version = t.version + 1, event_seq = t.event_seq + v.column11
        FROM {values} WHERE t.id = v.column1 AND t.version = v.column2 AND t.status = 'pending'
        RETURNING id, version, event_seq, conversation_id
        """,
        [
            (
                *(task.id, task.version, _status(task), *task.position, task.queue, task.priority),
                *(moment(task.entered), moment(task.step_due), task.assignments, counts[ticket]),
            )
            for ticket, task in known.items()
        ],
        ("uuid", "int", "text", "int", "int", "uuid", "int", "timestamptz", "timestamptz", "int", "int"),
        table="routing_task",
        now=now,
    )
    by_id = {task.id: task for task in known.values()}
    found: dict[int, TaskRow] = {}
    for row_id, version, seq, conversation in changed:
        task = by_id.pop(sql.read_id(row_id))
        conversation_id = None if conversation is None else sql.read_id(conversation)
        found[task.ticket] = TaskRow(task, version, seq - counts[task.ticket], conversation_id)
    if by_id:
        raise Stale(tasks=by_id)
    return found


def _update_workers(matcher: Matcher, offers: list[Offer]) -> dict[Any, WorkerRow]:
    """Take the offers' weight from their workers' totals, and their units from the channels. The workers by id.

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
    rows: dict[Any, WorkerRow] = {}
    for row_id, seq, version, load in changed:
        worker = matcher.workers[sql.read_id(row_id)]
        rows[worker.id] = WorkerRow(worker, seq - len(offered[worker.id]))
        _keep(worker, version, load)
    if len(rows) < len(offered):
        raise Stale(workers=offered.keys() - rows.keys())
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
    for worker_id, channel_id, load in loads:
        pair = sql.read_id(worker_id), sql.read_id(channel_id)
        del units[pair]
        card = rows[pair[0]].worker.about
        if card is not None:
            card.channels[pair[1]][2] = load
    if units:
        raise Stale(workers={worker_id for worker_id, _ in units})
    return rows


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
    if rows:
        sql.write("routing_reservation", _RESERVATION, rows)


def _events(
    matcher: Matcher,
    steps: list[Step],
    tasks: dict[int, TaskRow],
    workers: dict[Any, WorkerRow],
    workspace_id: uuid.UUID,
    now: dt.datetime,
) -> list[Recorded]:
    """The events in the order of the decisions, numbered on in the streams of their tasks and workers."""
    shown = _workers_json(workers)
    offered = [step for step in steps if isinstance(step.decision, Offer)]
    # A reservation of a task that shows a conversation is read from the rows; what else it says is known here.
    told = [step.decision for step in offered if tasks[step.task.ticket].conversation_id or not step.task.about]
    read = queries.reservations_json([offer.reservation for offer in told if isinstance(offer, Offer)])
    names = list(matcher.channel_names)
    events: list[Recorded] = []
    for type, decision, task in steps:
        row = tasks[task.ticket]
        row.seq += 1
        if isinstance(decision, Offer):
            worker = workers[decision.worker]
            worker.seq += 1
            reservation = read.get(decision.reservation) if read else None
            if reservation is None:
                queue_name = matcher.queues[task.queue].about
                reservation = _reservation_json(decision, task, queue_name, names[task.channel], now)
            data = {"reservation": reservation, "worker": shown[worker.worker.slot]}
            about = (decision.worker, worker.seq, decision.reservation, task.queue, task.workflow, decision.channel)
            events.append(Recorded(ids.new_id(), now, workspace_id, type, data, None, decision.task, row.seq, *about))
            continue
        queue_id = decision.queue_before if type == "task-queue.timeout" else task.queue
        origin = {"from": decision.queue_before.hex}
        none = (None, None, None, queue_id, task.workflow, matcher.channel_ids[task.channel])
        events.append(Recorded(ids.new_id(), now, workspace_id, type, {}, origin, decision.task, row.seq, *none))
    return events


def _workers_json(workers: dict[Any, WorkerRow]) -> dict[int, Any]:
    """By slot: from the cards, and from the rows of those whose card was worth nothing."""
    read = queries.workers_json([worker_id for worker_id, row in workers.items() if row.worker.about is None])
    return {
        row.worker.slot: read[worker_id] if row.worker.about is None else row.worker.about.to_json()
        for worker_id, row in workers.items()
    }


def _reservation_json(offer: Offer, task: Known, queue_name: str, channel_name: str, now: dt.datetime) -> Any:
    row = (
        *(offer.reservation, "pending", "owner", now, moment(offer.due), None, None),
        *(offer.task, "reserved", task.priority, task.attributes, task.about[0], None),
        *(task.queue, queue_name, channel_name, *(None,) * 10),
    )
    return queries.reservation_shape(row)


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
