"""Tiny, slow and obvious: an expression evaluator and a router that looks at everybody for everything.

The product's compiled expressions and its matcher are held to these by property tests. Nothing here is shared with
them but the data types that go in and come out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from routing.engine.model import (
    TTL_EXCEEDED,
    WORKFLOW_SKIPPED,
    WORKFLOW_TIMEOUT,
    Cancel,
    Expire,
    Move,
    Offer,
    TaskSpec,
    WorkerSpec,
)
from routing.engine.workflow import Position, Target, Workflow


def value_at(path: list[str], scope: Any) -> Any:
    for segment in path:
        if isinstance(scope, dict):
            scope = scope.get(segment)
        elif isinstance(scope, list) and segment.isdecimal():
            scope = scope[int(segment)] if int(segment) < len(scope) else None
        else:
            return None
    return scope


def is_same(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def holds(operator: str, a: Any, b: Any) -> bool:
    """What a comparison means, word for word from the rules."""
    if operator == "HAS":
        return isinstance(a, list) and any(is_same(item, b) for item in a)
    if operator == "IN":
        return isinstance(b, list) and not isinstance(a, list) and any(is_same(a, item) for item in b)
    if operator == "NOT IN":
        if isinstance(a, list) or not (b is None or isinstance(b, list)):
            return False
        return not any(is_same(a, item) for item in b or [])
    if isinstance(a, list) or isinstance(b, list):
        return False
    if operator == "==":
        return is_same(a, b)
    if operator == "!=":
        return not is_same(a, b)
    if operator == "CONTAINS":
        written = str(int(b)) if isinstance(b, float) and b == int(b) else str(b)
        return isinstance(a, str) and b is not None and written in a
    numbers = all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in (a, b))
    if not numbers and not (isinstance(a, str) and isinstance(b, str)):
        return False
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])


def evaluate(tree: tuple[Any, ...], scope: dict[str, Any]) -> bool:
    """A tree of the tests' own making: ("or"|"and", a, b) or (operator, operand, operand)."""
    if tree[0] == "or":
        return evaluate(tree[1], scope) or evaluate(tree[2], scope)
    if tree[0] == "and":
        return evaluate(tree[1], scope) and evaluate(tree[2], scope)
    return holds(tree[0], operand(tree[1], scope), operand(tree[2], scope))


def operand(spec: tuple[str, Any], scope: dict[str, Any]) -> Any:
    kind, value = spec
    if kind == "list":
        return [operand(item, scope) for item in value]
    return value_at(value, scope) if kind == "path" else value


@dataclass
class Res:
    id: int
    worker: Any
    due: float
    weight: int
    accepted: bool = False
    expired: bool = False


@dataclass
class T:
    spec: TaskSpec
    number: int
    state: str
    priority: int
    filter: int
    step: int
    queue: Any
    entered: float
    fresh: bool = True
    dirty: bool = True
    expired: bool = False
    declined: dict[Any, float] = field(default_factory=dict)
    res: list[Res] = field(default_factory=list)


@dataclass
class Queue:
    test: Any
    max_reserved: int
    newest_first: bool


