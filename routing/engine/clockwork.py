"""Every deadline in one heap. Setting and canceling never search.

Whoever has a deadline carries it: ``alarm`` says when they are to be rung, None that they are not. An entry of the
heap that says another time than its subject does is dead; it stays until it comes up, or half of the heap is dead.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Any


class Clockwork:
    """Alarms in order of their time; those of one moment in the order they were set. One per subject at a time."""

    __slots__ = ("_heap", "_live", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Any]] = []
        self._numbers = itertools.count()
        self._live = 0

    def __len__(self) -> int:
        return self._live

    def set(self, subject: Any, due: float) -> None:
        """Ring ``subject`` at ``due``, and no longer when it was to be rung before."""
        if subject.alarm is None:
            self._live += 1
        subject.alarm = due
        heap = self._heap
        heapq.heappush(heap, (due, next(self._numbers), subject))
        if len(heap) > 64 + 2 * self._live:
            self._heap = [entry for entry in heap if entry[2].alarm == entry[0]]
            heapq.heapify(self._heap)

    def cancel(self, subject: Any) -> None:
        """The subject will not be rung. Who has no alarm stays without."""
        if subject.alarm is not None:
            subject.alarm = None
            self._live -= 1

    def pop_due(self, now: float) -> list[Any]:
        """Who is to be rung up to now, in order; they have no alarm any more."""
        heap, due = self._heap, []
        while heap and heap[0][0] <= now:
            at, _, subject = heapq.heappop(heap)
            if subject.alarm == at:
                due.append(subject)
                subject.alarm = None
                self._live -= 1
        return due

    def next_due(self) -> float | None:
        """When somebody is to be rung next."""
        heap = self._heap
        while heap and heap[0][2].alarm != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None
