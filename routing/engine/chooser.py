"""Which worker gets a task: the eligible ones with room, then the order among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.engine.postings import slots
from routing.engine.state import Queue, Task, Worker
from routing.engine.values import resolve
from routing.engine.workflow import OrderKey

if TYPE_CHECKING:
    from routing.engine.matcher import Matcher


#: How many of the longest idle are looked at before the eligible ones are searched for.
_WALK = 48
#: Up to so many idle are looked at one by one.
_FEW = 16


def choose(matcher: Matcher, task: Task, now: float) -> Worker | None:
    """The worker the task is offered to next, or None.

    Who declined it comes after everybody else, not before ``reoffer_after``, and in the order they declined.
    """
    target = task.target
    if not (task.declined or task.holds or task.ignore_capacity or (target is not None and target.order_by)):
        return _longest_idle_of(matcher, task)
    idle = matcher.idle[task.channel]
    if idle.size <= _FEW and not task.ignore_capacity and not (target is not None and target.order_by):
        return _one_of_few(matcher, task, now)
    members = matcher.eligibility.members[task.klass]
    found = members if task.ignore_capacity else members & idle.members
    if not found:
        return None
    excluded = False
    for hold in task.holds.values():
        if found >> hold.worker.slot & 1:
            found ^= 1 << hold.worker.slot
            excluded = True
    again: list[tuple[float, int, int]] = []
    for worker_id, at in task.declined.items():
        worker = matcher.workers.get(worker_id)
        if worker is not None and found >> worker.slot & 1:
            found ^= 1 << worker.slot
            excluded = True
            if at + matcher.reoffer_after <= now:
                again.append((at, idle.keys[worker.slot], worker.slot))
    if not found:
        return matcher.slots[min(again)[2]] if again else None
    if target is not None and target.order_by:
        return matcher.slots[_first_by(matcher, found, task)]
    if task.ignore_capacity:
        return min((worker for slot in slots(found) if (worker := matcher.slots[slot])), key=_idleness)
    return matcher.slots[_longest_idle(matcher, task, found, excluded)]


def _one_of_few(matcher: Matcher, task: Task, now: float) -> Worker | None:
    """As ``choose`` without ``order_by`` when hardly anybody is idle: looks at each of them, the longest idle first."""
    idle = matcher.idle[task.channel]
    flags, after = matcher.eligibility.flags(task.klass), idle.after
    holders = {hold.worker for hold in task.holds.values()}
    again: list[tuple[float, int, int]] = []
    slot = after[0]
    for _ in range(idle.size):
        worker = matcher.slots[slot] if flags[slot] else None
        if worker is not None and worker not in holders:
            at = task.declined.get(worker.id)
            if at is None:
                return worker
            if at + matcher.reoffer_after <= now:
                again.append((at, idle.keys[slot], slot))
        slot = after[slot]
    return matcher.slots[min(again)[2]] if again else None


def _longest_idle_of(matcher: Matcher, task: Task) -> Worker | None:
    """The longest idle of the task's class. Most have somebody among those idle the longest of all."""
    idle = matcher.idle[task.channel]
    flags, after = matcher.eligibility.flags(task.klass), idle.after
    slot = after[0]
    for _ in range(min(_WALK, idle.size)):
        if flags[slot]:
            return matcher.slots[slot]
        slot = after[slot]
    if idle.size <= _WALK:
        return None
    found = matcher.eligibility.members[task.klass] & idle.members
    return matcher.slots[_longest_idle(matcher, task, found, False)] if found else None


def _longest_idle(matcher: Matcher, task: Task, found: int, excluded: bool) -> int:
    """Walk the idle list to the first that is meant, or compare those meant: whichever looks at fewer."""
    count = found.bit_count()
    idle = matcher.idle[task.channel]
    if count == 1:
        return found.bit_length() - 1
    if count * count * 2 < idle.size:
        return min(slots(found), key=idle.keys.__getitem__)
    after = idle.after
    slot = after[0]
    if excluded:
        data = found.to_bytes((len(after) + 8) // 8, "little")
        while not data[slot >> 3] >> (slot & 7) & 1:
            slot = after[slot]
        return slot
    flags = matcher.eligibility.flags(task.klass)
    while not flags[slot]:
        slot = after[slot]
    return slot


def _first_by(matcher: Matcher, found: int, task: Task) -> int:
    """By the clauses left to right, then the longest idle. Who lacks an integer there comes last, either way."""
    idle = matcher.idle[task.channel]
    order_by: tuple[OrderKey, ...] = task.target.order_by if task.target else ()

    def rank(slot: int) -> tuple[Any, ...]:
        worker = matcher.slots[slot]
        parts: list[tuple[int, int]] = []
        for clause in order_by:
            value = resolve(clause.path, worker.scope) if worker else None
            if value.__class__ is int:
                parts.append((0, -value if clause.descending else value))
            else:
                parts.append((1, 0))
        return (*parts, idle.keys[slot], slot)

    return min(slots(found), key=rank)


def head_count(matcher: Matcher, queue: Queue) -> dict[str, int]:
    """What skip_if may ask: how many of the queue's workers are available, unavailable, and in each activity."""
    if queue.klass < 0:
        queue.klass = matcher.eligibility.hold(queue.node)
        matcher.lanes.grow(queue.klass)
    counts = {"available": 0, "unavailable": 0}
    for slot in slots(matcher.eligibility.members[queue.klass]):
        worker = matcher.slots[slot]
        if worker is not None:
            counts["available" if worker.available else "unavailable"] += 1
            counts[worker.activity_sid] = counts.get(worker.activity_sid, 0) + 1
    return counts


def _idleness(worker: Worker) -> tuple[float, int]:
    return worker.idle_since, worker.slot
