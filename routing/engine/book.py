"""What the router knows: the roster of workers, the tasks, and the indexes over both. ``matcher`` decides upon it.

Facts come in through ``put_*`` and ``drop_*``, which are told how things are, not what happened: telling the same
twice changes nothing, so rows can be read again whenever there is doubt. What may lead to an offer is marked dirty.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from routing.engine.expression import bind, literal, mentions_task
from routing.engine.lanes import pack, pack_overdue
from routing.engine.model import Decision, Held, TaskSpec
from routing.engine.roster import Roster
from routing.engine.state import HELD, OFFERED, STATES, WAITING, Hold, Queue, Rules, Task, Worker
from routing.engine.syntax import FALSE, Node, conjunction
from routing.engine.values import Id, resolve
from routing.engine.workflow import Position, Target, Workflow

NEVER = float("inf")


class Book(Roster):
    """One workspace's routing, as known. Not safe across threads; times never come from a clock.

    ``overdue_after``: a task that has waited this long comes before every other, whatever their priority.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], Id],
        reoffer_after: float = 30.0,
        newest_queues_first: bool = False,
        overdue_after: float | None = None,
    ) -> None:
        super().__init__(new_id=new_id)
        self.reoffer_after = reoffer_after
        self.newest_queues_first = newest_queues_first
        self.overdue_after = overdue_after
        self.rules: dict[Id, Rules] = {}
        self.tasks: dict[Id, Task] = {}
        self._tickets: dict[int, Task] = {}
        self._next_ticket = itertools.count()
        #: class and expression of the steps that are the same for every task
        self._steps: dict[tuple[Id, Id, Position], tuple[int, Node]] = {}
        self._barring: dict[Task, None] = {}
        self._now = 0.0
        self._out: list[Decision] = []
        #: what may be served now: (key, channel, class) of a lane's next task, or a task by itself: (key, -1, 1 if it
        #: was just moved)
        self._queue: list[tuple[int, int, int]] = []
        #: by lane: tickets that whoever has room has declined
        self._passed: dict[tuple[int, int], set[int]] = {}

    def put_workflow(self, workflow_id: Id, document: Workflow, reservation_timeout: float) -> None:
        """A workflow; before its tasks."""
        self.rules[workflow_id] = Rules(document, reservation_timeout)

    def put_task(self, spec: TaskSpec, *, settled: bool = False) -> None:
        """A task is like this now. ``settled``: it waits where it stands (after a restart), look for nobody yet."""
        task = self.tasks.get(spec.id)
        if task is None:
            task = self.tasks[spec.id] = Task(spec.id, next(self._next_ticket))
            self._tickets[task.ticket] = task
        elif task.in_lane:
            self._leave_lane(task)
        task.channel, task.attributes, task.priority = self.channels[spec.channel], spec.attributes, spec.priority
        task.workflow, task.position, task.entered = spec.workflow, spec.position, spec.entered
        task.queue, task.start, task.declined = spec.queue, spec.start, spec.declined
        task.assignments, task.only_worker, task.direct = spec.assignments, spec.only_worker, spec.direct
        task.ignore_capacity, task.version, task.not_worker = spec.ignore_capacity, spec.version, spec.not_worker
        task.expires, task.wrap_due, task.about = spec.expires, spec.wrap_due, spec.about
        if self.overdue_after is not None:
            task.overdue = spec.start + self.overdue_after
        if spec.reservations or task.holds:
            self._put_holds(task, spec.reservations)
        if task.klass >= 0:
            self._leave_class(task)
        task.state = STATES[spec.state]
        if task.state != WAITING:
            self._dirty_tasks.pop(task, None)
            task.again = task.step_due = None
            self._arm(task)
            return
        self._aim(task)
        if settled and task.target is not None:
            self._enter_lane(task)
        else:
            self._dirty_tasks[task] = None
            self._arm(task)

    def drop_task(self, task_id: Id) -> None:
        """A task is over. Unknown ones change nothing."""
        task = self.tasks.pop(task_id, None)
        if task is None:
            return
        if task.in_lane:
            self._leave_lane(task)
        while task.holds:
            self._end(next(iter(task.holds.values())))
        if task.klass >= 0:
            self._leave_class(task)
        if task.alarm is not None:
            self.clock.cancel(task)
        self._dirty_tasks.pop(task, None)
        del self._tickets[task.ticket]

    # ---- tasks ---------------------------------------------------------------------------------------------------

    def _aim(self, task: Task) -> None:
        """Where the task stands: target, class, key, and the step's deadline."""
        rules = self.rules.get(task.workflow)
        task.target = None
        if rules is not None and not task.direct:
            target = rules.document.target(task.position)
            queue = None if target is None else self.queues.get(target.queue)
        else:
            queue = self.queues.get(task.queue)
            target = None if queue is None else queue.target
        task.again = task.step_due = None
        if target is None or queue is None:
            task.key = pack(False, False, 0, task.start, task.ticket)
            return
        task.target, task.queue = target, queue.id
        if target.until is not None:
            task.step_due = task.entered + target.until
        task.key = self._key(task, queue)
        task.klass = self._hold_class(task, queue, target)

    def _key(self, task: Task, queue: Queue) -> int:
        if task.overdue is not None and task.overdue <= self._now:
            return pack_overdue(task.start, task.ticket)
        newest_first = queue.newest_first
        return pack(newest_first != self.newest_queues_first, newest_first, task.priority, task.start, task.ticket)

    def _hold_class(self, task: Task, queue: Queue, target: Target) -> int:
        """The eligibility class of a step: the queue's workers, those the step wants, the one it knows."""
        spot = (task.workflow, queue.id, task.position)
        if not task.only_worker and not task.not_worker:
            known = self._steps.get(spot)
            if known is not None and self.eligibility.hold_again(*known):
                return known[0]
        if task.only_worker:
            node = _is("@sid", task.only_worker)
        else:
            parts = [queue.node, bind(target.expression, task.attributes)]
            if target.known_worker is not None:
                parts.append(_is(target.known_by, resolve(target.known_worker, task.attributes)))
            if task.not_worker:
                parts.append(("cmp", "!=", ("path", ("@sid",)), literal(task.not_worker)))
            node = conjunction(parts)
        klass = self.eligibility.hold(node)
        self.lanes.grow(klass)
        is_own = task.only_worker or task.not_worker or target.known_worker is not None
        if not is_own and not mentions_task(target.expression):
            self._steps[spot] = (klass, self.eligibility.node(klass))
        return klass

    def _leave_class(self, task: Task) -> None:
        self.eligibility.release(task.klass)
        task.klass = -1

    def _enter_lane(self, task: Task) -> None:
        """The task waits for a worker to have room, or for one who declined it to be asked again."""
        task.fresh = False
        task.in_lane = True
        self.lanes.push(task.channel, task.klass, task.key)
        if task.declined or task.holds:
            self._bar(task)
        if task.ignore_capacity:
            self._forced[task] = None
        self._arm(task)

    def _leave_lane(self, task: Task) -> None:
        self.lanes.remove(task.channel, task.klass, task.key)
        task.in_lane = False
        if task.is_barring:
            self._unbar(task)
        if task.ignore_capacity:
            del self._forced[task]

    def _bar(self, task: Task) -> None:
        """Keep a waiting task from those who declined it lately, until the first of them may be asked again."""
        task.is_barring = True
        self._barring[task] = None
        task.again = None
        for worker_id, at in task.declined.items():
            until = at + self.reoffer_after
            if until > self._now:
                if task.again is None or until < task.again:
                    task.again = until
                if (worker := self.workers.get(worker_id)) is not None:
                    worker.barred[task.ticket] = until
        for hold in task.holds.values():  # who has it already is not offered it
            hold.worker.barred[task.ticket] = NEVER

    def _unbar(self, task: Task) -> None:
        task.is_barring = False
        del self._barring[task]
        task.again = None
        for worker_id in task.declined:
            if (worker := self.workers.get(worker_id)) is not None:
                worker.barred.pop(task.ticket, None)
        for hold in task.holds.values():
            hold.worker.barred.pop(task.ticket, None)

    def _arm(self, task: Task) -> None:
        """Have the task rung at its next deadline. An alarm for sooner may stay: the task is armed anew then."""
        state = task.state
        if state == HELD:
            due = task.wrap_due
        else:
            due = task.expires
            if state == WAITING:
                for other in (task.step_due, task.again, task.overdue):
                    if other is not None and (due is None or other < due) and other > self._now:
                        due = other
        if due is None:
            self.clock.cancel(task)
        elif task.alarm is None or due < task.alarm:
            self.clock.set(task, due)

    # ---- reservations --------------------------------------------------------------------------------------------

    def _put_holds(self, task: Task, rows: tuple[Held, ...]) -> None:
        """Make the task's live reservations what its rows say."""
        said = {row.id: row for row in rows}
        for gone in [hold for hold in task.holds.values() if hold.id not in said]:
            self._end(gone)
        for row in rows:
            known, worker = self.holds.get(row.id), self.workers.get(row.worker)
            if known is None:
                if worker is None:
                    continue
                known = Hold(row.id, task, worker, row.units, row.weight)
                self._take(known)
                self._dirty_workers[worker] = None
            if row.accepted:
                self._accept(known)
            elif row.due is not None and known.alarm is None:
                self.clock.set(known, row.due)

    def accepted(self, reservation: Id, now: float) -> None:
        """An offer was accepted; the task's other offers are withdrawn."""
        hold = self.holds[reservation]
        task = hold.task
        if len(task.holds) > 1:
            for other in [other for other in task.holds.values() if other is not hold]:
                self._end(other)
        self._is_idle_from(hold.worker, hold.channel, now)
        task.state = HELD
        if task.alarm is not None:
            self.clock.cancel(task)
        self._accept(hold)
        if task.klass >= 0:
            self._leave_class(task)

    def declined(self, reservation: Id, now: float) -> None:
        """An offer was declined or ran out."""
        hold = self.holds[reservation]
        task = hold.task
        task.declined = {**task.declined, hold.worker.id: now}
        self._end(hold)
        if not task.holds and task.state == OFFERED:
            task.state = WAITING
            if task.klass < 0:
                self._aim(task)
            self._dirty_tasks[task] = None

    def finished(self, task_id: Id, now: float) -> None:
        """A task was completed by whoever had it."""
        for hold in self.tasks[task_id].holds.values():
            self._is_idle_from(hold.worker, hold.channel, now)
        self.drop_task(task_id)

    def _new_worker(self, worker_id: Id) -> Worker:
        worker = super()._new_worker(worker_id)
        for task in self._barring:
            at = task.declined.get(worker_id)
            if at is not None and at + self.reoffer_after > self._now:
                worker.barred[task.ticket] = at + self.reoffer_after
        return worker


def _is(name: str, value: Any) -> Node:
    """``worker.<name> == value``; whoever is known by no text is nobody."""
    return ("cmp", "==", ("path", (name,)), literal(value)) if isinstance(value, str) else FALSE
