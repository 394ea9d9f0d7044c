"""Decisions -> rows: one statement per kind of row, conditions in the statements, all in the caller's transaction.

Offers and moves say what the router believed: the task still waits and nobody has touched it, the worker still does
what they did and has room. A row that no longer fits is not changed, and the whole batch is given up (``Stale``): the
router reads those rows again and decides anew.

A batch goes in steps, so that router and database work at the same time: it is planned from memory alone; ``lock``;
``send``, ``send_events`` and ``settle`` in ``sql.pipelined``, where only the last one waits; ``finish``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contactcenter.lib import ids
from conversations.models import Conversation
from routing import queries, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Move, Offer
from routing.engine.state import OFFERED
from routing.engine.state import Task as Known
from routing.services import handover, outbox, statements
from routing.services.drafts import Draft, Offered, Taken
from routing.services.facts import moment


class Stale(Exception):
    """These rows are not what the router believed."""

    def __init__(self, tasks: Iterable[uuid.UUID] = (), workers: Iterable[uuid.UUID] = ()) -> None:
        super().__init__()
        self.tasks = set(tasks)
        self.workers = set(workers)


class Told(NamedTuple):
    """An event of a worker's stream, for those who are told after the commit."""

    type: str
    data: dict[str, Any]
    created_at: dt.datetime
    worker_id: uuid.UUID
    worker_seq: int


@dataclass(slots=True)
class Written:
    """What a batch left behind, for whoever is told after the commit."""

    events: list[Told] = field(default_factory=list)
    #: (task id, status, conversation id)
    tasks: list[tuple[uuid.UUID, str, uuid.UUID | None]] = field(default_factory=list)
    queues: set[uuid.UUID] = field(default_factory=set)


