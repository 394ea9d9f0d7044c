"""A job queue that records, and runs when told to."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

import pytest
from celery.app.task import Task

from contactcenter.celery import HintTask

#: More jobs than this in one drain is two jobs queueing each other for ever.
LIMIT = 5_000


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    queue: str
    kwargs: dict[str, Any]
    task: Any


class JobQueue:
    """What ``job.delay(...)`` fills in tests. Safe to fill from threads."""

    def __init__(self) -> None:
        self.waiting: list[Job] = []
        self._lock = threading.Lock()

    def put(self, job: Job) -> None:
        with self._lock:
            self.waiting.append(job)

    def __call__(self, queue: str | None = None) -> int:
        """Run what waits (of one queue), first in first out, until nothing is left. Returns how many ran.

        A job that raises ends the drain with its exception.
        """
        count = 0
        while (job := self._take(queue)) is not None:
            count += 1
            if count > LIMIT:
                raise AssertionError(f"more than {LIMIT} jobs in one drain; the last was {job.name}({job.kwargs})")
            job.task.run(**job.kwargs)
        return count

    def _take(self, queue: str | None) -> Job | None:
        with self._lock:
            for index, job in enumerate(self.waiting):
                if queue is None or job.queue == queue:
                    return self.waiting.pop(index)
        return None

    def names(self) -> list[str]:
        """Dotted names of the waiting jobs, in order."""
        return [job.name for job in self.waiting]

    def clear(self) -> None:
        """Lose what waits, as a broker may."""
        with self._lock:
            self.waiting.clear()


def record_into(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every ``delay`` and ``apply_async`` put into ``queue`` instead of a broker."""

    def apply_async(
        self: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *rest: Any, **options: Any
    ) -> None:
        assert not args, f"{self.name}: jobs take keyword arguments only"
        assert not {"eta", "countdown"} & options.keys(), f"{self.name}: timers are rows, never ETAs"
        name = options.get("queue") or getattr(self, "queue", None) or self.app.conf.task_default_queue
        queue.put(Job(name=self.name, queue=name, kwargs=json.loads(json.dumps(kwargs or {})), task=self))

    monkeypatch.setattr(Task, "apply_async", apply_async)
    # Over Redis ``delay`` does not go through ``apply_async``.
    monkeypatch.setattr(HintTask, "delay", Task.delay)
