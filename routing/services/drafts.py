"""What a batch plans before it writes: events, workers and their channels as they will be."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from contactcenter.lib.fast_json import Written
from routing.engine.model import Move, Offer
from routing.engine.state import Task as Known
from routing.engine.state import Worker
from routing.services.facts import Card


@dataclass(slots=True)
class Draft:
    """An event to be; ``key`` is its id's hex digits. ``back`` and ``worker_back``: how many of the batch's events come
    after it in its task's and its worker's stream: their last number is known only when the rows are written."""

    key: str
    type: str
    decision: Offer | Move
    task: Known
    back: int = 0
    worker_back: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    #: ``data`` as JSON, where that is known before the rows are written
    text: bytes = b""


@dataclass(slots=True)
class Offered:
    """A worker who is offered something, and what their row should be afterwards. ``card``: None = must be read."""

    worker: Worker
    card: Card | None
    #: the id's hex digits
    key: str
    weight: int = 0
    count: int = 0
    is_forced: bool = False
    #: by task channel
    taken: dict[uuid.UUID, Taken] = field(default_factory=dict)
    version: int = -1
    load: int = -1
    #: of the last event in their stream, once the rows are written
    seq: int = 0
    #: as the events show them, and that as JSON
    shown: Any = None
    written: Written | None = None


@dataclass(slots=True)
class Taken:
    """What is taken of a worker's channel, and what its load should be afterwards; -1: that must be read."""

    units: int = 0
    is_forced: bool = False
    load: int = -1
