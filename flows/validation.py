"""What publishing a flow document would complain about.

Problems are plain dicts, ``{"state": widget or "", "code": slug, "message": for the author, "level": error|warning}``,
in the document's order. Errors forbid publishing; drafts may have any. Pure: no Django, never raises; messages are
remarks, for whoever shows them to say in the author's language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from contactcenter.lib.remark import Remark
from flows import liquid, widgets
from flows.document import Document, State
from flows.widgets.base import Widget

MAX_WIDGETS = 2000
MAX_BYTES = 2_000_000
MAX_NAME = 120

Problem = dict[str, str]


def check(definition: object) -> list[Problem]:
    """Every problem of a flow document; [] when there is none."""
    if not isinstance(definition, Mapping):
        return [_problem("", "not_an_object", Remark("A flow document is a JSON object."))]
    try:
        size = len(json.dumps(definition, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, RecursionError):
        return [_problem("", "not_json", Remark("The document is not JSON, or nested too deeply."))]
    if size > MAX_BYTES:
        return [
            _problem(
                "", "too_large", Remark("The document is larger than %(number)s MB.", number=MAX_BYTES // 1_000_000)
            )
        ]
    states = definition.get("states")
    if not isinstance(states, list):
        return [_problem("", "states_missing", Remark("The document has no list of states."))]
    return [*_document(definition, states), *_states(definition, states), *_unreachable(definition)]


def errors(definition: object) -> list[Problem]:
    """The problems that forbid publishing."""
    return [problem for problem in check(definition) if problem["level"] == "error"]


def _problem(state: str, code: str, message: str, level: str = "error") -> Problem:
    return {"state": state, "code": code, "message": message, "level": level}


def _document(definition: Mapping[str, Any], states: list[Any]) -> Iterator[Problem]:
    if len(states) > MAX_WIDGETS:
        yield _problem("", "too_many_widgets", Remark("A flow has at most %(number)s widgets.", number=MAX_WIDGETS))
    initial = definition.get("initial_state")
    named = {s["name"]: s for s in states if isinstance(s, Mapping) and isinstance(s.get("name"), str)}
    if not isinstance(initial, str) or initial not in named:
        yield _problem("", "initial_state_missing", Remark("The initial state names no widget of the flow."))
    elif named[initial].get("type") != "trigger":
        yield _problem(initial, "initial_state_not_trigger", Remark("The initial state must be a trigger."))


def _states(definition: Mapping[str, Any], states: list[Any]) -> Iterator[Problem]:
    document = Document.parse(definition)
    seen: set[str] = set()
    for number, raw in enumerate(states, 1):
        if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str) or not raw["name"]:
            yield _problem("", "name_missing", Remark("Widget %(number)s has no name.", number=number))
            continue
        name = raw["name"]
        if name in seen:
            yield _problem(name, "name_taken", Remark("Two widgets are named '%(name)s'.", name=name))
            continue
        seen.add(name)
        if len(name) > MAX_NAME:
            yield _problem(
                name, "name_too_long", Remark("A widget's name has at most %(number)s characters.", number=MAX_NAME)
            )
        yield from _state(document.states[name], raw, document)


def _state(state: State, raw: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    widget = widgets.find(state.type)
    if widget is None:
        yield _problem(
            state.name,
            "widget_unsupported",
            Remark("Widgets of type '%(type)s' are not supported here.", type=state.type),
        )
    if not isinstance(raw.get("properties", {}), Mapping):
        yield _problem(state.name, "properties_malformed", Remark("The properties are not an object."))
    yield from _transitions(state, raw, widget, document)
    if widget is not None:
        yield from _properties(state, widget)
        for flaw in widget.flaws(state):
            yield _problem(state.name, flaw.code, flaw.message, flaw.level)
        yield from _templates(state)


def _transitions(state: State, raw: Mapping[str, Any], widget: Widget | None, document: Document) -> Iterator[Problem]:
    transitions = raw.get("transitions", [])
    if not isinstance(transitions, list) or not all(isinstance(t, Mapping) for t in transitions):
        yield _problem(state.name, "transitions_malformed", Remark("The transitions are not a list of objects."))
    seen: set[str] = set()
    for transition in state.transitions:
        event = transition.event
        if transition.next and transition.next not in document.states:
            yield _problem(
                state.name,
                "transition_dangling",
                Remark("'%(event)s' leads to '%(next)s', which is missing.", event=event, next=transition.next),
            )
        if widget is not None and event not in widget.events:
            yield _problem(
                state.name, "event_unknown", Remark("A widget of this type has no event '%(event)s'.", event=event)
            )
        if event in seen and event != "match":
            yield _problem(state.name, "event_twice", Remark("There are two transitions for '%(event)s'.", event=event))
        seen.add(event)


def _properties(state: State, widget: Widget) -> Iterator[Problem]:
    for name in widget.required:
        if state.properties.get(name) in (None, "", [], {}):
            yield _problem(state.name, "property_missing", Remark("'%(name)s' is missing.", name=name))
    for name, types in widget.properties.items():
        value = state.properties.get(name)
        # A flag is no number, although Python thinks so.
        wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
        if value is not None and wrong:
            yield _problem(state.name, "property_type", Remark("'%(name)s' has the wrong type.", name=name))


def _templates(state: State) -> Iterator[Problem]:
    for where, source in _texts(state.properties, ""):
        fault = liquid.check(source)
        if fault:
            yield _problem(
                state.name,
                "liquid_invalid",
                Remark("%(name)s is not valid Liquid: %(fault)s.", name=where, fault=fault),
            )
    for transition in state.transitions:
        condition = transition.condition
        for source in (condition.argument, condition.value) if condition else ():
            fault = liquid.check(source)
            if fault:
                yield _problem(
                    state.name, "liquid_invalid", Remark("A condition is not valid Liquid: %(fault)s.", fault=fault)
                )


def _texts(value: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where or Remark("A property"), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, where)


def _unreachable(definition: Mapping[str, Any]) -> Iterator[Problem]:
    document = Document.parse(definition)
    reached: set[str] = set()
    waiting = [document.initial]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in document.states:
            continue
        reached.add(name)
        waiting.extend(t.next for t in document.states[name].transitions if t.next)
    for name in document.states:
        if name not in reached:
            yield _problem(name, "unreachable", Remark("Nothing leads to this widget."), "warning")
