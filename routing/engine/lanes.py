"""Waiting tasks: one heap per (task channel, eligibility class), and the head of each in a flat list.

A task is one integer: what orders it in the high bits, its ticket in the low ones (``pack``). Taking the best task for
a worker is a minimum over the heads of the classes they belong to. What leaves from the middle of a heap stays there
as a dead entry until it comes to the top, or half of the heap is dead.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from heapq import heapify, heappop, heappush

#: Larger than every key: the head of an empty heap.
NOTHING = 1 << 200
TICKET_BITS = 40
TICKET_MASK = (1 << TICKET_BITS) - 1
_TIME_BITS = 52
_MAX_TIME = (1 << _TIME_BITS) - 1
_MAX_PRIORITY = (1 << 31) - 1
_CLASS_BITS = 24
#: Workers in more classes than this are served by walking the heads in order instead of comparing all of theirs.
WIDE = 96
Pick = Callable[[list[int]], Sequence[int]]


def pack(last: bool, newest_first: bool, priority: int, start: float, ticket: int) -> int:
    """A task's key: the smaller, the sooner. ``last``: its kind of queue comes after the other kind."""
    if newest_first:
        return ((2 | last) << 31 << _TIME_BITS | _MAX_TIME - int(start * 1e6)) << TICKET_BITS | ticket
    return (((2 | last) << 31 | _MAX_PRIORITY - priority) << _TIME_BITS | int(start * 1e6)) << TICKET_BITS | ticket


def pack_overdue(start: float, ticket: int) -> int:
    """The key of a task that has waited too long: before all others, those by their age."""
    return int(start * 1e6) << TICKET_BITS | ticket


class Lanes:
    """``heads[channel][class]`` is the smallest key waiting there, or ``NOTHING``."""

    __slots__ = ("_classes", "_dead", "_dead_in", "_heaps", "_order", "filled", "heads", "wide")

    def __init__(self) -> None:
        self.heads: list[list[int]] = []
        self._heaps: list[list[list[int]]] = []
        self._classes = 0
        self._dead: set[tuple[int, int, int]] = set()
        self._dead_in: dict[tuple[int, int], int] = {}
        #: by channel: in how many classes tasks wait
        self.filled: list[int] = []
        #: whether somebody is in so many classes that the heads are kept sorted
        self.wide = False
        self._order: list[list[int]] = []

    def add_channel(self) -> None:
        self.filled.append(0)
        self.heads.append([NOTHING] * self._classes)
        self._heaps.append([[] for _ in range(self._classes)])
        self._order.append([])

    def grow(self, klass: int) -> None:
        """Make room for a class number."""
        while self._classes <= klass:
            self._classes += 1
            for heads, heaps in zip(self.heads, self._heaps, strict=True):
                heads.append(NOTHING)
                heaps.append([])

    def push(self, channel: int, klass: int, key: int) -> None:
        """A task waits."""
        if self._dead and (channel, klass, key) in self._dead:
            self._bury((channel, klass, key))  # it never left the heap: it lives again
            return
        heap = self._heaps[channel][klass]
        heappush(heap, key)
        if heap[0] is key:
            self._set_head(channel, klass, key)

    def remove(self, channel: int, klass: int, key: int) -> None:
        """A task waits no longer."""
        heap = self._heaps[channel][klass]
        if heap[0] != key:
            self._kill(channel, klass, key)
            return
        heappop(heap)
        if self._dead_in:
            while heap and (channel, klass, heap[0]) in self._dead:
                self._bury((channel, klass, heappop(heap)))
        if heap and not self.wide:
            self.heads[channel][klass] = heap[0]  # as _set_head does, in the most common case
        else:
            self._set_head(channel, klass, heap[0] if heap else NOTHING)

    def first_of(self, channel: int, classes: Container[int]) -> int:
        """The best waiting task's key over many classes, found by looking at the best heads first (``wide``).

        Over few it is the least of their ``heads``.
        """
        for packed in self._order[channel]:
            if packed & ((1 << _CLASS_BITS) - 1) in classes:
                return packed >> _CLASS_BITS
        return NOTHING

    def first_except(self, channel: int, classes: Iterable[int], barred: Collection[int]) -> int:
        """The best key over these classes, passing over tasks with these tickets: looks below barred heads only."""
        best = NOTHING
        for klass in classes:
            key = self.heads[channel][klass]
            if key < best and key & TICKET_MASK in barred:
                key = self._best_below(channel, klass, barred, best)
            if key < best:
                best = key
        return best

    def keys(self, channel: int, klass: int) -> list[int]:
        """What waits in a lane, in no order."""
        return [key for key in self._heaps[channel][klass] if (channel, klass, key) not in self._dead]

    def count(self) -> int:
        """How many tasks wait."""
        return sum(len(heap) for heaps in self._heaps for heap in heaps) - len(self._dead)

    def widen(self) -> None:
        """From now on keep the heads sorted."""
        if not self.wide:
            self.wide = True
            for channel, heads in enumerate(self.heads):
                packed = (key << _CLASS_BITS | klass for klass, key in enumerate(heads) if key != NOTHING)
                self._order[channel] = sorted(packed)

    def _best_below(self, channel: int, klass: int, barred: Collection[int], bound: int) -> int:
        heap, dead = self._heaps[channel][klass], self._dead
        frontier = [(heap[0], 0)]
        while frontier:
            key, index = heappop(frontier)
            if key >= bound:
                break
            if key & TICKET_MASK not in barred and (channel, klass, key) not in dead:
                return key
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heappush(frontier, (heap[child], child))
        return NOTHING

    def _set_head(self, channel: int, klass: int, key: int) -> None:
        heads = self.heads[channel]
        before = heads[klass]
        self.filled[channel] += (key != NOTHING) - (before != NOTHING)
        if self.wide:
            order = self._order[channel]
            if before != NOTHING:
                del order[bisect.bisect_left(order, before << _CLASS_BITS | klass)]
            if key != NOTHING:
                bisect.insort(order, key << _CLASS_BITS | klass)
        heads[klass] = key

    def _kill(self, channel: int, klass: int, key: int) -> None:
        self._dead.add((channel, klass, key))
        count = self._dead_in.get((channel, klass), 0) + 1
        self._dead_in[channel, klass] = count
        if count > 32 and count * 2 > len(self._heaps[channel][klass]):
            self._compact(channel, klass)

    def _bury(self, entry: tuple[int, int, int]) -> None:
        self._dead.discard(entry)
        lane = entry[:2]
        self._dead_in[lane] -= 1
        if not self._dead_in[lane]:
            del self._dead_in[lane]

    def _compact(self, channel: int, klass: int) -> None:
        heap, alive = self._heaps[channel][klass], []
        for key in heap:
            if (channel, klass, key) in self._dead:
                self._dead.discard((channel, klass, key))
            else:
                alive.append(key)
        heapify(alive)
        heap[:] = alive
        del self._dead_in[channel, klass]
