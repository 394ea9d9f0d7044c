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
from collections.abc import Iterable, Sequence
from typing import Any

from contactcenter.lib import fast_json, ids
from conversations.models import Conversation
from routing import queries, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Move, Offer
from routing.engine.state import OFFERED
from routing.engine.state import Task as Known
from routing.services import handover, ledger, outbox, statements
from routing.services.drafts import Draft, Offered, Taken
from routing.services.facts import moment


class Stale(Exception):
    """These rows are not what the router believed."""

    def __init__(self, tasks: Iterable[uuid.UUID] = (), workers: Iterable[uuid.UUID] = ()) -> None:
        super().__init__()
        self.tasks = set(tasks)
        self.workers = set(workers)


class Batch:
    """Offers and moves of one workspace, events included, on their way to the rows."""

    def __init__(
        self, matcher: Matcher, workspace_id: uuid.UUID, decisions: Sequence[Offer | Move], now: dt.datetime
    ) -> None:
        """Plan it, from memory alone. The workers' cards are as after the batch from here on."""
        self._matcher, self._workspace_id, self._now = matcher, workspace_id, now
        self._at = queries.iso(now)
        self._moves = [decision for decision in decisions if isinstance(decision, Move)]
        #: the tasks, each with the number of its events
        self.tasks: dict[Known, int] = {}
        #: those of the drafts that tell of an offer, and whom
        self.created: list[tuple[Draft, Offer, Offered]] = []
        self._drafts: list[Draft] = []
        self._offered: dict[uuid.UUID, Offered] = {}
        self._plan_events(decisions)
        self._plan_workers()
        #: hex digits of ids, as the statements and the sids want them
        self._task_keys = {task: task.id.hex for task in self.tasks}
        self._reservation_keys = [offer.reservation.hex for _, offer, _ in self.created]
        self._describe()
        #: whether the events say all they should; else what is missing is read from the rows
        self._is_known = not self._moves and all(
            row.card and "reservation" in draft.data for draft, _, row in self.created
        )
        if self._is_known:
            for draft, _, row in self.created:
                draft.text = fast_json.dumps({"reservation": draft.data["reservation"], "worker": row.written})
        self._compose()
        self._conversations: dict[uuid.UUID, Conversation] = {}
        self._sent: list[sql.Sent] = []
        self._seqs: dict[uuid.UUID, int] = {}

    # ---- planning ------------------------------------------------------------------------------------------------

    def _plan_events(self, decisions: Sequence[Offer | Move]) -> None:
        """The events in the order of the decisions, and who is offered how much."""
        tasks, drafts, created = self.tasks, self._drafts, self.created
        for decision in decisions:
            task = self._matcher.tasks[decision.task]
            tasks[task] = 0
            if isinstance(decision, Offer):
                draft = Draft(ids.new_hex(), "reservation.created", decision, task)
                drafts.append(draft)
                created.append((draft, decision, self._offer(decision)))
            else:
                drafts += [Draft(ids.new_hex(), type, decision, task) for type in _event_types(decision)]
        for draft in reversed(drafts):
            draft.back = tasks[draft.task]
            tasks[draft.task] += 1
        for draft, _, row in reversed(created):
            draft.worker_back = row.count
            row.count += 1

    def _offer(self, offer: Offer) -> Offered:
        """Whom, with what the offer takes of them added."""
        row = self._offered.get(offer.worker)
        if row is None:
            worker = self._matcher.workers[offer.worker]
            row = self._offered[offer.worker] = Offered(worker, worker.about, worker.id.hex)
        taken = row.taken.get(offer.channel)
        if taken is None:
            taken = row.taken[offer.channel] = Taken()
        row.weight += offer.weight
        taken.units += offer.units
        if offer.over_capacity:
            row.is_forced = taken.is_forced = True
        return row

    def _plan_workers(self) -> None:
        """How those who are offered something are afterwards."""
        for row in self._offered.values():
            for channel_id, taken in row.taken.items():
                channel = None if row.card is None else row.card.channels.get(channel_id)
                if channel is None:
                    row.card = row.worker.about = None
                else:
                    channel[2] += taken.units
                    taken.load = channel[2]
            if row.card is not None:
                row.card.version += 1
                row.card.load += row.weight
                row.version, row.load = row.card.version, row.card.load
                row.shown = row.card.to_json()
                row.written = fast_json.Written(fast_json.dumps(row.shown))

    def _describe(self) -> None:
        """What the events say, as far as it is known: of a task's conversation only the rows can tell."""
        matcher, created_at = self._matcher, self._at
        names = list(matcher.channel_names)
        queues: dict[uuid.UUID, Any] = {}
        dues: dict[float, str | None] = {}
        for (draft, offer, row), key in zip(self.created, self._reservation_keys, strict=True):
            task = draft.task
            draft.data["worker"] = row.shown
            if task.about is None or task.about[1] is not None:
                continue
            queue = queues.get(task.queue)
            if queue is None:
                queue = queues[task.queue] = queries.queue_shape(task.queue, matcher.queues[task.queue].about)
            if offer.due not in dues:
                dues[offer.due] = queries.iso(moment(offer.due))
            draft.data["reservation"] = queries.offer_shape(
                *(f"WR{key}", created_at, dues[offer.due], f"WT{self._task_keys[task]}", task.priority),
                *(task.attributes, queue, names[task.channel], task.about[0]),
            )

    # ---- the statements ------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        """All statements, parameters included, so that they only have to be sent. Memory is as after the batch then:
        should the rows not come to be so, they are read again."""
        self._of_tasks = self._compose_tasks()
        for task in self.tasks:
            task.version += 1
        self._of_events: sql.Composed | None = None
        if self.created:
            self._compose_workers()
            self._compose_reservations()
            if self._is_known:
                self._of_events = self._compose_events()

    def _compose_tasks(self) -> list[sql.Composed]:
        moved = {move.task for move in self._moves}
        offered = [task for task in self.tasks if task.id not in moved] if moved else list(self.tasks)
        keys, counts = self._task_keys, self.tasks
        asked = statements.COUNT if self._is_known else statements.NUMBERS
        made: list[sql.Composed] = []
        if offered:
            columns = [
                [keys[task] for task in offered],
                [task.version for task in offered],
                [task.assignments for task in offered],
                [counts[task] for task in offered],
            ]
            made.append(self._statement(statements.OFFERED + asked, columns, statements.OFFERED_TYPES, "routing_task"))
        if moved:
            rows = [
                (
                    *(keys[task], task.version, _status(task), *task.position, task.queue, task.priority),
                    *(moment(task.entered), moment(task.step_due), task.assignments, count),
                )
                for task, count in self.tasks.items()
                if task.id in moved
            ]
            columns = [list(column) for column in zip(*rows, strict=True)]
            made.append(self._statement(statements.MOVED + asked, columns, statements.MOVED_TYPES, "routing_task"))
        return made

    def _statement(
        self, statement: str, columns: list[list[Any]], types: tuple[str, ...], table: str = ""
    ) -> sql.Composed:
        return sql.Composed(statement, columns, types, table=table, now=self._now)

    def _compose_workers(self) -> None:
        """Take the offers' weight from their workers' totals, and their units from the channels."""
        offered = self._offered.values()
        columns: list[list[Any]] = [
            [row.key for row in offered],
            [row.worker.activity_sid[2:] for row in offered],
            [row.weight for row in offered],
            [row.count for row in offered],
            [int(row.is_forced) for row in offered],
            [row.worker.soft for row in offered],
        ]
        self._of_workers = self._statement(statements.WORKERS, columns, statements.WORKER_TYPES, "routing_worker")
        taken = [(row.key, channel_id, one) for row in offered for channel_id, one in row.taken.items()]
        columns = [
            [key for key, _, _ in taken],
            [channel_id for _, channel_id, _ in taken],
            [one.units for _, _, one in taken],
            [int(one.is_forced) for _, _, one in taken],
        ]
        self._of_channels = self._statement(statements.CHANNELS, columns, statements.CHANNEL_TYPES)

    def _compose_reservations(self) -> None:
        dues = {due: moment(due) for due in {offer.due for _, offer, _ in self.created}}
        columns: list[list[Any]] = [
            self._reservation_keys,
            [self._task_keys[draft.task] for draft, _, _ in self.created],
            [row.key for _, _, row in self.created],
            [offer.weight for _, offer, _ in self.created],
            [offer.units for _, offer, _ in self.created],
            [dues[offer.due] for _, offer, _ in self.created],
        ]
        self._of_reservations = self._statement(statements.RESERVATIONS, columns, statements.RESERVATION_TYPES)

    def _compose_events(self) -> sql.Composed:
        """The offers' events, numbered by the rows they are about."""
        created = self.created
        columns: list[list[Any]] = [
            [draft.key for draft, _, _ in created],
            [draft.text.decode() for draft, _, _ in created],
            [self._task_keys[draft.task] for draft, _, _ in created],
            [draft.back for draft, _, _ in created],
            [row.key for _, _, row in created],
            [draft.worker_back for draft, _, _ in created],
            self._reservation_keys,
        ]
        return self._statement(statements.CREATED, columns, statements.CREATED_TYPES)

    # ---- writing -------------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the conversations that change queues: their locks come before the tasks'."""
        self._conversations = handover.lock(self._moves)

    def send(self) -> None:
        """Send the changes of tasks and workers, in ``sql.pipelined``."""
        self._sent = [one.send() for one in self._of_tasks]
        if self.created:
            self._workers, self._channels = self._of_workers.send(), self._of_channels.send()

    def send_events(self) -> None:
        """Send what follows from them, in the same pipeline."""
        if self.created:
            self._of_reservations.send()
        if self._of_events is not None:
            self._of_events.send()
        outbox.put([draft.key for draft in self._drafts], self._now)
        sql.check_foreign_keys()

    def settle(self) -> None:
        """Wait for the rows. Raises ``Stale`` when some are not as believed."""
        changed = [row for sent in self._sent for row in sent.rows()]
        if len(changed) < len(self.tasks):
            raise Stale(tasks=(task.id for task in self.tasks))
        if not self._is_known:
            self._seqs = {sql.read_id(row_id): seq for row_id, seq in changed}
        if self.created:
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
        found = 0
        for worker_id, channel_id, load in self._channels.rows():
            row = self._offered[sql.read_id(worker_id)]
            found += 1
            if load != row.taken[sql.read_id(channel_id)].load:
                row.card = None
        if found < sum(len(row.taken) for row in self._offered.values()):
            raise Stale(workers=self._offered)

    def finish(self) -> None:
        """Write what only the rows could tell, in the same transaction."""
        for move in self._moves:
            handover.pass_on(move, self._conversations, self._now)
        self._read_workers()
        self._read_reservations()
        if not self._is_known:
            sql.write("routing_event", statements.EVENT, [self._row(draft) for draft in self._drafts])

    # ---- afterwards ----------------------------------------------------------------------------------------------

    def frames(self) -> list[ledger.Framed]:
        """What consoles are told once it is committed."""
        made: list[ledger.Framed] = []
        for draft, offer, row in self.created:
            data = fast_json.Written(draft.text) if draft.text else draft.data
            made.append((offer.worker, ledger.frame(row.seq - draft.worker_back, draft.type, data, self._at)))
        return made

    def changed(self) -> list[tuple[uuid.UUID, str, uuid.UUID | None]]:
        """(task id, status, conversation id) of the tasks that have a conversation."""
        known = [(task, task.about[1]) for task in self.tasks if task.about is not None]
        return [(task.id, _status(task), conversation) for task, conversation in known if conversation is not None]

    def queues(self) -> set[uuid.UUID]:
        """Where somebody else waits now."""
        return {task.queue for task in self.tasks} | {move.queue_before for move in self._moves}

    # ---- what only the rows can tell -----------------------------------------------------------------------------

    def _read_workers(self) -> None:
        """Of those whose card was not as their row: somebody changed it, and the router has not heard of it yet."""
        unsure = {worker_id: row for worker_id, row in self._offered.items() if row.card is None}
        if not unsure:
            return
        read = queries.workers_json(list(unsure))
        for worker_id, row in unsure.items():
            row.worker.about, row.shown = None, read[worker_id]
        for draft, offer, _ in self.created:
            if offer.worker in unsure:
                draft.data["worker"], draft.text = read[offer.worker], b""
                if self._is_known:
                    statement = "UPDATE routing_event SET data = %s WHERE id = %s"
                    sql.execute(statement, [sql.stored(draft.data), draft.key])

    def _read_reservations(self) -> None:
        unknown = [(draft, offer) for draft, offer, _ in self.created if "reservation" not in draft.data]
        read = queries.reservations_json([offer.reservation for _, offer in unknown])
        for draft, offer in unknown:
            draft.data["reservation"] = read[offer.reservation]

    def _row(self, draft: Draft) -> tuple[Any, ...]:
        """A draft as its row is."""
        task, decision, matcher = draft.task, draft.decision, self._matcher
        head = (draft.key, self._now, self._workspace_id, draft.type, draft.data)
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
