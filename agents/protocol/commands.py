"""Client -> server: the commands, and how a text message becomes one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, ClassVar

from agents.protocol import values
from contactcenter.lib.errors import ContactCenterError

MAX_FRAME = 64 * 1024
MAX_TEXT = 32_000
MAX_ATTACHMENTS = 10


class BadFrame(ContactCenterError):
    """What came is no command. ``request_id`` is set when the frame had a usable one."""

    code = "bad_frame"

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


_request_id = values.text(64, least=1)
_conversation = values.sid("CH")
_key = values.text(64, least=1)


def _field(read: Callable[[Any], Any], **default: Any) -> Any:
    return dataclasses.field(metadata={"read": read}, **default)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something the agent wants. ``id`` comes back in the answer."""

    type: ClassVar[str]
    id: str = _field(_request_id)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Command):
    """Follow streams from the last event each holds; None = none held, send a snapshot. Adds to what is followed.

    A stream left out stays as it is (``follow_worker`` False: ``worker_seq`` was not in the frame).
    """

    type: ClassVar[str] = "subscribe"
    worker_seq: int | None = _field(values.optional(values.number), default=None)
    conversations: dict[str, int | None] = dataclasses.field(metadata={"read": values.positions}, default_factory=dict)
    follow_worker: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Command):
    type: ClassVar[str] = "unsubscribe"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySet(Command):
    type: ClassVar[str] = "activity.set"
    activity: str = _field(values.sid("WA"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReservationAccept(Command):
    """Answered with ``conversation``: the sid to open, or null."""

    type: ClassVar[str] = "reservation.accept"
    reservation: str = _field(values.sid("WR"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReject(Command):
    type: ClassVar[str] = "reservation.reject"
    reservation: str = _field(values.sid("WR"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageSend(Command):
    """Write to the customer; answered with ``message``. ``key`` is made by the client, once per message: sent again it
    gives the same message.

    ``seen_seq`` is the highest message seq on the screen: when a colleague has written after it, the command is refused
    with ``conversation.answered_meanwhile`` unless ``force``.
    """

    type: ClassVar[str] = "message.send"
    conversation: str = _field(_conversation)
    key: str = _field(_key)
    text: str = _field(values.text(MAX_TEXT), default="")
    attachments: tuple[str, ...] = _field(values.listing(values.text(64, least=1), MAX_ATTACHMENTS), default=())
    reply_to: str | None = _field(values.optional(values.sid("IM")), default=None)
    seen_seq: int | None = _field(values.optional(values.number), default=None)
    force: bool = _field(values.flag, default=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageRetry(Command):
    type: ClassVar[str] = "message.retry"
    message: str = _field(values.sid("IM"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdd(Command):
    """An internal note; answered with ``message``."""

    type: ClassVar[str] = "note.add"
    conversation: str = _field(_conversation)
    key: str = _field(_key)
    text: str = _field(values.text(MAX_TEXT, least=1))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TypingSet(Command):
    """The agent is writing (to the customer), or has stopped. Send again every few seconds while writing."""

    type: ClassVar[str] = "typing"
    conversation: str = _field(_conversation)
    active: bool = _field(values.flag, default=True)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRead(Command):
    """The agent has seen messages up to ``seq``."""

    type: ClassVar[str] = "conversation.read"
    conversation: str = _field(_conversation)
    seq: int = _field(values.number)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DraftSave(Command):
    """Keep what is typed; an empty text removes the draft."""

    type: ClassVar[str] = "draft.save"
    conversation: str = _field(_conversation)
    text: str = _field(values.text(MAX_TEXT))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRequeue(Command):
    """Give the conversation back to the queue; ``note`` is kept as an internal note."""

    type: ClassVar[str] = "conversation.requeue"
    conversation: str = _field(_conversation)
    note: str = _field(values.text(MAX_TEXT), default="")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskWrapUp(Command):
    type: ClassVar[str] = "task.wrapup"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskComplete(Command):
    """Done: ``disposition`` is one of welcome's codes; ``note`` is kept as an internal note."""

    type: ClassVar[str] = "task.complete"
    conversation: str = _field(_conversation)
    disposition: str = _field(values.text(64))
    note: str = _field(values.text(MAX_TEXT), default="")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransferStart(Command):
    """Ask a colleague (WK...) or a queue's agents (WQ...) to join (WARM) or to take over (COLD); answered with
    ``transfer``, its sid. ``note`` is shown to whoever is asked, and kept as an internal note."""

    type: ClassVar[str] = "transfer.start"
    conversation: str = _field(_conversation)
    to: str = _field(values.sid("WK", "WQ"))
    mode: str = _field(values.one_of("WARM", "COLD"), default="WARM")
    note: str = _field(values.text(4096), default="")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransferCancel(Command):
    """Think better of it: who was asked is asked no longer."""

    type: ClassVar[str] = "transfer.cancel"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversationLeave(Command):
    """One of two agents leaves; the other has the conversation from then on."""

    type: ClassVar[str] = "conversation.leave"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversationWatch(Command):
    """Look over a colleague's shoulder: becomes a watching participant."""

    type: ClassVar[str] = "conversation.watch"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversationUnwatch(Command):
    type: ClassVar[str] = "conversation.unwatch"
    conversation: str = _field(_conversation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Command):
    """Every 20 s, and at once when the server sends ``poke``; answered with ``pong``. Needs no id."""

    type: ClassVar[str] = "ping"
    id: str = _field(_request_id, default="")


COMMANDS: dict[str, type[Command]] = {
    command.type: command
    for command in (
        Subscribe,
        Unsubscribe,
        ActivitySet,
        ReservationAccept,
        ReservationReject,
        MessageSend,
        MessageRetry,
        NoteAdd,
        TypingSet,
        ConversationRead,
        DraftSave,
        ConversationRequeue,
        TaskWrapUp,
        TaskComplete,
        TransferStart,
        TransferCancel,
        ConversationLeave,
        ConversationWatch,
        ConversationUnwatch,
        Ping,
    )
}


def parse(frame: str | bytes | None) -> Command:
    """A text message -> the command in it. Raises ``BadFrame``. Keys nobody knows are ignored."""
    if not isinstance(frame, str):
        raise BadFrame("Send text messages holding one JSON object each.")
    if len(frame) > MAX_FRAME or len(frame.encode("utf-8", "replace")) > MAX_FRAME:
        raise BadFrame(f"A frame may have {MAX_FRAME} bytes at most.")
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        raise BadFrame("This is not JSON.") from None
    if not isinstance(value, dict):
        raise BadFrame("A frame is a JSON object.")
    try:
        request_id: str | None = _request_id(value.get("id"))
    except ValueError:
        request_id = None
    kind = value.get("type")
    command = COMMANDS.get(kind) if isinstance(kind, str) else None
    if command is None:
        raise BadFrame('There is no such command. "type" names one.', request_id)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(command):
        read = field.metadata.get("read")
        if read is None:
            continue
        if field.name not in value:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise BadFrame(f'{command.type} needs "{field.name}".', request_id)
            continue
        try:
            fields[field.name] = read(value[field.name])
        except (ValueError, RecursionError) as error:
            raise BadFrame(f'{command.type}: "{field.name}" {error}.', request_id) from None
    if command is Subscribe:
        fields["follow_worker"] = "worker_seq" in value
    return command(**fields)
