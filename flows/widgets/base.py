"""What a widget is: a type, the events it can end with, and two functions from a visit to what happens next."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flows import language, liquid
from flows.document import State
from flows.values import Command, Event

#: the Python types a property may have in practice; exports are loose about numbers and flags
Types = tuple[type, ...]
TEXT: Types = (str,)
NUMBER: Types = (int, str)
LIST: Types = (list,)
OBJECT: Types = (dict,)


@dataclasses.dataclass(frozen=True, slots=True)
class Go:
    """The widget is done: follow ``event``.

    ``output`` becomes ``widgets.<name>``; ``variables`` go to ``flow.variables``; ``facts`` and ``contact_facts`` are
    saved with the conversation and the contact. ``error`` = (code, message) when this is a failure, so that a flow
    that does not say what to do about it ends with that error rather than in silence. ``branch`` is where this very
    transition leads, where several share one event.
    """

    event: str
    output: Mapping[str, Any] | None = None
    variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    contact_facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error: tuple[str, str] | None = None
    branch: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """The widget waits: ``until`` is "outcome" (of ``command``) or "reply" (for ``seconds``). ``memory`` is kept."""

    until: str
    command: Command | None = None
    seconds: int = 0
    memory: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Visit:
    """One run of one widget: what it may look at. ``number`` is unique within the execution."""

    state: State
    number: int
    context: Mapping[str, Any]
    at: dt.datetime
    #: how the execution was triggered: message | call | request | parent
    kind: str = "message"
    memory: dict[str, Any] = dataclasses.field(default_factory=dict)
    warnings: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def warn(self, code: str, message: str) -> None:
        self.warnings.append({"code": code, "message": message[:500]})

    def render(self, source: object) -> str:
        """A template of the document as text. What cannot be rendered is "" and leaves warning 81018."""
        if source is None:
            return ""
        if isinstance(source, bool):
            return "true" if source else "false"
        rendered = liquid.render(str(source), self.context, at=self.at)
        if rendered.error:
            self.warn("81018", f"Liquid: {rendered.error}")
        return rendered.text

    def text(self, name: str) -> str:
        """Property ``name``, rendered."""
        value = self.state.properties.get(name)
        return "" if isinstance(value, (dict, list)) else self.render(value)

    def integer(self, name: str, default: int | None, *, least: int = 0, most: int = 2_147_483_647) -> int | None:
        """Property ``name`` as a number in bounds; documents write numbers as text, too."""
        text = self.text(name).strip()
        if not text:
            return default
        try:
            return max(least, min(most, int(float(text)))) if len(text) < 40 else default
        except (ValueError, OverflowError):
            self.warn("81027", f"{name} is not a number")
            return default

    @property
    def language(self) -> str:
        """The language to speak with the customer: ``flow.variables.language``, else ``flow.contact.language``."""
        flow = self.context.get("flow", {})
        for holder in (flow.get("variables"), flow.get("contact")):
            tag = holder.get("language") if isinstance(holder, Mapping) else None
            if isinstance(tag, str) and language.base(tag):
                return language.base(tag)
        return ""

    def in_language(self, name: str) -> object:
        """Property ``name``, or its translation under ``translations.<language>`` where there is one."""
        translations = self.state.properties.get("translations")
        if isinstance(translations, Mapping):
            own = translations.get(self.language)
            if isinstance(own, Mapping) and own.get(name):
                return own[name]
        return self.state.properties.get(name)

    def texts(self, value: object) -> tuple[str, ...]:
        """A list of templates, rendered; empty ones left out."""
        items = value if isinstance(value, list) else []
        return tuple(text for text in (self.render(item).strip() for item in items[:50]) if text)


@dataclasses.dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a widget of a document. ``level``: error | warning."""

    code: str
    message: str
    level: str = "error"


class Widget:
    """The base of every widget. Widgets have no state of their own; a visit's ``memory`` is theirs."""

    type: ClassVar[str]
    #: every event it can end with
    events: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()
    #: property -> Python types it may have; properties not listed are not looked at
    properties: ClassVar[Mapping[str, Types]] = {}

    def flaws(self, state: State) -> Iterator[Flaw]:
        """What else is wrong with this state, beyond events, required properties and their types."""
        yield from ()

    def run(self, visit: Visit) -> Go | Hold:
        """The widget is entered."""
        raise NotImplementedError

    def receive(self, visit: Visit, event: Event) -> Go | Hold | None:
        """Something happened while it held. None: not for this widget (ignored, warning 81002)."""
        return None
