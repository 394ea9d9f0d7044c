"""Every deadline in one heap. Setting and canceling never search: a canceled alarm stays until it comes up or rots."""

from __future__ import annotations

import heapq
import itertools
from typing import Any


class Alarm:
    """One deadline. ``subject`` None: canceled or gone off."""

    __slots__ = ("due", "kind", "subject")

    def __init__(self, due: float, kind: str, subject: Any) -> None:
        self.due = due
        self.kind = kind
        self.subject = subject


class Clockwork:
    """Alarms in order of their time; those of one moment in the order they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._live = 0

    def __len__(self) -> int:
        return self._live

    def set(self, due: float, kind: str, subject: Any) -> Alarm:
        """An alarm at ``due``; keep it to cancel it."""
        alarm = Alarm(due, kind, subject)
        heapq.heappush(self._heap, (due, next(self._numbers), alarm))
        self._live += 1
        return alarm

    def cancel(self, alarm: Alarm | None) -> None:
        """The alarm will not go off. None, or one that went off already, changes nothing."""
        if alarm is None or alarm.subject is None:
            return
        alarm.subject = None
        self._live -= 1
        if len(self._heap) > 64 + 4 * self._live:
            self._heap = [entry for entry in self._heap if entry[2].subject is not None]
            heapq.heapify(self._heap)

    def pop_due(self, now: float) -> list[tuple[str, Any]]:
        """What went off up to now, as (kind, subject), in order."""
        heap, gone_off = self._heap, []
        while heap and (heap[0][0] <= now or heap[0][2].subject is None):
            alarm = heapq.heappop(heap)[2]
            if alarm.subject is not None:
                gone_off.append((alarm.kind, alarm.subject))
                alarm.subject = None
                self._live -= 1
        return gone_off

    def next_due(self) -> float | None:
        """When the next alarm goes off."""
        while self._heap and self._heap[0][2].subject is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
