"""Workflow documents: read with the tolerance real ones need, and asked where a task goes.

A ``Position`` says where a task stands: index of filter and target, both -1 for the default filter. The document is
data from people, so every key is checked; ``lenient`` keeps a document that is already in use working and says what
was wrong with it (``Workflow.warnings``) instead of refusing it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contactcenter.lib.errors import Refused
from contactcenter.lib.remark import Remark
from routing.engine import expression
from routing.engine.expression import Expression
from routing.engine.syntax import TRUE, Node
from routing.engine.values import Id, resolve

MAX_BYTES = 1_038_576
MAX_PRIORITY = 2**31 - 1
MAX_TIMEOUT = 1_209_600

ORDER = re.compile(r"\s*(?:worker\.)?([A-Za-z_$][\w$]*(?:\.[\w$]+|\[[0-9]+\])*)(?:\s+(ASC|DESC))?\s*", re.I)
TASK_PATH = re.compile(r"task\.([A-Za-z_$][\w$]*(?:\.[\w$]+|\[[0-9]+\])*)")
_SEGMENT = re.compile(r"[\w$]+")


class WorkflowError(Refused):
    """A workflow document that cannot be used; ``path`` names the key."""

    code = "routing.bad_workflow"

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(_at(path, reason))


def _at(path: str, reason: str) -> Remark:
    return Remark("%(path)s: %(reason)s", path=path, reason=reason)


class Position(NamedTuple):
    """Where a task stands in its workflow."""

    filter: int
    target: int


DEFAULT = Position(-1, -1)
#: A path no task has: a step whose known worker cannot be read waits for nobody, as one whose worker is unknown does.
NOWHERE = ("",)


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One clause of order_by: a path in the worker's scope and its direction."""

    path: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Target:
    """One step of a filter. ``queue`` is inherited already; ``until`` is the sum of the timeouts up to this step."""

    queue: Id
    expression: Node = TRUE
    priority: int | None = None
    until: float | None = None
    order_by: tuple[OrderKey, ...] = ()
    skip_if: Expression | None = None
    known_worker: tuple[str, ...] | None = None
    known_by: str = "@sid"

    def known_worker_of(self, attributes: Mapping[str, Any]) -> dict[str, str] | None:
        """The worker this step is for, as a task with these attributes names them: ``{"sid": ...}`` or
        ``{"friendly_name": ...}``. None if the step is for no known worker, or the task names none."""
        if self.known_worker is None:
            return None
        value = resolve(self.known_worker, attributes)
        return {self.known_by[1:]: value} if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    expression: Expression
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A document, ready to be asked."""

    filters: tuple[Filter, ...] = ()
    default: Target | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def enter(self, attributes: Mapping[str, Any], *, after: int = -1, use_default: bool = True) -> Position | None:
        """Where a task goes: the first filter below ``after`` that matches, else the default filter, else None."""
        for index in range(after + 1, len(self.filters)):
            if self.filters[index].expression.matches(attributes):
                return Position(index, 0)
        return DEFAULT if use_default and self.default is not None else None

    def target(self, position: Position) -> Target | None:
        """The step at a position, or None when the document no longer has it."""
        if position.filter < 0:
            return self.default
        if position.filter < len(self.filters):
            targets = self.filters[position.filter].targets
            if position.target < len(targets):
                return targets[position.target]
        return None

    def after(self, position: Position, attributes: Mapping[str, Any], *, skipped: bool) -> Position | None:
        """The next step once this one was left, by its timeout or by skip_if; None: the workflow ends here.

        Past a filter's last target come later filters that match. The default filter is only for who was skipped:
        to them it is as if the filter had not matched.
        """
        if position.filter < 0:
            return None
        if position.target + 1 < len(self.filters[position.filter].targets):
            return Position(position.filter, position.target + 1)
        return self.enter(attributes, after=position.filter, use_default=skipped)


def parse(document: Any, queue_of: Callable[[str], Id | None], *, lenient: bool = False) -> Workflow:
    """A workflow document (taskrouter.md lists its keys) -> ``Workflow``.

    ``queue_of`` turns a queue's sid or name into the key tasks carry, or None. Raises ``WorkflowError`` or
    ``ExpressionError`` for what cannot be used; ``lenient`` collects warnings instead and leaves out what is unusable.
    """
    return _Reader(queue_of, lenient).workflow(document)


class _Reader:
    def __init__(self, queue_of: Callable[[str], Id | None], lenient: bool) -> None:
        self.queue_of = queue_of
        self.lenient = lenient
        self.warnings: list[str] = []

    def complain(self, path: str, reason: str) -> None:
        if not self.lenient:
            raise WorkflowError(path, reason)
        self.warnings.append(_at(path, reason))

    def workflow(self, document: Any) -> Workflow:
        if not isinstance(document, dict):
            raise WorkflowError("configuration", Remark("must be an object"))
        routing, path = document.get("task_routing"), "task_routing"
        if routing is None and "filters" in document:
            self.warnings.append(_at("filters", Remark("belongs under task_routing; read as if it were there")))
            routing = document
        if not isinstance(routing, dict):
            raise WorkflowError(path, Remark("is missing or not an object"))
        if routing is not document and "default_filter" in document:
            self.warnings.append(_at("default_filter", Remark("stands next to task_routing and is ignored")))
        raw = routing.get("filters")
        raw = [] if raw is None else raw
        if not isinstance(raw, list):
            raise WorkflowError(f"{path}.filters", Remark("must be a list"))
        filters = [self.filter(item, f"{path}.filters[{index}]") for index, item in enumerate(raw)]
        default = self.default(routing.get("default_filter"), f"{path}.default_filter")
        return Workflow(tuple(filters), default, tuple(self.warnings))

    def default(self, raw: Any, path: str) -> Target | None:
        if not raw:
            return None
        if not isinstance(raw, dict):
            self.complain(path, Remark("must be an object"))
            return None
        for key in sorted(raw.keys() - {"queue"}):
            self.warnings.append(_at(f"{path}.{key}", Remark("is ignored, only queue counts here")))
        queue = self.queue(raw.get("queue"), f"{path}.queue")
        return None if queue is None else Target(queue)

    def filter(self, raw: Any, path: str) -> Filter:
        if not isinstance(raw, dict):
            self.complain(path, Remark("must be an object"))
            raw = {}
        name = raw.get("filter_friendly_name") or raw.get("friendly_name") or raw.get("friendlyName") or ""
        test = self.expression(raw.get("expression"), f"{path}.expression")
        raw_targets = raw.get("targets")
        if not isinstance(raw_targets, list) or not raw_targets:
            self.complain(f"{path}.targets", Remark("must be a list with at least one target"))
            raw_targets = []
        targets: list[Target] = []
        queue: Id | None = None
        elapsed = 0.0
        for index, item in enumerate(raw_targets):
            here = f"{path}.targets[{index}]"
            if not isinstance(item, dict):
                self.complain(here, Remark("must be an object"))
                item = {}
            if item.get("queue"):
                queue = self.queue(item["queue"], f"{here}.queue")
            elif queue is None:
                self.complain(f"{here}.queue", Remark("the first target must name a queue"))
            timeout = self.number(item.get("timeout"), f"{here}.timeout", 1, MAX_TIMEOUT)
            elapsed += timeout or 0
            if queue is not None:
                targets.append(self.target(item, here, queue, elapsed if timeout else None))
        # A filter nobody can be routed by must not swallow tasks that would have matched below it.
        return Filter(str(name), test if targets else expression.compile_node(("const", False)), tuple(targets))

    def target(self, raw: dict[str, Any], path: str, queue: Id, until: float | None) -> Target:
        test = self.expression(raw.get("expression"), f"{path}.expression") if raw.get("expression") else None
        skip = self.expression(raw.get("skip_if"), f"{path}.skip_if") if raw.get("skip_if") else None
        known, known_by = self.known_worker(raw, path)
        return Target(
            queue=queue,
            expression=test.node if test else TRUE,
            priority=self.number(raw.get("priority"), f"{path}.priority", 0, MAX_PRIORITY),
            until=until,
            order_by=self.order_by(raw.get("order_by"), f"{path}.order_by"),
            skip_if=skip,
            known_worker=known,
            known_by=known_by,
        )

    def known_worker(self, raw: dict[str, Any], path: str) -> tuple[tuple[str, ...] | None, str]:
        keys = [key for key in ("known_worker_sid", "known_worker_friendly_name") if raw.get(key)]
        if not keys:
            return None, "@sid"
        if len(keys) > 1:
            self.complain(f"{path}.{keys[1]}", Remark("give either known_worker_sid or known_worker_friendly_name"))
        match = TASK_PATH.fullmatch(str(raw[keys[0]]).strip())
        if match is None:
            self.complain(f"{path}.{keys[0]}", Remark("must be a path into the task's attributes, like task.agent_sid"))
            return NOWHERE, "@sid"
        return tuple(_SEGMENT.findall(match[1])), "@sid" if keys[0].endswith("sid") else "@friendly_name"

    def expression(self, raw: Any, path: str) -> Expression:
        if not isinstance(raw, str):
            self.complain(path, Remark("must be an expression"))
            return expression.compile_node(("const", False))
        if self.lenient:
            compiled, warning = expression.compile_lenient(raw)
            if warning:
                self.warnings.append(_at(path, warning))
            return compiled
        try:
            return expression.compile(raw)
        except expression.ExpressionError as error:
            raise WorkflowError(path, error.message) from error

    def order_by(self, raw: Any, path: str) -> tuple[OrderKey, ...]:
        if not raw:
            return ()
        keys: list[OrderKey] = []
        for part in str(raw).split(","):
            match = ORDER.fullmatch(part)
            if match is None:
                reason = Remark(
                    "cannot read %(part)s; write worker.attribute ASC or DESC", part=repr(part.strip()[:40])
                )
                self.complain(path, reason)
                continue
            segments = tuple(_SEGMENT.findall(match[1]))
            if segments[0] in expression.BUILT_IN:
                segments = ("@" + segments[0], *segments[1:])
            keys.append(OrderKey(segments, (match[2] or "").upper() == "DESC"))
        return tuple(keys)

    def number(self, raw: Any, path: str, low: int, high: int) -> int | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, str) and re.fullmatch(r"\s*-?[0-9]{1,12}(\.0+)?\s*", raw):
            raw = int(float(raw))
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            self.complain(path, Remark("must be a whole number from %(low)s to %(high)s", low=low, high=high))
            return None
        return raw

    def queue(self, raw: Any, path: str) -> Id | None:
        found = self.queue_of(raw) if isinstance(raw, str) else None
        if found is None:
            self.complain(path, Remark("there is no queue %(name)s", name=repr(str(raw)[:64])))
        return found
