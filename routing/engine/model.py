"""What goes into the matcher and what comes out of it. Ids are any hashable values; times are float seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from routing.engine.values import Id
from routing.engine.workflow import DEFAULT, Position


@dataclass(slots=True)
class WorkerSpec:
    """A worker as its rows say. ``channels``: task channel id -> (capacity, is it open)."""

    id: Id
    sid: str
    name: str
    attributes: Mapping[str, Any]
    activity_sid: str
    activity_name: str
    available: bool
    capacity: int
    idle_since: float
    channels: Mapping[Id, tuple[int, bool]]
    #: task channel id -> since when without a task of it, for the channels where that counts
    idle_on: Mapping[Id, float] = field(default_factory=dict)
    #: what the reader of the row wants to remember; the engine only carries it
    about: Any = None


class Held(NamedTuple):
    """A live reservation as its row says. ``due``: when an open offer runs out."""

    id: Id
    worker: Id
    accepted: bool
    due: float | None
    units: int
    weight: int


@dataclass(slots=True)
class TaskSpec:
    """A live task as its rows say. ``state``: waiting (pending), offered (reserved) or held (assigned, wrapping)."""

    id: Id
    queue: Id
    channel: Id
    workflow: Id | None = None
    state: str = "waiting"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    start: float = 0.0
    position: Position = DEFAULT
    entered: float = 0.0
    expires: float | None = None
    wrap_due: float | None = None
    declined: Mapping[Id, float] = field(default_factory=dict)
    assignments: int = 0
    ignore_capacity: bool = False
    #: sid of the one worker it may go to, when it was sent to one directly
    only_worker: str = ""
    #: sid of a worker it may not go to: who hands it on
    not_worker: str = ""
    #: it was sent straight to its queue or worker: the workflow's steps do not apply
    direct: bool = False
    reservations: tuple[Held, ...] = ()
    #: of the row this was read from, and what else its reader wants to remember; the engine only carries them
    version: int = 0
    about: Any = None


class Offer(NamedTuple):
    """Decision: offer the task to the worker. The first offer of a round makes the task reserved."""

    reservation: Id
    task: Id
    worker: Id
    channel: Id
    due: float
    units: int
    weight: int
    over_capacity: bool


class Move(NamedTuple):
    """Decision: the task goes on to another step of its workflow."""

    task: Id
    position: Position
    queue: Id
    queue_before: Id
    priority: int
    entered: float
    due: float | None
    timed_out: bool
    #: see ``Target.known_worker_of``
    known_worker: dict[str, str] | None


class Cancel(NamedTuple):
    """Decision: the task's patience, or its workflow, has ended."""

    task: Id
    reason: str


class Expire(NamedTuple):
    """Decision: the offer's time is over."""

    reservation: Id


class WrapUpOver(NamedTuple):
    """Decision: the wrap-up took longer than allowed."""

    task: Id


Decision = Offer | Move | Cancel | Expire | WrapUpOver

TTL_EXCEEDED = "Task TTL Exceeded"
WORKFLOW_TIMEOUT = "Task canceled on Workflow timeout."
WORKFLOW_SKIPPED = "Task canceled: every step of the workflow was skipped."
TOO_MANY_ASSIGNMENTS = "Task canceled: max assignment count reached."
