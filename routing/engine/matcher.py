"""Who is offered what: the decisions that follow from what the router knows.

``decide`` makes every offer that has become possible, and tells which deadlines have passed. The invariant that keeps
it fast: between two calls no task waits beside an eligible worker with room (who declined it lately aside). So only
what changed since can lead to an offer: "dirty" tasks and workers. They are settled in the order of the tasks; each
goes to the eligible worker idle the longest, or first by ``order_by``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from routing.engine import chooser
from routing.engine.book import Book
from routing.engine.lanes import NOTHING, TICKET_MASK, WIDE
from routing.engine.model import (
    TOO_MANY_ASSIGNMENTS,
    TTL_EXCEEDED,
    WORKFLOW_SKIPPED,
    WORKFLOW_TIMEOUT,
    Cancel,
    Decision,
    Expire,
    Move,
    Offer,
    WrapUpOver,
)
from routing.engine.state import ENDING, HELD, OFFERED, WAITING, Hold, Task, Worker

#: How long an offer stays open when no workflow says so, in seconds.
RESERVATION_TIMEOUT = 120.0
INFINITY = float("inf")
MAX_ASSIGNMENTS = 1000


class Matcher(Book):
    """Decides upon the book it is."""

    def decide(self, now: float, at_most: float = INFINITY) -> list[Decision]:
        """What follows from what was put, dropped, and from the time, in order.

        Stops after about ``at_most`` decisions, all of one task's together; what is left (``is_settled`` is False
        then) is decided by the next call.
        """
        self._now = now
        for subject in self.clock.pop_due(now):
            if subject.__class__ is Hold:
                self._out.append(Expire(subject.id))
            else:
                self._ring(subject)
        while not self.is_settled and len(self._out) < at_most:
            if not self._queue:
                self._settle()
            self._serve(at_most)
        decisions, self._out = self._out, []
        return decisions

    @property
    def is_settled(self) -> bool:
        """Whether nothing was put or dropped since the last ``decide``, and that one finished."""
        return not (self._queue or self._dirty_workers or self._dirty_tasks)

    def look_again(self) -> None:
        """Ask everybody who has room: tasks were put as settled that are not."""
        for idle in self.idle:
            slot = idle.after[0]
            while slot:
                worker = self.slots[slot]
                if worker is not None:
                    self._dirty_workers[worker] = None
                slot = idle.after[slot]

    def next_due(self) -> float | None:
        """When ``decide`` should be called next, even if nothing changes."""
        return self.clock.next_due()

    def _ring(self, task: Task) -> None:
        """A deadline of the task has passed, or one it had before."""
        now = self._now
        if task.state == HELD:
            if task.wrap_due is not None and task.wrap_due <= now:
                self._out.append(WrapUpOver(task.id))
        elif task.state != ENDING:
            if task.expires is not None and task.expires <= now:
                self._cancel(task, TTL_EXCEEDED)
                return
            if task.state == WAITING and _has_passed(task.step_due, now) | _has_passed(task.again, now):
                self._dirty_tasks[task] = None
            elif task.in_lane and _has_passed(task.overdue, now):
                self._leave_lane(task)
                task.key = self._key(task, self.queues[task.queue])
                self._enter_lane(task)
            self._arm(task)

    def _settle(self) -> None:
        """Serve what has changed, in the order of the tasks."""
        workers, self._dirty_workers = self._dirty_workers, {}
        tasks, self._dirty_tasks = self._dirty_tasks, {}
        for task in tasks:
            if task.in_lane:
                self._leave_lane(task)
            if task.overdue is not None and task.target is not None:
                task.key = self._key(task, self.queues[task.queue])
        if len(workers) <= 1:
            self._settle_one(next(iter(workers), None), [(task.key, task) for task in tasks])
        else:
            self._settle_many(workers, tasks)

    def _settle_one(self, worker: Worker | None, tasks: list[tuple[int, Task]]) -> None:
        """Of the tasks that wait in lanes only this worker can serve any: there is nobody to compare with."""
        heapq.heapify(tasks)
        if worker is not None:
            while (key := self._best_for(worker)) != NOTHING:
                if tasks and tasks[0][0] < key:
                    self._sync(worker)
                    self._place_next(tasks)
                    continue
                task = self._tickets[key & TICKET_MASK]
                self._leave_lane(task)
                self._begin_round(task)
                if task.state != ENDING:
                    self._offer(task, worker)
            self._sync(worker)
        while tasks:
            self._place_next(tasks)

    def _place_next(self, tasks: list[tuple[int, Task]]) -> None:
        task = heapq.heappop(tasks)[1]
        if self._place(task):
            heapq.heappush(tasks, (task.key, task))

    def _settle_many(self, workers: Iterable[Worker], tasks: Iterable[Task]) -> None:
        for worker in workers:
            self._sync(worker)
        self._queue = self._lanes_of(workers)
        self._queue += [(task.key, -1, 0) for task in tasks]
        heapq.heapify(self._queue)
        self._passed = {}

    def _serve(self, at_most: float) -> None:
        """Serve what is in the queue. It ends early with ``at_most`` decisions, but not between two of one task."""
        queue, passed = self._queue, self._passed
        moving = 0
        while queue and (moving or len(self._out) < at_most):
            key, channel, klass = queue[0]
            if channel < 0:
                heapq.heappop(queue)
                moving -= klass
                task = self._tickets.get(key & TICKET_MASK)
                # It may be another story by now, when an earlier call left it in the queue.
                if task is None or task.state != WAITING or task.in_lane or task in self._dirty_tasks:
                    continue
                if self._place(task):
                    heapq.heappush(queue, (task.key, -1, 1))
                    moving += 1
            elif self.idle[channel].size and (key := self._serve_lane(key, channel, klass, passed)) != NOTHING:
                heapq.heapreplace(queue, (key, channel, klass))
            else:
                heapq.heappop(queue)

    def _lanes_of(self, workers: Iterable[Worker]) -> list[tuple[int, int, int]]:
        """The heads of the lanes these workers can serve."""
        sets = self.eligibility.class_sets
        classes = set().union(*[sets[worker.slot] for worker in workers])
        return [
            (head, channel, klass)
            for channel, heads in enumerate(self.lanes.heads)
            if self.idle[channel].size
            for klass in classes
            if (head := heads[klass]) != NOTHING
        ]

    def _serve_lane(self, key: int, channel: int, klass: int, passed: dict[tuple[int, int], set[int]]) -> int:
        """Offer a lane's next task, if anybody will have it. The key after it, or ``NOTHING`` when the lane is done."""
        task = self._tickets.get(key & TICKET_MASK)
        if task is not None and task.in_lane and task.key == key:
            worker = chooser.choose(self, task, self._now)
            if worker is not None:
                self._leave_lane(task)
                self._offer_round(task, worker)
            elif self.eligibility.members[klass] & self.idle[channel].members:
                # Whoever has room declined it; they may take the next one.
                passed.setdefault((channel, klass), set()).add(task.ticket)
            else:
                return NOTHING
        left_out = passed.get((channel, klass)) if passed else None
        return self.lanes.first_except(channel, [klass], left_out) if left_out else self.lanes.heads[channel][klass]

    def _offer_round(self, task: Task, worker: Worker | None) -> None:
        """Offer the task to this worker, and to as many others as its queue allows at once."""
        self._begin_round(task)
        left = self.queues[task.queue].max_reserved
        while worker is not None and left and task.state != ENDING:
            self._offer(task, worker)
            self._sync(worker)
            left -= 1
            worker = chooser.choose(self, task, self._now) if left else None

    def _place(self, task: Task) -> bool:
        """Offer the task, or let it wait, or send it on. True: it now stands at another step, place it again."""
        if task.target is None:
            return self._leave_step(task, skipped=True)
        is_over = task.step_due is not None and task.step_due <= self._now
        if is_over and not task.fresh:
            return self._leave_step(task, skipped=False)
        task.fresh = False
        worker = chooser.choose(self, task, self._now)
        if worker is not None:
            self._offer_round(task, worker)
            return False
        skip_if = task.target.skip_if
        if skip_if is not None:
            counts = chooser.head_count(self, self.queues[task.queue])
            if skip_if.matches({"workers": counts}):
                return self._leave_step(task, skipped=True)
        if is_over:
            return self._leave_step(task, skipped=False)
        self._enter_lane(task)
        return False

    def _leave_step(self, task: Task, *, skipped: bool) -> bool:
        rules = self.rules.get(task.workflow)
        if rules is None:
            position = None
        elif task.target is None:
            # The document was changed under it: it enters anew.
            position = rules.document.enter(task.attributes)
        else:
            position = rules.document.after(task.position, task.attributes, skipped=skipped)
        target = None if position is None or rules is None else rules.document.target(position)
        if position is None or target is None or target.queue not in self.queues:
            self._cancel(task, WORKFLOW_SKIPPED if skipped else WORKFLOW_TIMEOUT)
            return False
        queue_before = task.queue
        if position.filter != task.position.filter or task.target is None:
            task.entered = self._now
        task.position, task.queue, task.fresh = position, target.queue, True
        if target.priority is not None:
            task.priority = target.priority
        self._leave_class(task)
        self._aim(task)
        self._out.append(
            Move(
                *(task.id, position, task.queue, queue_before, task.priority, task.entered, task.step_due),
                timed_out=not skipped,
                known_worker=target.known_worker_of(task.attributes),
            )
        )
        return True

    def _begin_round(self, task: Task) -> None:
        task.assignments += 1
        if task.assignments > MAX_ASSIGNMENTS:
            self._cancel(task, TOO_MANY_ASSIGNMENTS)

    def _offer(self, task: Task, worker: Worker) -> None:
        rules = self.rules.get(task.workflow)
        due = self._now + (rules.reservation_timeout if rules else RESERVATION_TIMEOUT)
        hold = Hold(self.new_id(), task, worker, 1, self.weights[task.channel])
        self.clock.set(hold, due)
        task.state = OFFERED
        self._take(hold)
        self._out.append(
            Offer(
                *(hold.id, task.id, worker.id, self.channel_ids[task.channel]),
                *(due, hold.units, hold.weight, task.ignore_capacity),
            )
        )

    def _cancel(self, task: Task, reason: str) -> None:
        if task.in_lane:
            self._leave_lane(task)
        task.state = ENDING
        self._dirty_tasks.pop(task, None)
        self._out.append(Cancel(task.id, reason))

    def _best_for(self, worker: Worker) -> int:
        """The key of the waiting task the worker should have next, or ``NOTHING``."""
        best, barred = NOTHING, worker.barred
        if barred:
            now = self._now
            for ticket in [ticket for ticket, until in barred.items() if until <= now]:
                del barred[ticket]
        if not worker.available:
            return best
        slot, lanes, eligibility = worker.slot, self.lanes, self.eligibility
        pick, loads, caps, weights = eligibility.picks[slot], worker.loads, worker.caps, self.weights
        for channel, filled in enumerate(lanes.filled):
            if not filled or loads[channel] >= caps[channel] or not worker.is_open[channel]:
                continue
            held = worker.load if self.interruptible[channel] else worker.load - worker.soft
            if held + weights[channel] > worker.capacity:
                continue
            if not lanes.wide or len(eligibility.classes[slot]) <= WIDE:
                key = min((pick or eligibility.pick(slot))(lanes.heads[channel]))
            else:
                key = lanes.first_of(channel, eligibility.class_sets[slot])
            if barred and key & TICKET_MASK in barred:
                key = lanes.first_except(channel, eligibility.classes[slot], barred)
            if key < best:
                best = key
        return best


def _has_passed(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now
