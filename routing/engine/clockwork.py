"""Every deadline: a bucket per second for those to come, one small heap for those near. Setting never searches.

Whoever has a deadline carries it: ``alarm`` says when they are to be rung, None that they are not. So canceling is
forgetting it; what stands in a bucket for another time than its subject says is dead, and left out when its second
comes, or when half of what is kept is dead.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Any


class Clockwork:
    """Alarms in order of their time; those of one moment in the order they were set. One per subject at a time."""

    __slots__ = ("_buckets", "_horizon", "_kept", "_live", "_near", "_numbers", "_seconds")

    def __init__(self) -> None:
        #: alarms before the horizon, a heap
        self._near: list[tuple[float, int, Any]] = []
        self._horizon = 0
        #: alarms from the horizon on by their second, and those seconds, a heap
        self._buckets: dict[int, list[Any]] = {}
        self._seconds: list[int] = []
        self._numbers = itertools.count()
        self._live = 0
        self._kept = 0

    def __len__(self) -> int:
        return self._live

    def set(self, subject: Any, due: float) -> None:
        """Ring ``subject`` at ``due``, and no longer when it was to be rung before."""
        if subject.alarm is None:
            self._live += 1
        subject.alarm = due
        if due < self._horizon:
            heapq.heappush(self._near, (due, next(self._numbers), subject))
            return
        second = int(due)
        bucket = self._buckets.get(second)
        if bucket is None:
            self._buckets[second] = [subject]
            heapq.heappush(self._seconds, second)
        else:
            bucket.append(subject)
        self._kept += 1
        if self._kept > 64 + 2 * self._live:
            self._clear_out()

    def cancel(self, subject: Any) -> None:
        """The subject will not be rung. Who has no alarm stays without."""
        if subject.alarm is not None:
            subject.alarm = None
            self._live -= 1

    def pop_due(self, now: float) -> list[Any]:
        """Who is to be rung up to now, in order; they have no alarm any more."""
        due: list[Any] = []
        while True:
            near = self._near
            while near and near[0][0] <= now:
                at, _, subject = heapq.heappop(near)
                if subject.alarm == at:
                    due.append(subject)
                    subject.alarm = None
                    self._live -= 1
            if not self._seconds or self._seconds[0] > now:
                return due
            self._come_near()

    def next_due(self) -> float | None:
        """When somebody is to be rung next; of those still far off only the second is known, so it may be sooner."""
        near, buckets = self._near, self._buckets
        while near and near[0][2].alarm != near[0][0]:
            heapq.heappop(near)
        if near:
            return near[0][0]
        while self._seconds:
            second = self._seconds[0]
            if any(_stands(subject, second) for subject in buckets[second]):
                return float(second)
            self._kept -= len(buckets.pop(heapq.heappop(self._seconds)))
        return None

    def _come_near(self) -> None:
        """The next second's alarms, as far as they still stand, go into the heap."""
        second = heapq.heappop(self._seconds)
        self._horizon = second + 1
        bucket = self._buckets.pop(second)
        self._kept -= len(bucket)
        for subject in dict.fromkeys(bucket):
            if _stands(subject, second):
                heapq.heappush(self._near, (subject.alarm, next(self._numbers), subject))

    def _clear_out(self) -> None:
        for second, bucket in self._buckets.items():
            bucket[:] = [subject for subject in dict.fromkeys(bucket) if _stands(subject, second)]
        self._kept = sum(map(len, self._buckets.values()))


def _stands(subject: Any, second: int) -> bool:
    return subject.alarm is not None and int(subject.alarm) == second
