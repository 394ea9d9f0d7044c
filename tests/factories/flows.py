"""Flow documents, small: ``document(state("Trigger", "trigger", incomingMessage="hello"), ...)``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flows.values import Start

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def state(name: str, type: str, properties: dict[str, Any] | None = None, /, **transitions: str) -> dict[str, Any]:
    """A widget of a document; keyword arguments are event="where it leads" ("" = the end)."""
    return {
        "name": name,
        "type": type,
        "properties": {"offset": {"x": 0, "y": 0}, **(properties or {})},
        "transitions": [{"event": event, **({"next": to} if to else {})} for event, to in transitions.items()],
    }


def match(to: str, type: str, value: str, argument: str = "{{trigger.message.Body}}") -> dict[str, Any]:
    """One branch of a split."""
    condition = {"friendly_name": f"{type} {value}", "arguments": [argument], "type": type, "value": value}
    return {"event": "match", "next": to, "conditions": [condition]}


def split(
    name: str, *branches: dict[str, Any], input: str = "{{trigger.message.Body}}", no: str = ""
) -> dict[str, Any]:
    """A split with its ``match`` branches; ``no`` is where noMatch leads."""
    made = state(name, "split-based-on", {"input": input}, noMatch=no)
    made["transitions"].extend(branches)
    return made


def document(*states: dict[str, Any], initial: str = "Trigger") -> dict[str, Any]:
    return {"description": "A test", "initial_state": initial, "states": list(states), "flags": {}}


def after_trigger(first: str, *states: dict[str, Any]) -> dict[str, Any]:
    """A document whose trigger leads to ``first`` on a message."""
    return document(state("Trigger", "trigger", incomingMessage=first), *states)


def start(
    body: str = "hello",
    *,
    at: dt.datetime = AT,
    kind: str = "message",
    contact: dict[str, Any] | None = None,
    **flow: Any,
) -> Start:
    """The event that begins an execution with a customer's message; ``contact`` changes what is known of them."""
    known = {"language": "en", "name": "Layla", "is_vip": False, "attributes": {}, **(contact or {})}
    return Start(
        at=at,
        kind=kind,
        trigger={"message": {"Body": body, "From": "c1"}, "conversation": {"Body": body}},
        flow={"sid": "FN1", "channel": {"address": "page1", "type": "webchat"}, "contact": known, **flow},
        contact={"channel": {"address": "c1"}, "name": known["name"]},
    )