class NaiveRouter:
    """The rules, each written down where it applies, without any index."""

    def __init__(self, *, reoffer_after: float, newest_queues_first: bool, overdue_after: float | None = None) -> None:
        self.reoffer_after = reoffer_after
        self.overdue_after = overdue_after
        self.interruptible: set[Any] = set()
        self.optimized: set[Any] = set()
        self.newest_queues_first = newest_queues_first
        self.weights: dict[Any, int] = {}
        self.queues: dict[Any, Queue] = {}
        self.workflows: dict[Any, tuple[Workflow, float]] = {}
        self.workers: dict[Any, WorkerSpec] = {}
        self.worker_numbers: dict[Any, int] = {}
        self.tasks: dict[Any, T] = {}
        self.ids = itertools.count(1)
        self.numbers = itertools.count()
        self.now = 0.0
        self.out: list[Any] = []

    def put_worker(self, spec: WorkerSpec, number: int) -> None:
        self.workers[spec.id] = spec
        self.worker_numbers[spec.id] = number

    def drop_worker(self, worker_id: Any) -> None:
        del self.workers[worker_id]
        for task in self.tasks.values():
            task.res = [res for res in task.res if res.worker != worker_id]

    def put_task(self, spec: TaskSpec) -> None:
        old = self.tasks.get(spec.id)
        self.tasks[spec.id] = T(
            spec,
            old.number if old else next(self.numbers),
            "waiting",
            spec.priority,
            spec.position.filter,
            spec.position.target,
            spec.queue,
            spec.entered,
            fresh=old is None or old.fresh,
            declined=dict(spec.declined),
        )

    def find(self, reservation: int) -> tuple[T, Res]:
        return next((task, res) for task in self.tasks.values() for res in task.res if res.id == reservation)

    def accepted(self, reservation: int, now: float) -> None:
        task, res = self.find(reservation)
        res.accepted, task.res, task.state = True, [res], "held"
        self.touch(res.worker, task.spec.channel, now)

    def touch(self, worker_id: Any, channel: Any, now: float) -> None:
        worker = self.workers[worker_id]
        worker.idle_since = now
        if channel in self.optimized:
            worker.idle_on = {**worker.idle_on, channel: now}

    def declined(self, reservation: int, now: float) -> None:
        task, res = self.find(reservation)
        task.res.remove(res)
        task.declined[res.worker] = now
        if not task.res and task.state == "offered":
            task.state, task.dirty = "waiting", True

    def finished(self, task_id: Any, now: float) -> None:
        task = self.tasks.pop(task_id)
        for res in task.res:
            self.touch(res.worker, task.spec.channel, now)

    def drop_task(self, task_id: Any) -> None:
        del self.tasks[task_id]

    # ---- decisions

    def decide(self, now: float) -> list[Any]:
        before, self.now, self.out = self.now, now, []
        for task in self.tasks.values():
            for res in task.res:
                if not res.accepted and not res.expired and res.due <= now:
                    res.expired = True
                    self.out.append(Expire(res.id))
            ends = task.spec.expires
            if ends is not None and ends <= now and not task.expired and task.state in ("waiting", "offered"):
                self.cancel(task, TTL_EXCEEDED)
            if any(before < at + self.reoffer_after <= now for at in task.declined.values()):
                task.dirty = True
        while self.one_step():
            pass
        for task in self.tasks.values():
            task.dirty = task.fresh = False
        return self.out

    def one_step(self) -> bool:
        """Do the first thing that can be done for the first task for which something can be done."""
        for task in sorted((task for task in self.tasks.values() if task.state == "waiting"), key=self.order):
            target = self.target(task)
            over = target.until is not None and task.entered + target.until <= self.now
            if over and not task.fresh:
                self.leave(task, skipped=False)
                return True
            chosen = self.choose(task, target)
            if chosen is not None:
                for _ in range(self.queues[task.queue].max_reserved):
                    if chosen is None:
                        break
                    self.offer(task, chosen)
                    chosen = self.choose(task, target)
                task.fresh = task.dirty = False
                return True
            if task.dirty and target.skip_if is not None and target.skip_if.matches({"workers": self.count(task)}):
                self.leave(task, skipped=True)
                return True
            if over:
                self.leave(task, skipped=False)
                return True
            task.fresh = task.dirty = False
        return False

    def order(self, task: T) -> tuple[Any, ...]:
        newest_first = self.queues[task.queue].newest_first
        last = newest_first != self.newest_queues_first
        start = int(task.spec.start * 1e6)
        if self.overdue_after is not None and task.spec.start + self.overdue_after <= self.now:
            return (-1, 0, start, task.number)
        return (last, 0, -start, task.number) if newest_first else (last, -task.priority, start, task.number)

    def target(self, task: T) -> Target:
        if task.spec.direct:
            return Target(task.queue)
        workflow = self.workflows[task.spec.workflow][0]
        return workflow.default if task.filter < 0 else workflow.filters[task.filter].targets[task.step]  # type: ignore[return-value]

    def load(self, worker_id: Any) -> tuple[dict[Any, int], int]:
        """By channel in tasks, and in all in units."""
        by_channel: dict[Any, int] = {}
        total = 0
        for task in self.tasks.values():
            for res in task.res:
                if res.worker == worker_id:
                    by_channel[task.spec.channel] = by_channel.get(task.spec.channel, 0) + 1
                    total += res.weight
        return by_channel, total

    def has_room(self, worker: WorkerSpec, channel: Any) -> bool:
        by_channel, total = self.load(worker.id)
        if channel not in self.interruptible:
            total -= sum(
                res.weight
                for task in self.tasks.values()
                for res in task.res
                if res.worker == worker.id and task.spec.channel in self.interruptible
            )
        capacity, is_open = worker.channels.get(channel, (0, False))
        return (
            worker.available
            and is_open
            and by_channel.get(channel, 0) < capacity
            and total + self.weights[channel] <= worker.capacity
        )

    def is_eligible(self, worker: WorkerSpec, task: T, target: Target) -> bool:
        """Queue, target expression, known worker: not room."""
        from routing.engine import expression

        if task.spec.only_worker:
            return worker.sid == task.spec.only_worker
        if worker.sid == task.spec.not_worker or not self.queues[task.queue].test(worker.attributes):
            return False
        if target.known_worker is not None:
            known = value_at(list(target.known_worker), task.spec.attributes)
            if known is None or known != (worker.sid if target.known_by == "@sid" else worker.name):
                return False
        scope = {
            "task": task.spec.attributes,
            "worker": {
                **worker.attributes,
                "sid": worker.sid,
                "friendly_name": worker.name,
                "channel": {channel: self.counters(worker, channel) for channel in self.weights},
            },
        }
        return expression.compile_node(target.expression).matches(scope)

    def counters(self, worker: WorkerSpec, channel: Any) -> dict[str, int]:
        capacity = worker.channels.get(channel, (0, False))[0]
        held = [
            res.accepted
            for task in self.tasks.values()
            for res in task.res
            if res.worker == worker.id and task.spec.channel == channel
        ]
        return {"assigned_tasks": sum(held), "configured_capacity": capacity}

    def choose(self, task: T, target: Target) -> WorkerSpec | None:
        mine = {res.worker for res in task.res}
        found = [
            worker
            for worker in self.workers.values()
            if worker.id not in mine
            and self.is_eligible(worker, task, target)
            and (task.spec.ignore_capacity or self.has_room(worker, task.spec.channel))
        ]
        rest = [worker for worker in found if worker.id not in task.declined]
        if rest:
            return min(rest, key=lambda worker: self.rank(worker, target, task.spec.channel))
        again = [worker for worker in found if task.declined[worker.id] + self.reoffer_after <= self.now]
        return min(
            again, key=lambda worker: (task.declined[worker.id], *self.idle(worker, task.spec.channel)), default=None
        )

    def rank(self, worker: WorkerSpec, target: Target, channel: Any) -> tuple[Any, ...]:
        keys: list[Any] = []
        for clause in target.order_by:
            value = value_at(list(clause.path), worker.attributes)
            has = isinstance(value, int) and not isinstance(value, bool)
            keys.append((0, -value if clause.descending else value) if has else (1, 0))
        return (*keys, *self.idle(worker, channel))

    def idle(self, worker: WorkerSpec, channel: Any) -> tuple[int, int]:
        since = worker.idle_on.get(channel, worker.idle_since) if channel in self.optimized else worker.idle_since
        return int(since * 1e6), self.worker_numbers[worker.id]

    def offer(self, task: T, worker: WorkerSpec) -> None:
        due = self.now + self.workflows[task.spec.workflow][1]
        weight = self.weights[task.spec.channel]
        res = Res(next(self.ids), worker.id, due, weight)
        task.res.append(res)
        task.state = "offered"
        self.out.append(
            Offer(res.id, task.spec.id, worker.id, task.spec.channel, due, 1, weight, task.spec.ignore_capacity)
        )

    def leave(self, task: T, *, skipped: bool) -> None:
        workflow = self.workflows[task.spec.workflow][0]
        options: list[tuple[int, int]] = []
        if task.filter >= 0:
            if task.step + 1 < len(workflow.filters[task.filter].targets):
                options.append((task.filter, task.step + 1))
            for index in range(task.filter + 1, len(workflow.filters)):
                if workflow.filters[index].expression.matches(task.spec.attributes):
                    options.append((index, 0))
            if skipped and workflow.default is not None:
                options.append((-1, -1))
        if not options:
            self.cancel(task, WORKFLOW_SKIPPED if skipped else WORKFLOW_TIMEOUT)
            return
        queue_before, filter_before = task.queue, task.filter
        task.filter, task.step = options[0]
        if task.filter != filter_before:
            task.entered = self.now
        target = self.target(task)
        task.queue, task.fresh, task.dirty = target.queue, True, True
        if target.priority is not None:
            task.priority = target.priority
        due = None if target.until is None else task.entered + target.until
        where = (Position(*options[0]), task.queue, queue_before)
        known = self.known(target, task)
        self.out.append(Move(task.spec.id, *where, task.priority, task.entered, due, not skipped, known))

    def known(self, target: Target, task: T) -> dict[str, str] | None:
        value = value_at(list(target.known_worker or ()), task.spec.attributes)
        return {target.known_by.strip("@"): value} if target.known_worker and value and type(value) is str else None

    def count(self, task: T) -> dict[str, int]:
        counts = {"available": 0, "unavailable": 0}
        for worker in self.workers.values():
            if self.queues[task.queue].test(worker.attributes):
                counts["available" if worker.available else "unavailable"] += 1
                counts[worker.activity_sid] = counts.get(worker.activity_sid, 0) + 1
        return counts

    def cancel(self, task: T, reason: str) -> None:
        task.state, task.expired = "ending", True
        self.out.append(Cancel(task.spec.id, reason))
