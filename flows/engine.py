"""The flow engine: (definition, state, event) -> (state, commands). Pure, deterministic, without Django.

The state is JSON and belongs to the engine; keep it and hand it back. ``{}`` is an execution that has not begun::

    {"status": "new" | "active" | "ended",
     "at": widget the execution stands in, "visits": widgets entered so far, "in_a_row": times this one in a row,
     "until": "outcome" | "reply" | "", "kind": what triggered it, "memory": the waiting widget's own notes,
     "context": {"trigger", "flow", "contact", "widgets"}}

Every step is bounded: 1,000 visits in an execution, 10 of one widget in a row; then it ends with Studio's error.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from flows import widgets
from flows.document import Document
from flows.document import State as Box
from flows.values import (
    Command,
    End,
    Event,
    Outcome,
    RecordStep,
    Reply,
    SaveFacts,
    Start,
    Wait,
)
from flows.widgets.base import Go, Hold, Visit

MAX_STEPS = 1000
MAX_IN_A_ROW = 10

State = dict[str, Any]


def advance(definition: object, state: Mapping[str, Any], event: Event) -> tuple[State, tuple[Command, ...]]:
    """Take ``event`` in, go on until the flow waits or ends.

    ``definition`` is a flow document (or a ``Document`` parsed from one); ``state`` is left as it is. An event the
    execution cannot use changes nothing and gives no command (Studio's warning 81002).
    """
    document = definition if isinstance(definition, Document) else Document.parse(definition)
    run = _Run(document, copy.deepcopy(dict(state)), event)
    run.take()
    return run.state, tuple(run.commands)


class _Run:
    """One call of ``advance``."""

    def __init__(self, document: Document, state: State, event: Event) -> None:
        self.document = document
        self.state = state
        self.event = event
        self.commands: list[Command] = []

    def take(self) -> None:
        if isinstance(self.event, Start):
            if not self.state:
                self._begin(self.event)
            return
        if self.state.get("status") != "active":
            return
        if isinstance(self.event, Outcome):
            expected = self.state["until"] == "outcome" and self.event.visit == self.state["visits"]
        else:
            expected = self.state["until"] == "reply"
        box = self.document.states.get(self.state["at"])
        widget = widgets.find(box.type) if box else None
        if not expected or box is None or widget is None:
            return
        if isinstance(self.event, Reply) and self.event.contact is not None:
            self.state["context"]["flow"]["contact"] = copy.deepcopy(dict(self.event.contact))
        visit = self._visit(box)
        result = widget.receive(visit, self.event)
        if result is not None:
            self._follow(visit, result)

    def _begin(self, start: Start) -> None:
        self.state = {
            "status": "active",
            "at": "",
            "visits": 0,
            "in_a_row": 0,
            "until": "",
            "kind": start.kind,
            "memory": {},
            "context": {
                "trigger": copy.deepcopy(dict(start.trigger)),
                "flow": {"variables": {}, **copy.deepcopy(dict(start.flow))},
                "contact": copy.deepcopy(dict(start.contact)),
                "widgets": {},
            },
        }
        self._enter(self.document.initial)

    def _enter(self, name: str) -> None:
        """Enter ``name`` and whatever follows, until something waits or the flow ends."""
        entering: str | None = name
        while entering is not None:
            box = self.document.states.get(entering)
            if box is None:
                return self._end("81022", f"There is no widget named '{entering}'.")
            widget = widgets.find(box.type)
            if widget is None:
                return self._end("81020", f"Widget '{entering}' is of type '{box.type}', which is not supported.")
            if self.state["visits"] >= MAX_STEPS:
                return self._end("81000", f"The execution took more than {MAX_STEPS} steps.")
            again = self.state["in_a_row"] + 1 if self.state["at"] == entering else 1
            if again > MAX_IN_A_ROW:
                return self._end("81001", f"Widget '{entering}' ran more than {MAX_IN_A_ROW} times in a row.")
            self.state.update(at=entering, visits=self.state["visits"] + 1, in_a_row=again, until="", memory={})
            visit = self._visit(box)
            entering = self._settle(visit, widget.run(visit))
        return None

    def _follow(self, visit: Visit, result: Go | Hold) -> None:
        following = self._settle(visit, result)
        if following is not None:
            self._enter(following)

    def _settle(self, visit: Visit, result: Go | Hold) -> str | None:
        """Carry out what a widget decided. Returns the widget to enter next, None when it waits or the flow ended."""
        if isinstance(result, Hold):
            warnings = [*self.state["memory"].get("warnings", ()), *visit.warnings]
            self.state.update(until=result.until, memory={"own": dict(result.memory), "warnings": warnings[:20]})
            if result.command is not None:
                self.commands.append(result.command)
            if result.until == "reply":
                self.commands.append(Wait(result.seconds))
            return None
        following = result.branch if result.branch is not None else visit.state.next(result.event)
        if result.output is not None:
            self.state["context"]["widgets"][visit.state.name] = dict(result.output)
        if result.variables:
            self.state["context"]["flow"].setdefault("variables", {}).update(result.variables)
        if result.facts or result.contact_facts:
            self.commands.append(SaveFacts(conversation=dict(result.facts), contact=dict(result.contact_facts)))
        self.commands.append(
            RecordStep(
                number=visit.number,
                name=result.event,
                left=visit.state.name,
                entered=following,
                output=dict(result.output or {}),
                warnings=tuple([*self.state["memory"].get("warnings", ()), *visit.warnings][:20]),
            )
        )
        self.state["memory"] = {}
        if not following:
            self._end(*(result.error or ("", "")))
            return None
        return following

    def _end(self, code: str, message: str) -> None:
        self.state.update(status="ended", until="", memory={})
        self.commands.append(End(code, message))

    def _visit(self, box: Box) -> Visit:
        return Visit(
            state=box,
            number=self.state["visits"],
            context=self.state["context"],
            at=self.event.at,
            kind=self.state["kind"],
            memory=dict(self.state["memory"].get("own", {})),
        )


def stop(state: Mapping[str, Any]) -> State:
    """The state of an execution that somebody ended from outside."""
    return {**state, "status": "ended", "until": "", "memory": {}}
