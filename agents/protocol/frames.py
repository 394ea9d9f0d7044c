"""Server -> client: everything the server says."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Something the server says."""

    type: ClassVar[str]

    def to_json(self) -> Json:
        return {"type": self.type, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Frame):
    """First on every connection. ``user`` {sid, name, username, language, theme, is_supervisor};
    ``dispositions`` [{code, label, label_ar}]; ``worker_sid`` null for who is no agent."""

    type: ClassVar[str] = "welcome"
    user: Json
    worker_sid: str | None
    server_time: str
    dispositions: list[Json]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ok(Frame):
    """The command with this id was carried out. ``result`` is spread over the frame itself."""

    type: ClassVar[str] = "ok"
    id: str
    result: Json = dataclasses.field(default_factory=dict)

    def to_json(self) -> Json:
        return {**self.result, "type": self.type, "id": self.id}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Frame):
    """The command with this id was not carried out; ``code`` for programs, ``message`` for people."""

    type: ClassVar[str] = "refused"
    id: str
    code: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Error(Frame):
    """What you sent is no command. ``id`` repeats its id, null when it had none."""

    type: ClassVar[str] = "error"
    code: str
    message: str
    id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event(Frame):
    """What happened in a stream, gaplessly numbered. ``event`` is its name, ``data`` whole parts of the state."""

    type: ClassVar[str] = "event"
    stream: str
    seq: int
    event: str
    data: Json
    at: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Frame):
    """Forget what you hold of this stream: this is it, up to and including event ``seq``."""

    type: ClassVar[str] = "snapshot"
    stream: str
    seq: int
    state: Json


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gone(Frame):
    """This conversation does not exist, or not for you (any more). Nothing of it will come."""

    type: ClassVar[str] = "gone"
    stream: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Typing(Frame):
    """The customer is writing, or has stopped. Forget it after 6 s without another."""

    type: ClassVar[str] = "typing"
    conversation: str
    who: str
    name: str
    user_sid: str | None
    active: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Composing(Frame):
    """A colleague is writing in this conversation, or has stopped. Forget it after 6 s without another."""

    type: ClassVar[str] = "composing"
    conversation: str
    user_sid: str
    name: str
    active: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DraftChanged(Frame):
    """Another tab of yours changed the draft ("" = none)."""

    type: ClassVar[str] = "draft"
    conversation: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Read(Frame):
    """You have read up to ``seq``, in another tab."""

    type: ClassVar[str] = "read"
    conversation: str
    seq: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Poke(Frame):
    """Nothing came from you for 20 s: answer with ``ping``, at once. (Browsers slow the timers of hidden tabs down to
    one a minute, not the handling of messages.)"""

    type: ClassVar[str] = "poke"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Frame):
    type: ClassVar[str] = "pong"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bye(Frame):
    """The server is about to close. ``reason``: signed_out | silent | too_slow | too_fast.
    After signed_out go to the sign-in page; after the others reconnect."""

    type: ClassVar[str] = "bye"
    reason: str


FRAMES: dict[str, type[Frame]] = {
    frame.type: frame
    for frame in (
        Welcome,
        Ok,
        Refused,
        Error,
        Event,
        Snapshot,
        Gone,
        Typing,
        Composing,
        DraftChanged,
        Read,
        Poke,
        Pong,
        Bye,
    )
}
