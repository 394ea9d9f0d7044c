"""What the router knows: workers, tasks, reservations, and the indexes over them. ``matcher`` decides upon it.

Facts come in through ``put_*`` and ``drop_*``, which are told how things are, not what happened: telling the same
twice changes nothing, so rows can be read again whenever there is doubt. What may lead to an offer is marked dirty.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from routing.engine.clockwork import Clockwork
from routing.engine.eligibility import Eligibility
from routing.engine.expression import bind, literal, mentions_task
from routing.engine.idle import IdleOrder
from routing.engine.lanes import WIDE, Lanes, pack
from routing.engine.model import Decision, Held, TaskSpec, WorkerSpec
from routing.engine.state import HELD, OFFERED, STATES, WAITING, Counters, Hold, Queue, Rules, Task, Worker
from routing.engine.syntax import FALSE, Node, conjunction
from routing.engine.values import Id, resolve
from routing.engine.workflow import Position, Target, Workflow


class Book:
    """One workspace's routing, as known. Not safe across threads; times never come from a clock."""

    def __init__(
        self, *, new_id: Callable[[], Id], reoffer_after: float = 30.0, newest_queues_first: bool = False
    ) -> None:
        self.new_id = new_id
        self.reoffer_after = reoffer_after
        self.newest_queues_first = newest_queues_first
        self.eligibility = Eligibility()
        self.lanes = Lanes()
        self.clock = Clockwork()
        self.channels: dict[Id, int] = {}
        self.channel_ids: list[Id] = []
        self.channel_names: dict[str, int] = {}
        self.weights: list[int] = []
        #: by channel: the workers with room for one more, as a bitset and in the order of their idleness
        self.free: list[int] = []
        self.idle: list[IdleOrder] = []
        self.queues: dict[Id, Queue] = {}
        self.rules: dict[Id, Rules] = {}
        self.workers: dict[Id, Worker] = {}
        self.slots: list[Worker | None] = [None]
        self.tasks: dict[Id, Task] = {}
        self.holds: dict[Id, Hold] = {}
        self._tickets: dict[int, Task] = {}
        self._next_ticket = itertools.count()
        self._free_slots: list[int] = []
        #: class and expression of the steps that are the same for every task
        self._steps: dict[tuple[Id, Id, Position], tuple[int, Node]] = {}
        self._barring: dict[Task, None] = {}
        self._dirty_tasks: dict[Task, None] = {}
        self._dirty_workers: dict[Worker, None] = {}
        self._now = 0.0
        self._out: list[Decision] = []

    # ---- what there is -------------------------------------------------------------------------------------------

    def put_channel(self, channel_id: Id, unique_name: str, weight: int) -> None:
        """A task channel; before workers and tasks that use it."""
        if channel_id in self.channels:
            self.weights[self.channels[channel_id]] = weight
            return
        self.channels[channel_id] = self.channel_names[unique_name] = len(self.weights)
        self.channel_ids.append(channel_id)
        self.weights.append(weight)
        self.free.append(0)
        self.idle.append(IdleOrder())
        self.lanes.add_channel()

    def put_queue(self, queue_id: Id, node: Node, *, max_reserved: int = 1, newest_first: bool = False) -> None:
        """A queue; before tasks that wait in it."""
        self.queues[queue_id] = Queue(queue_id, node, max_reserved, newest_first, Target(queue_id))

    def put_workflow(self, workflow_id: Id, document: Workflow, reservation_timeout: float) -> None:
        """A workflow; before its tasks."""
        self.rules[workflow_id] = Rules(document, reservation_timeout)

    def put_worker(self, spec: WorkerSpec) -> None:
        """A worker is like this now."""
        worker = self.workers.get(spec.id)
        if worker is None:
            worker = self._new_worker(spec.id)
        names = {
            "@sid": spec.sid,
            "@friendly_name": spec.name,
            "@activity_sid": spec.activity_sid,
            "@activity_name": spec.activity_name,
        }
        scope = {**spec.attributes, **names}
        known = dict(worker.scope)
        known.pop("@channel", None)
        worker.available, worker.activity_sid = spec.available, spec.activity_sid
        worker.capacity, worker.idle_since = spec.capacity, spec.idle_since
        for channel_id, index in self.channels.items():
            worker.caps[index], worker.is_open[index] = spec.channels.get(channel_id, (0, False))
        if scope != known:
            worker.scope = {**scope, "@channel": Counters(worker, self.channel_names)}
            self.eligibility.put_worker(worker.slot, worker.scope)
            self._note_width(worker)
        elif self.eligibility.volatile:
            self.eligibility.ask_volatile(worker.slot, worker.scope)
        self._dirty_workers[worker] = None

    def drop_worker(self, worker_id: Id) -> None:
        """A worker is gone, with the reservations they had. Unknown ones change nothing."""
        worker = self.workers.pop(worker_id, None)
        if worker is None:
            return
        for hold in [hold for hold in self.holds.values() if hold.worker is worker]:
            self._end(hold)
        worker.available = False
        self._sync(worker)
        self._dirty_workers.pop(worker, None)
        self.eligibility.drop_worker(worker.slot)
        self.slots[worker.slot] = None
        self._free_slots.append(worker.slot)

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
        self._put_holds(task, spec.reservations)
        self._leave_class(task)
        task.state = STATES[spec.state]
        self._set_alarms(task, spec)
        if task.state != WAITING:
            self._dirty_tasks.pop(task, None)
            return
        self._aim(task)
        if settled and task.target is not None:
            self._enter_lane(task)
        else:
            self._dirty_tasks[task] = None

    def drop_task(self, task_id: Id) -> None:
        """A task is over. Unknown ones change nothing."""
        task = self.tasks.pop(task_id, None)
        if task is None:
            return
        if task.in_lane:
            self._leave_lane(task)
        for hold in list(task.holds.values()):
            self._end(hold)
        self._leave_class(task)
        for alarm in (task.alarm, task.step_alarm, task.ttl_alarm):
            if alarm is not None:
                self.clock.cancel(alarm)
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
        if task.step_alarm is not None:
            self.clock.cancel(task.step_alarm)
        task.step_alarm = task.step_due = None
        if target is None or queue is None:
            task.key = pack(False, False, 0, task.start, task.ticket)
            return
        task.target, task.queue = target, queue.id
        if target.until is not None:
            task.step_due = task.entered + target.until
            task.step_alarm = self.clock.set(task.step_due, "step", task)
        newest_first = queue.newest_first
        task.key = pack(newest_first != self.newest_queues_first, newest_first, task.priority, task.start, task.ticket)
        task.klass = self._hold_class(task, queue, target)

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
        if task.klass >= 0:
            self.eligibility.release(task.klass)
            task.klass = -1

    def _enter_lane(self, task: Task) -> None:
        """The task waits for a worker to have room, or for one who declined it to be asked again."""
        task.fresh = False
        task.in_lane = True
        self.lanes.push(task.channel, task.klass, task.key)
        if task.declined:
            self._bar(task)

    def _leave_lane(self, task: Task) -> None:
        self.lanes.remove(task.channel, task.klass, task.key)
        task.in_lane = False
        if task in self._barring:
            del self._barring[task]
            self.clock.cancel(task.alarm)
            task.alarm = None
            for worker_id in task.declined:
                if (worker := self.workers.get(worker_id)) is not None:
                    worker.barred.pop(task.ticket, None)

    def _bar(self, task: Task) -> None:
        """Keep a waiting task from those who declined it lately, until the first of them may be asked again."""
        self._barring[task] = None
        again = [at + self.reoffer_after for at in task.declined.values()]
        later = [at for at in again if at > self._now]
        task.alarm = self.clock.set(min(later), "again", task) if later else None
        for worker_id, at in zip(task.declined, again, strict=True):
            worker = self.workers.get(worker_id)
            if worker is not None and at > self._now:
                worker.barred[task.ticket] = at

    def _set_alarms(self, task: Task, spec: TaskSpec) -> None:
        clock = self.clock
        if task.alarm is not None:
            clock.cancel(task.alarm)
        if task.step_alarm is not None:
            clock.cancel(task.step_alarm)
        task.alarm = task.step_alarm = None
        expires = spec.expires if task.state != HELD else None
        if task.expires != expires or task.ttl_alarm is None or task.ttl_alarm.subject is None:
            clock.cancel(task.ttl_alarm)
            task.expires = expires
            task.ttl_alarm = None if expires is None else clock.set(expires, "ttl", task)
        if task.state == HELD and spec.wrap_due is not None:
            task.alarm = clock.set(spec.wrap_due, "wrap", task)

    # ---- reservations --------------------------------------------------------------------------------------------

    def _put_holds(self, task: Task, rows: tuple[Held, ...]) -> None:
        """Make the task's live reservations what its rows say."""
        if not rows and not task.holds:
            return
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
            elif row.due is not None and (known.alarm is None or known.alarm.subject is None):
                known.alarm = self.clock.set(row.due, "offer", known)

    def _take(self, hold: Hold) -> None:
        task, worker = hold.task, hold.worker
        task.holds[hold.id] = self.holds[hold.id] = hold
        worker.loads[hold.channel] += hold.units
        worker.load += hold.weight
        worker.pending += 1
        if self.eligibility.volatile:
            self._touch(worker)

    def _accept(self, hold: Hold) -> None:
        if hold.accepted:
            return
        hold.accepted = True
        hold.worker.pending -= 1
        hold.worker.accepted[hold.channel] += 1
        self.clock.cancel(hold.alarm)
        hold.alarm = None
        self._touch(hold.worker)

    def _end(self, hold: Hold) -> None:
        task, worker = hold.task, hold.worker
        del task.holds[hold.id], self.holds[hold.id]
        worker.loads[hold.channel] -= hold.units
        worker.load -= hold.weight
        if hold.accepted:
            worker.accepted[hold.channel] -= 1
        else:
            worker.pending -= 1
        self.clock.cancel(hold.alarm)
        self._touch(worker)

    def accepted(self, reservation: Id, now: float) -> None:
        """An offer was accepted; the task's other offers are withdrawn."""
        hold = self.holds[reservation]
        task = hold.task
        if len(task.holds) > 1:
            for other in [other for other in task.holds.values() if other is not hold]:
                self._end(other)
        hold.worker.idle_since = now
        task.state = HELD
        for alarm in (task.step_alarm, task.ttl_alarm):
            if alarm is not None:
                self.clock.cancel(alarm)
        self._accept(hold)
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
            hold.worker.idle_since = now
        self.drop_task(task_id)

    # ---- workers -------------------------------------------------------------------------------------------------

    def _new_worker(self, worker_id: Id) -> Worker:
        slot = self._free_slots.pop() if self._free_slots else len(self.slots)
        worker = self.workers[worker_id] = Worker(worker_id, slot)
        if slot == len(self.slots):
            self.slots.append(worker)
            for idle in self.idle:
                idle.grow(slot)
        self.slots[slot] = worker
        for table in (worker.caps, worker.loads, worker.accepted):
            table.extend([0] * len(self.channels))
        worker.is_open.extend([False] * len(self.channels))
        for task in self._barring:
            at = task.declined.get(worker_id)
            if at is not None and at + self.reoffer_after > self._now:
                worker.barred[task.ticket] = at + self.reoffer_after
        return worker

    def _touch(self, worker: Worker) -> None:
        """The worker's load changed: look for work, and ask the classes that count it."""
        self._dirty_workers[worker] = None
        if self.eligibility.volatile:
            self.eligibility.ask_volatile(worker.slot, worker.scope)

    def _sync(self, worker: Worker) -> None:
        """Bring what searches look at in line with the worker's own numbers."""
        slot = worker.slot
        for channel, idle in enumerate(self.idle):
            has = (
                worker.available
                and worker.loads[channel] < worker.caps[channel]
                and worker.is_open[channel]
                and worker.load + self.weights[channel] <= worker.capacity
            )
            if has != (idle.keys[slot] >= 0):
                self.free[channel] ^= 1 << slot
                if has:
                    idle.insert(slot, worker.idle_since)
                else:
                    idle.remove(slot)
            elif has and idle.moved(slot, worker.idle_since):
                idle.remove(slot)
                idle.insert(slot, worker.idle_since)

    def _note_width(self, worker: Worker) -> None:
        if not self.lanes.wide and len(self.eligibility.classes[worker.slot]) > WIDE:
            self.lanes.widen()


def _is(name: str, value: Any) -> Node:
    """``worker.<name> == value``; whoever is known by no text is nobody."""
    return ("cmp", "==", ("path", (name,)), literal(value)) if isinstance(value, str) else FALSE
