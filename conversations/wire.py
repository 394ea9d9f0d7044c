"""The contract's inbound values as JSON, for the inbox rows, and back again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from channels_adapters.contract import (
    Deletion,
    Echo,
    Edit,
    InboundAttachment,
    InboundEvent,
    InboundMessage,
    Malformed,
    Postback,
    Reaction,
    Receipt,
    Sender,
    Typing,
    Unsupported,
)

#: The word stored in ``InboundEvent.kind`` -> the contract's type.
KINDS: dict[str, type] = {
    "message": InboundMessage,
    "echo": Echo,
    "edit": Edit,
    "deletion": Deletion,
    "reaction": Reaction,
    "postback": Postback,
    "receipt": Receipt,
    "typing": Typing,
    "unsupported": Unsupported,
    "malformed": Malformed,
}
_NAMES = {cls: name for name, cls in KINDS.items()}


def kind_of(event: InboundEvent | Malformed) -> str:
    """The stored word for an event's type."""
    return _NAMES[type(event)]


def to_json(event: InboundEvent | Malformed) -> dict[str, Any]:
    """A contract value -> plain JSON. Free-form parts (``raw``, ``data``) are passed through, not copied: callers
    scrub them, which also bounds their depth."""
    return {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Sender | InboundAttachment):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return value


def _time(value: Any) -> dt.datetime | None:
    return None if value is None else dt.datetime.fromisoformat(value)


def _known(cls: type, body: Mapping[str, Any]) -> dict[str, Any]:
    """The keys ``cls`` knows: a row written by another release may have more."""
    return {field.name: body[field.name] for field in dataclasses.fields(cls) if field.name in body}


def _sender(value: Any) -> Sender | None:
    return None if value is None else Sender(**_known(Sender, value))


_READ: dict[str, Callable[[Any], Any]] = {
    "at": _time,
    "watermark": _time,
    "sender": _sender,
    "recipient": _sender,
    "attachments": lambda value: tuple(InboundAttachment(**_known(InboundAttachment, item)) for item in value),
    "external_ids": tuple,
}


def from_json(kind: str, body: Mapping[str, Any]) -> InboundEvent | Malformed:
    """What ``to_json`` made of an event of this ``kind``, as the contract's value. Raises KeyError for an unknown
    kind and TypeError when a field is missing."""
    cls = KINDS[kind]
    values = {name: _READ[name](value) if name in _READ else value for name, value in _known(cls, body).items()}
    event: InboundEvent | Malformed = cls(**values)
    return event
