"""Playing a flow without a database: gives every command a good outcome (or the one asked for)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from flows import engine
from flows.values import Command, CreateTask, Event, Outcome, RecordStep, Reply, SendMessage, TimedOut
from tests.factories.flows import AT, start


@dataclasses.dataclass
class Walk:
    definition: dict[str, Any]
    state: dict[str, Any] = dataclasses.field(default_factory=dict)
    commands: list[Command] = dataclasses.field(default_factory=list)
    failing: str = ""  # "send" or "task": those commands fail
    ahead: int = 2

    def give(self, event: Event) -> Walk:
        self.state, commands = engine.advance(self.definition, self.state, event)
        self.commands.extend(commands)
        while commands and isinstance(command := commands[-1], (SendMessage, CreateTask)):  # the engine waits for it
            self.state, commands = engine.advance(self.definition, self.state, self._outcome(command, event.at))
            self.commands.extend(commands)
        return self

    def _outcome(self, command: SendMessage | CreateTask, at: dt.datetime) -> Outcome:
        if self.failing == ("send" if isinstance(command, SendMessage) else "task"):
            return Outcome(at, command.visit, False, error="refused")
        if isinstance(command, SendMessage):
            data: dict[str, Any] = {"Sid": f"IM{command.visit}", "Body": command.text, "Status": "queued"}
        else:
            data = {"sid": f"WT{command.visit}", "ahead": self.ahead}
        return Outcome(at, command.visit, True, data)

    def begin(self, body: str = "hello", **known: Any) -> Walk:
        return self.give(start(body, **known))

    def say(self, body: str, at: dt.datetime = AT) -> Walk:
        return self.give(Reply(at, {"Body": body}))

    def time_out(self) -> Walk:
        return self.give(TimedOut(AT))

    @property
    def said(self) -> list[str]:
        return [command.text for command in self.commands if isinstance(command, SendMessage)]

    @property
    def path(self) -> list[tuple[str, str]]:
        """(widget left, event) of every step."""
        return [(command.left, command.name) for command in self.commands if isinstance(command, RecordStep)]

    def of(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]
