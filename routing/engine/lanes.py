"""Waiting tasks: one heap per (task channel, eligibility class), and the head of each in a flat list.

A task is one integer: what orders it in the high bits, its ticket in the low ones (``pack``). Taking the best task for
a worker is a minimum over the heads of the classes they belong to. What leaves from the middle of a heap stays there
as a dead entry until it comes to the top, or half of the heap is dead.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Collection, Container, Iterable, Sequence

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

    __slots__ = ("_classes", "_dead", "_dead_in", "_heaps", "_order", "heads", "sizes", "wide")

    def __init__(self) -> None:
        self.heads: list[list[int]] = []
        self._heaps: list[list[list[int]]] = []
        self._classes = 0
        self._dead: set[tuple[int, int, int]] = set()
        self._dead_in: dict[tuple[int, int], int] = {}
        #: how many tasks wait, by channel
        self.sizes: list[int] = []
        #: whether somebody is in so many classes that the heads are kept sorted
        self.wide = False
        self._order: list[list[int]] = []

    def add_channel(self) -> None:
        self.sizes.append(0)
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
        self.sizes[channel] += 1
        if self._dead and (channel, klass, key) in self._dead:
            self._bury((channel, klass, key))  # it never left the heap: it lives again
            return
        heapq.heappush(self._heaps[channel][klass], key)
        heads = self.heads[channel]
        if key < heads[klass]:
            if self.wide:
                self._set_head(channel, klass, key)
            else:
                heads[klass] = key

    def remove(self, channel: int, klass: int, key: int) -> None:
        """A task waits no longer."""
        self.sizes[channel] -= 1
        heap = self._heaps[channel][klass]
        if heap[0] != key:
            self._dead.add((channel, klass, key))
            count = self._dead_in.get((channel, klass), 0) + 1
            self._dead_in[channel, klass] = count
            if count > 32 and count * 2 > len(heap):
                self._compact(channel, klass)
            return
        heapq.heappop(heap)
        if self._dead_in:
            while heap and (channel, klass, heap[0]) in self._dead:
                self._bury((channel, klass, heapq.heappop(heap)))
        if self.wide:
            self._set_head(channel, klass, heap[0] if heap else NOTHING)
        else:
            self.heads[channel][klass] = heap[0] if heap else NOTHING

    def first(self, channel: int, pick: Pick, classes: Collection[int]) -> int:
        """The best waiting task's key over these classes, or ``NOTHING``; ``pick`` gets their heads from the list."""
        if self.wide and len(classes) > WIDE:
            return self._first_in_order(channel, classes)
        return min(pick(self.heads[channel]))

    def _first_in_order(self, channel: int, members: Container[int]) -> int:
        """The best waiting task's key over the classes in ``members``, looking at the best of all first."""
        for packed in self._order[channel]:
            if packed & ((1 << _CLASS_BITS) - 1) in members:
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
            key, index = heapq.heappop(frontier)
            if key >= bound:
                break
            if key & TICKET_MASK not in barred and (channel, klass, key) not in dead:
                return key
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heapq.heappush(frontier, (heap[child], child))
        return NOTHING

    def _set_head(self, channel: int, klass: int, key: int) -> None:
        if self.wide:
            order, before = self._order[channel], self.heads[channel][klass]
            if before != NOTHING:
                del order[bisect.bisect_left(order, before << _CLASS_BITS | klass)]
            if key != NOTHING:
                bisect.insort(order, key << _CLASS_BITS | klass)
        self.heads[channel][klass] = key

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
        heapq.heapify(alive)
        heap[:] = alive
        del self._dead_in[channel, klass]
