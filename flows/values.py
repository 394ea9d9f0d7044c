"""What goes into the flow engine (events) and what comes out (commands): frozen values, no Django.

The engine decides, somebody else acts. A command whose result the flow needs (``SendMessage``, ``CreateTask``) is
always the last of its batch; its result comes back as an ``Outcome`` event.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

# -- events ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Begin. ``kind`` is what triggered it: message | call | request | parent.

    ``trigger``, ``flow`` and ``contact`` become the Liquid context of those names.
    """

    at: dt.datetime
    kind: str = "message"
    trigger: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    flow: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    contact: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """The customer wrote again. ``message`` is like ``trigger.message``; ``contact`` refreshes ``flow.contact``."""

    at: dt.datetime
    message: Mapping[str, Any]
    contact: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TimedOut:
    """The time a widget wanted to wait is over."""

    at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How the command of visit ``visit`` ended. ``data`` is what the widget leaves behind of it."""

    at: dt.datetime
    visit: int
    ok: bool
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """The question a widget waits for an answer to did not reach the customer after all."""

    at: dt.datetime
    error: str = ""


Event = Start | Reply | TimedOut | DeliveryFailed | Outcome

# -- commands --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class RecordStep:
    """Visit ``number`` of widget ``left`` ended with event ``name`` and led to widget ``entered`` ("" = the end)."""

    number: int
    name: str
    left: str
    entered: str
    output: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warnings: tuple[Mapping[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class SaveFacts:
    """Facts learned: about this conversation, and about the contact for good (language, name, attributes)."""

    conversation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    contact: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class SendMessage:
    """Say something to the customer. Answer with ``Outcome(visit)``."""

    visit: int
    text: str
    author_name: str = ""
    quick_replies: tuple[str, ...] = ()
    media_url: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class CreateTask:
    """Hand over to people. Answer with ``Outcome(visit)``.

    ``workflow`` and ``task_channel`` are sids or names, "" = the default. ``queue_notice`` is when the customer is
    told how many are ahead: "now", "later" (the flow says it itself first) or "off".
    """

    visit: int
    attributes: Mapping[str, Any]
    workflow: str = ""
    task_channel: str = ""
    priority: int | None = None
    timeout: int | None = None
    queue_notice: str = "now"


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until the customer writes, or ``seconds`` have passed."""

    seconds: int


@dataclasses.dataclass(frozen=True, slots=True)
class End:
    """The execution is over. ``code`` is Studio's error number, or "" when it ended as drawn."""

    code: str = ""
    message: str = ""


Command = RecordStep | SaveFacts | SendMessage | CreateTask | Wait | End