class Batch:
    """Offers and moves of one workspace, events included, on their way to the rows."""

    def __init__(
        self, matcher: Matcher, workspace_id: uuid.UUID, decisions: Sequence[Offer | Move], now: dt.datetime
    ) -> None:
        """Plan it, from memory alone. The workers' cards are as after the batch from here on."""
        self._matcher, self._workspace_id, self._now = matcher, workspace_id, now
        self.offers = [decision for decision in decisions if isinstance(decision, Offer)]
        self._moves = [decision for decision in decisions if isinstance(decision, Move)]
        self.tasks: dict[uuid.UUID, Known] = {}
        self._drafts: list[Draft] = []
        #: those of the drafts that tell of an offer
        self._created: list[tuple[Draft, Offer]] = []
        self._plan_events(decisions)
        self._offered: dict[uuid.UUID, Offered] = {}
        self._taken: dict[tuple[uuid.UUID, uuid.UUID], Taken] = {}
        self._plan_workers()
        self._describe()
        #: whether the events say all they should; else what is missing is read from the rows
        self._is_known = not self._moves and all(
            self._offered[offer.worker].card and "reservation" in draft.data for draft, offer in self._created
        )
        self._conversations: dict[uuid.UUID, Conversation] = {}
        self._sent: list[sql.Sent] = []
        self._seqs: dict[uuid.UUID, int] = {}
        self._versions: dict[uuid.UUID, int] = {}

    # ---- planning ------------------------------------------------------------------------------------------------

    def _plan_events(self, decisions: Sequence[Offer | Move]) -> None:
        """The events in the order of the decisions."""
        left: Counter[uuid.UUID] = Counter()
        for decision in decisions:
            task = self.tasks[decision.task] = self._matcher.tasks[decision.task]
            for type in _event_types(decision):
                draft = Draft(ids.new_id(), type, decision, task)
                self._drafts.append(draft)
                left[task.id] += 1
                if isinstance(decision, Offer):
                    self._created.append((draft, decision))
        self._counts = dict(left)
        for draft in self._drafts:
            left[draft.task.id] -= 1
            draft.back = left[draft.task.id]

    def _plan_workers(self) -> None:
        """Who is offered how much, and how they are afterwards."""
        offered = self._offered
        for offer in self.offers:
            row = offered.get(offer.worker)
            if row is None:
                worker = self._matcher.workers[offer.worker]
                row = offered[offer.worker] = Offered(worker, worker.about, 0, 0, False)
            row.weight += offer.weight
            row.count += 1
            row.is_forced |= offer.over_capacity
            taken = self._taken.setdefault((offer.worker, offer.channel), Taken())
            taken.units += offer.units
            taken.is_forced |= offer.over_capacity
        for (worker_id, channel_id), taken in self._taken.items():
            row = offered[worker_id]
            channel = None if row.card is None else row.card.channels.get(channel_id)
            if channel is None:
                row.card = row.worker.about = None
            else:
                channel[2] += taken.units
                taken.load = channel[2]
        for row in offered.values():
            if row.card is not None:
                row.card.version += 1
                row.card.load += row.weight
                row.version, row.load = row.card.version, row.card.load
                row.shown = row.card.to_json()
                row.text = sql.json_text(row.shown)
        left = {worker_id: row.count for worker_id, row in offered.items()}
        for draft, offer in self._created:
            left[offer.worker] -= 1
            draft.worker_back = left[offer.worker]

    def _describe(self) -> None:
        """What the events say, as far as it is known: of a task's conversation only the rows can tell."""
        matcher, created_at = self._matcher, queries.iso(self._now)
        names = list(matcher.channel_names)
        queues: dict[uuid.UUID, Any] = {}
        dues: dict[float, str | None] = {}
        for draft, offer in self._created:
            task = draft.task
            draft.data["worker"] = self._offered[offer.worker].shown
            if task.about is None or task.about[1] is not None:
                continue
            queue = queues.get(task.queue)
            if queue is None:
                queue = queues[task.queue] = queries.queue_shape(task.queue, matcher.queues[task.queue].about)
            if offer.due not in dues:
                dues[offer.due] = queries.iso(moment(offer.due))
            draft.data["reservation"] = queries.offer_shape(
                *(offer.reservation, created_at, dues[offer.due], offer.task, task.priority, task.attributes, queue),
                *(names[task.channel], queries.iso(task.about[0])),
            )

    # ---- writing -------------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the conversations that change queues: their locks come before the tasks'."""
        self._conversations = handover.lock(self._moves)

    def send(self) -> None:
        """Send the changes of tasks and workers, in ``sql.pipelined``."""
        self._send_tasks()
        if self.offers:
            self._send_workers()
            self._send_reservations()

    def send_events(self) -> None:
        """Send what follows from them, in the same pipeline."""
        if self._is_known:
            self._send_created()
        outbox.put(self._drafts, self._now)
        sql.check_foreign_keys()

    def _send_tasks(self) -> None:
        moved = {move.task for move in self._moves}
        offered = [task for task_id, task in self.tasks.items() if task_id not in moved]
        counts = self._counts
        if offered:
            columns = [
                [task.id for task in offered],
                [task.version for task in offered],
                [task.assignments for task in offered],
                [counts[task.id] for task in offered],
            ]
            self._sent.append(
                sql.send(statements.OFFERED, columns, statements.OFFERED_TYPES, table="routing_task", now=self._now)
            )
        if moved:
            rows = [
                (
                    *(task.id, task.version, _status(task), *task.position, task.queue, task.priority),
                    *(moment(task.entered), moment(task.step_due), task.assignments, counts[task.id]),
                )
                for task_id, task in self.tasks.items()
                if task_id in moved
            ]
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._sent.append(
                sql.send(statements.MOVED, columns, statements.MOVED_TYPES, table="routing_task", now=self._now)
            )

    def _send_workers(self) -> None:
        """Take the offers' weight from their workers' totals, and their units from the channels."""
        offered = self._offered.values()
        columns: list[list[Any]] = [
            [row.worker.id for row in offered],
            [uuid.UUID(row.worker.activity_sid[2:]) for row in offered],
            [row.weight for row in offered],
            [row.count for row in offered],
            [int(row.is_forced) for row in offered],
            [row.worker.soft for row in offered],
        ]
        self._workers = sql.send(
            statements.WORKERS, columns, statements.WORKER_TYPES, table="routing_worker", now=self._now
        )
        columns = [
            [worker_id for worker_id, _ in self._taken],
            [channel_id for _, channel_id in self._taken],
            [taken.units for taken in self._taken.values()],
            [int(taken.is_forced) for taken in self._taken.values()],
        ]
        self._channels = sql.send(statements.CHANNELS, columns, statements.CHANNEL_TYPES, now=self._now)

    def _send_reservations(self) -> None:
        offers = self.offers
        dues = {due: moment(due) for due in {offer.due for offer in offers}}
        columns = [
            [offer.reservation for offer in offers],
            [offer.task for offer in offers],
            [offer.worker for offer in offers],
            [offer.weight for offer in offers],
            [offer.units for offer in offers],
            [dues[offer.due] for offer in offers],
        ]
        sql.send(statements.RESERVATIONS, columns, statements.RESERVATION_TYPES, now=self._now)

    def _send_created(self) -> None:
        """The offers' events, numbered by the rows they are about."""
        dump, offered = sql.json_text, self._offered
        made = self._created
        columns: list[list[Any]] = [
            [draft.pk for draft, _ in made],
            [
                f'{{"reservation": {dump(draft.data["reservation"])}, "worker": {offered[offer.worker].text}}}'
                for draft, offer in made
            ],
            [offer.task for _, offer in made],
            [draft.back for draft, _ in made],
            [offer.worker for _, offer in made],
            [draft.worker_back for draft, _ in made],
            [offer.reservation for _, offer in made],
        ]
        sql.send(statements.CREATED, columns, statements.CREATED_TYPES, now=self._now)

    def settle(self) -> None:
        """Wait for the rows. Raises ``Stale`` when some are not as believed."""
        missing = set(self.tasks)
        for sent in self._sent:
            for row_id, version, seq in sent.rows():
                task_id = sql.read_id(row_id)
                missing.discard(task_id)
                self._versions[task_id], self._seqs[task_id] = version, seq
        if missing:
            raise Stale(tasks=missing)
        if self.offers:
            self._settle_workers()

    def _settle_workers(self) -> None:
        left = set(self._offered)
        for row_id, seq, version, load in self._workers.rows():
            worker_id = sql.read_id(row_id)
            left.discard(worker_id)
            row = self._offered[worker_id]
            row.seq = seq
            if (version, load) != (row.version, row.load):
                row.card = None
        if left:
            raise Stale(workers=left)
        pairs = set(self._taken)
        for worker_id, channel_id, load in self._channels.rows():
            pair = sql.read_id(worker_id), sql.read_id(channel_id)
            pairs.discard(pair)
            if load != self._taken[pair].load:
                self._offered[pair[0]].card = None
        if pairs:
            raise Stale(workers={worker_id for worker_id, _ in pairs})

    def finish(self) -> Written:
        """Write what only the rows could tell, in the same transaction."""
        for move in self._moves:
            handover.pass_on(move, self._conversations, self._now)
        self._read_workers()
        self._read_reservations()
        if not self._is_known:
            sql.write("routing_event", statements.EVENT, [self._row(draft) for draft in self._drafts])
        written = Written()
        for draft, offer in self._created:
            worker_seq = self._offered[offer.worker].seq - draft.worker_back
            written.events.append(Told(draft.type, draft.data, self._now, offer.worker, worker_seq))
        for task_id, task in self.tasks.items():
            if task.about is not None and task.about[1] is not None:
                written.tasks.append((task_id, _status(task), task.about[1]))
            written.queues.add(task.queue)
        written.queues.update(move.queue_before for move in self._moves)
        return written

    def committed(self) -> None:
        """The transaction is through: memory is as the rows are."""
        for task_id, version in self._versions.items():
            self._matcher.tasks[task_id].version = version

    def _read_workers(self) -> None:
        """Of those whose card was not as their row: somebody changed it, and the router has not heard of it yet."""
        unsure = {worker_id: row for worker_id, row in self._offered.items() if row.card is None}
        if not unsure:
            return
        read = queries.workers_json(list(unsure))
        for worker_id, row in unsure.items():
            row.worker.about, row.shown = None, read[worker_id]
        for draft, offer in self._created:
            if offer.worker in unsure:
                draft.data["worker"] = read[offer.worker]
                if self._is_known:
                    statement = "UPDATE routing_event SET data = %s WHERE id = %s"
                    sql.execute(statement, [sql.stored(draft.data), sql.id(draft.pk)])

    def _read_reservations(self) -> None:
        unknown = [(draft, offer) for draft, offer in self._created if "reservation" not in draft.data]
        read = queries.reservations_json([offer.reservation for _, offer in unknown])
        for draft, offer in unknown:
            draft.data["reservation"] = read[offer.reservation]

    def _row(self, draft: Draft) -> tuple[Any, ...]:
        """A draft as its row is."""
        task, decision, matcher = draft.task, draft.decision, self._matcher
        head = (draft.pk, self._now, self._workspace_id, draft.type, draft.data)
        seq = self._seqs[task.id] - draft.back
        if isinstance(decision, Offer):
            worker_seq = self._offered[decision.worker].seq - draft.worker_back
            about = (decision.worker, worker_seq, decision.reservation, task.queue, task.workflow, decision.channel)
            return (*head, None, task.id, seq, *about)
        facts: dict[str, Any] = {"from": decision.queue_before.hex}
        queue_id = decision.queue_before
        if draft.type != "task-queue.timeout":
            queue_id = task.queue
            if decision.known_worker is not None:
                facts["known_worker"] = decision.known_worker
        none = (None, None, None, queue_id, task.workflow, matcher.channel_ids[task.channel])
        return (*head, facts, task.id, seq, *none)


def _event_types(decision: Offer | Move) -> list[str]:
    if isinstance(decision, Offer):
        return ["reservation.created"]
    entered = "task-queue.moved" if decision.queue != decision.queue_before else "task-queue.entered"
    return [*(["task-queue.timeout"] if decision.timed_out else []), "workflow.target-matched", entered]


def _status(task: Known) -> str:
    return "reserved" if task.state == OFFERED else "pending"
