"""What the matcher remembers of one worker, one task, one reservation, one queue. Its own, nobody else's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routing.engine.syntax import Node
from routing.engine.values import Id
from routing.engine.workflow import DEFAULT, Position, Target, Workflow

WAITING, OFFERED, HELD, ENDING = range(4)
STATES = {"waiting": WAITING, "offered": OFFERED, "held": HELD}


@dataclass(slots=True)
class Queue:
    """A queue: its target expression, and the class it is once somebody asks who is in it."""

    id: Id
    node: Node
    max_reserved: int
    newest_first: bool
    #: what the teller wants to remember
    about: Any
    #: the step of tasks that were sent straight here
    target: Target
    klass: int = -1


@dataclass(slots=True)
class Rules:
    """A workflow: its document and how long its offers stay open."""

    document: Workflow
    reservation_timeout: float


class Worker:
    """``caps``, ``loads``, ``accepted`` and ``is_open`` are by channel index; ``pending`` counts open offers."""

    __slots__ = (
        *("about", "accepted", "activity_sid", "available", "barred", "capacity", "caps", "counters", "id"),
        *("idle_on", "idle_since", "is_open", "load", "loads", "pending", "scope", "slot", "soft"),
    )

    def __init__(self, worker_id: Id, slot: int, channels: dict[str, int]) -> None:
        self.id = worker_id
        self.slot = slot
        #: what expressions read as ``worker.channel``
        self.counters = Counters(self, channels)
        self.activity_sid = ""
        self.available = False
        self.capacity = 0
        self.load = 0
        #: the part of the load that gives way to work that cannot be interrupted
        self.soft = 0
        self.caps: list[int] = []
        self.loads: list[int] = []
        self.accepted: list[int] = []
        self.is_open: list[bool] = []
        self.pending = 0
        self.idle_since = 0.0
        #: by channel, where idleness counts by itself
        self.idle_on: list[float] = []
        #: what the reader of the row remembers; the engine only carries it
        self.about: Any = None
        self.scope: dict[str, Any] = {}
        #: tickets of waiting tasks this worker declined, and until when they are not offered again
        self.barred: dict[int, float] = {}


class Hold:
    """A live reservation: what it takes from its worker. ``alarm``: when it runs out, while it is only an offer."""

    __slots__ = ("accepted", "alarm", "channel", "id", "soft", "task", "units", "weight", "worker")

    def __init__(self, hold_id: Id, task: Task, worker: Worker, units: int, weight: int) -> None:
        self.id = hold_id
        self.task = task
        self.worker = worker
        self.channel = task.channel
        self.units = units
        self.weight = weight
        #: as much of the weight as can be interrupted
        self.soft = 0
        self.accepted = False
        self.alarm: float | None = None


class Task:
    """``klass`` is the eligibility class it waits in (-1: none yet), ``in_lane`` whether it stands there now."""

    __slots__ = (
        *("about", "again", "alarm", "assignments", "attributes", "channel", "declined", "direct", "entered"),
        *("expires", "fresh", "holds", "id", "ignore_capacity", "in_lane", "is_barring", "key", "klass", "not_worker"),
        *("only_worker", "overdue", "position", "priority", "queue", "start", "state", "step_due", "target"),
        *("ticket", "version", "workflow", "wrap_due"),
    )

    def __init__(self, task_id: Id, ticket: int) -> None:
        self.id = task_id
        self.ticket = ticket
        self.version = 0
        self.about: Any = None
        self.key = 0
        self.klass = -1
        self.in_lane = False
        #: it came to its step just now: somebody is looked for before the step's time counts
        self.fresh = True
        self.channel = 0
        self.state = WAITING
        self.attributes: Mapping[str, Any] = {}
        self.priority = 0
        self.start = 0.0
        self.workflow: Id | None = None
        self.position: Position = DEFAULT
        self.entered = 0.0
        self.queue: Id = None
        self.target: Target | None = None
        self.step_due: float | None = None
        self.expires: float | None = None
        self.declined: Mapping[Id, float] = {}
        self.assignments = 0
        self.ignore_capacity = False
        self.only_worker = ""
        self.not_worker = ""
        self.direct = False
        self.holds: dict[Id, Hold] = {}
        #: deadlines: ``step_due`` and ``expires`` above, when somebody who declined may be asked again, when it has
        #: waited as long as anybody may, the wrap-up limit
        self.again: float | None = None
        self.overdue: float | None = None
        self.wrap_due: float | None = None
        #: when it is rung: at the first of them that counts in its state, or sooner
        self.alarm: float | None = None
        #: workers are kept from it, who declined it lately
        self.is_barring = False


class Counters(Mapping[str, Any]):
    """``worker.channel``: a worker's channels with the counters expressions may ask for, as of now.

    Read live, so a worker's own are never other than before.
    """

    __slots__ = ("_channels", "_worker")

    def __init__(self, worker: Worker, channels: dict[str, int]) -> None:
        self._worker = worker
        self._channels = channels

    def __getitem__(self, name: str) -> dict[str, int]:
        index, worker = self._channels[name], self._worker
        capacity = worker.caps[index]
        return {
            "configured_capacity": capacity,
            "assigned_tasks": worker.accepted[index],
            "available_capacity_percentage": math.floor((1 - worker.loads[index] / capacity) * 100) if capacity else 0,
        }

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)
