"""What an event adds to the figures. Pure: the fold, the readers and the recount all count with this.

Definitions are in docs/events.md. Waits are milliseconds here; by whole second, rounded up, in histograms, so that
"within T seconds" is exact for every whole T.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from routing.models.tally import NOTHING

#: event type -> the counter it adds one to
COUNTERS = {
    "task.created": "tasks_created",
    "task.canceled": "tasks_canceled",
    "task.completed": "tasks_completed",
    "task.deleted": "tasks_deleted",
    "task.system-deleted": "tasks_deleted",
    "task-queue.entered": "tasks_entered",
    "task-queue.moved": "tasks_entered",
    "workflow.entered": "tasks_entered_workflow",
    "workflow.timeout": "tasks_timed_out_in_workflow",
    "reservation.created": "reservations_created",
    "reservation.accepted": "reservations_accepted",
    "reservation.rejected": "reservations_rejected",
    "reservation.timeout": "reservations_timed_out",
    "reservation.canceled": "reservations_canceled",
    "reservation.rescinded": "reservations_rescinded",
    "reservation.completed": "reservations_completed",
}
#: the one event that counts for another queue than its own: the one the task came from
MOVED = "task-queue.moved"
OFFERS = tuple(name for name in COUNTERS.values() if name.startswith("reservations_"))
#: What ends a worker's stay in an activity.
MOVES = ("worker.activity.update", "worker.deleted")
#: All that is counted; every other event leaves the figures as they are.
TYPES = (*COUNTERS, *MOVES)
TASK_COUNTERS = (*dict.fromkeys(COUNTERS.values()), "tasks_moved")
#: measure -> (event type, key of its facts); of "abandoned" only the histogram is kept
MEASURES = {
    "accepted": ("reservation.accepted", "waited"),
    "queued": ("reservation.accepted", "queued"),
    "canceled": ("task.canceled", "waited"),
    "abandoned": ("task.canceled", "queued"),
}


class Counted(NamedTuple):
    """The columns of an event that it is counted, and handed on, by."""

    id: uuid.UUID
    created_at: dt.datetime
    type: str
    workspace_id: uuid.UUID
    queue_id: uuid.UUID | None
    workflow_id: uuid.UUID | None
    task_channel_id: uuid.UUID | None
    worker_id: uuid.UUID | None
    task_id: uuid.UUID | None
    facts: Mapping[str, Any] | None
    reservation_id: uuid.UUID | None


class Key(NamedTuple):
    """Whom a task's figures are kept for."""

    workspace_id: uuid.UUID
    queue_id: uuid.UUID
    workflow_id: uuid.UUID
    task_channel_id: uuid.UUID


@dataclass(slots=True)
class Wait:
    """How long they waited (ms)."""

    count: int = 0
    total: int = 0
    min: int | None = None
    max: int | None = None

    def add(self, count: int, total: int, low: int | None, high: int | None) -> None:
        self.count += count
        self.total += total
        self.min = min((value for value in (self.min, low) if value is not None), default=None)
        self.max = max((value for value in (self.max, high) if value is not None), default=None)


@dataclass(slots=True)
class Figures:
    """Counters by name, waits by measure, histograms by measure: {seconds: how many}."""

    counts: dict[str, int] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    seconds: dict[str, dict[int, int]] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        if number:
            self.counts[name] = self.counts.get(name, 0) + number

    def wait(self, measure: str) -> Wait:
        return self.waits.setdefault(measure, Wait())

    def spread(self, measure: str, seconds: int, number: int = 1) -> None:
        histogram = self.seconds.setdefault(measure, {})
        histogram[seconds] = histogram.get(seconds, 0) + number

    def add(self, other: Figures) -> None:
        for name, number in other.counts.items():
            self.count(name, number)
        for measure, wait in other.waits.items():
            self.wait(measure).add(wait.count, wait.total, wait.min, wait.max)
        for measure, histogram in other.seconds.items():
            for seconds, number in histogram.items():
                self.spread(measure, seconds, number)

    def within(self, measure: str, seconds: int) -> int:
        """How many waited no longer than so many whole seconds."""
        return sum(number for second, number in self.seconds.get(measure, {}).items() if second <= seconds)


def of_tasks(event: Counted) -> Iterator[tuple[Key, Figures]]:
    """What the event adds to the figures of queues, workflows and workspaces."""
    name = COUNTERS.get(event.type)
    if name is None or name == "reservations_completed":
        return
    facts = event.facts or {}
    before = facts.get("from")
    figures = Figures()
    if before is None or name not in ("tasks_entered", "tasks_entered_workflow"):
        figures.count(name)
    elif event.type == MOVED and event.queue_id is not None and before != event.queue_id.hex:
        figures.count(name)
        moved = Figures()
        moved.count("tasks_moved")
        yield _key(event, uuid.UUID(hex=before)), moved
    for measure, (type, fact) in MEASURES.items():
        if type == event.type and fact in facts:
            figures.spread(measure, -(-facts[fact] // 1000))
            if measure != "abandoned":
                figures.wait(measure).add(1, facts[fact], facts[fact], facts[fact])
    if figures.counts:
        yield _key(event, event.queue_id), figures


def of_worker(event: Counted) -> Figures | None:
    """What the event adds to its worker's figures."""
    name = COUNTERS.get(event.type, "")
    if event.worker_id is None or name not in OFFERS:
        return None
    figures = Figures()
    figures.count(name)
    return figures


class Stayed(NamedTuple):
    """A worker was in an activity for that long."""

    event_id: uuid.UUID
    worker_id: uuid.UUID
    activity_id: uuid.UUID
    activity_name: str
    started_at: dt.datetime
    ended_at: dt.datetime


def stay(event: Counted) -> Stayed | None:
    """The stay that ended with the event."""
    facts = event.facts or {}
    if event.type not in MOVES or event.worker_id is None or "activity_before" not in facts:
        return None
    return Stayed(
        event.id,
        event.worker_id,
        uuid.UUID(hex=facts["activity_before"]),
        facts.get("name_before", ""),
        dt.datetime.fromisoformat(facts["since"]),
        event.created_at,
    )


def _key(event: Counted, queue_id: uuid.UUID | None) -> Key:
    return Key(event.workspace_id, queue_id or NOTHING, event.workflow_id or NOTHING, event.task_channel_id or NOTHING)
