"""A flow document as the engine reads it: tolerant of what real exports contain, in the order they list it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    type: str
    value: str
    #: the template tested instead of the split's input, or ""
    argument: str


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    event: str
    next: str  # "" = the execution ends here
    condition: Condition | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    name: str
    type: str
    properties: Mapping[str, Any]
    transitions: tuple[Transition, ...]

    def next(self, event: str) -> str:
        """Where ``event`` leads, "" when it ends the flow."""
        return next((t.next for t in self.transitions if t.event == event and t.next), "")

    def has(self, event: str) -> bool:
        """Whether ``event`` is connected."""
        return bool(self.next(event))


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    initial: str
    states: Mapping[str, State]

    @classmethod
    def parse(cls, definition: object) -> Document:
        """Read a definition; what is malformed is left out (``validation.check`` says what). Never raises."""
        document = definition if isinstance(definition, Mapping) else {}
        states: dict[str, State] = {}
        for raw in _list(document.get("states")):
            if isinstance(raw, Mapping) and isinstance(raw.get("name"), str) and raw["name"]:
                states.setdefault(raw["name"], _state(raw))
        return cls(initial=_text(document.get("initial_state")), states=states)


def _state(raw: Mapping[str, Any]) -> State:
    properties = raw.get("properties")
    return State(
        name=raw["name"],
        type=_text(raw.get("type")),
        properties=properties if isinstance(properties, Mapping) else {},
        transitions=tuple(_transition(t) for t in _list(raw.get("transitions")) if isinstance(t, Mapping)),
    )


def _transition(raw: Mapping[str, Any]) -> Transition:
    conditions = [c for c in _list(raw.get("conditions")) if isinstance(c, Mapping)]
    condition = None
    if conditions:
        arguments = _list(conditions[0].get("arguments"))
        condition = Condition(
            type=_text(conditions[0].get("type")),
            value=_text(conditions[0].get("value")),
            argument=_text(arguments[0]) if arguments else "",
        )
    return Transition(event=_text(raw.get("event")), next=_text(raw.get("next")), condition=condition)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Scalars as text; exports write numbers both ways."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return ""
