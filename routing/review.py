"""What is to be said about a foreign workflow document before it is used: what cannot be, what is read with tolerance.

``review(document)`` looks at keys and values only; which queues there are is the importer's business. It follows the
same rules as ``routing.engine.workflow``, which does the reading; a test holds the two to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from routing.engine import expression
from routing.engine import workflow as documents
from routing.errors import worded

ERROR, WARNING, NOTE = "error", "warning", "note"

#: Remarks kept of one document; an error is kept however many there are.
MAX_FINDINGS = 500

_TARGET_KEYS = frozenset(
    {"queue", "expression", "priority", "timeout", "order_by", "skip_if"}
    | {"known_worker_sid", "known_worker_friendly_name"}
)
_NAMES = ("filter_friendly_name", "friendly_name", "friendlyName")
_WHOLE = re.compile(r"\s*-?[0-9]{1,12}(\.0+)?\s*")
_SIDS = re.compile(r"\bW[AK][0-9a-f]{32}\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark: ``level`` (error, warning or note), the JSON path it is about, and the sentence."""

    level: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(slots=True)
class Review:
    """What was found. ``queues``: (path, what the document calls the queue) in document order."""

    findings: list[Finding] = field(default_factory=list)
    queues: list[tuple[str, str]] = field(default_factory=list)
    #: workers and activities the expressions name: sid -> where first
    sids: dict[str, str] = field(default_factory=dict)
    _has_error: bool = False

    def say(self, level: str, path: str, message: str) -> None:
        if len(self.findings) < MAX_FINDINGS or (level == ERROR and not self._has_error):
            self._has_error = self._has_error or level == ERROR
            self.findings.append(Finding(level, path, message))


def review(document: Any) -> Review:
    """Everything there is to say about a document."""
    found = Review()
    if not isinstance(document, dict):
        found.say(ERROR, "", _("A workflow document is a JSON object."))
        return found
    routing, path = document.get("task_routing"), "task_routing"
    if routing is None and "filters" in document:
        found.say(NOTE, "filters", _("It belongs under task_routing; read as if it were there."))
        routing, path = document, ""
    elif "default_filter" in document:
        found.say(WARNING, "default_filter", _("It stands beside task_routing and is ignored, as TaskRouter does."))
    if not isinstance(routing, dict):
        found.say(ERROR, path, _("It is missing, or is not an object."))
        return found
    _unknown(found, document, "", {"task_routing", "default_filter", "task_queues", "filters"})
    if routing is not document:
        _unknown(found, routing, path, {"filters", "default_filter"})
    filters = routing.get("filters")
    if filters is not None and not isinstance(filters, list):
        found.say(ERROR, _join(path, "filters"), _("It must be a list."))
        return found
    for index, item in enumerate(filters or []):
        _filter(found, item, f"{_join(path, 'filters')}[{index}]")
    _default(found, routing, _join(path, "default_filter"))
    return found


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object of a usable document that may name a queue: targets, then the default filter."""
    routing = document.get("task_routing") or document
    for item in routing.get("filters") or []:
        yield from item["targets"]
    if isinstance(routing.get("default_filter"), dict):
        yield routing["default_filter"]


def _filter(found: Review, raw: Any, path: str) -> None:
    if not isinstance(raw, dict):
        found.say(ERROR, path, _("It must be an object."))
        return
    _unknown(found, raw, path, {"expression", "targets", *_NAMES})
    for alias in _NAMES[1:]:
        if alias in raw:
            found.say(NOTE, f"{path}.{alias}", _("It is another name for filter_friendly_name and is read as that."))
    here = f"{path}.expression"
    if isinstance(raw.get("expression"), str):
        node = _expression(found, raw["expression"], here)
        for name in sorted({names[0] for names in expression.paths(node)} & {"task", "worker"}):
            message = _("A filter sees the task's attributes without a prefix; %(name)s.… is read as one of them.")
            found.say(WARNING, here, message % {"name": name})
    else:
        found.say(ERROR, here, _("It must be an expression."))
    targets = raw.get("targets")
    if not isinstance(targets, list) or not targets:
        found.say(ERROR, f"{path}.targets", _("It must be a list with at least one target."))
        return
    has_queue = False
    for index, item in enumerate(targets):
        here = f"{path}.targets[{index}]"
        if not isinstance(item, dict):
            found.say(ERROR, here, _("It must be an object."))
            continue
        if item.get("queue"):
            has_queue = True
            _queue(found, item["queue"], f"{here}.queue")
        elif not has_queue:
            found.say(ERROR, f"{here}.queue", _("The first target must name a queue."))
        elif not item:
            found.say(NOTE, here, _("It is empty: the queue of the target before it, for anybody in it."))
        if item:
            _target(found, item, here)


def _target(found: Review, raw: dict[str, Any], path: str) -> None:
    _unknown(found, raw, path, _TARGET_KEYS)
    if raw.get("expression"):
        node = _expression(found, raw["expression"], f"{path}.expression")
        for names in sorted(expression.paths(node)):
            if len(names) < 2 or names[0] not in ("task", "worker"):
                message = _("%(name)s has neither worker. nor task. before it and is always empty.")
                found.say(WARNING, f"{path}.expression", message % {"name": ".".join(names)})
    if raw.get("skip_if"):
        node = _expression(found, raw["skip_if"], f"{path}.skip_if")
        for names in sorted(expression.paths(node)):
            if names[0] != "workers":
                message = _("%(name)s is no count of workers and is always empty.")
                found.say(WARNING, f"{path}.skip_if", message % {"name": ".".join(names)})
    _number(found, raw, "priority", path, 0, documents.MAX_PRIORITY)
    _number(found, raw, "timeout", path, 1, documents.MAX_TIMEOUT)
    known = [key for key in ("known_worker_sid", "known_worker_friendly_name") if raw.get(key)]
    if len(known) > 1:
        found.say(ERROR, f"{path}.{known[1]}", _("Give either known_worker_sid or known_worker_friendly_name."))
    for key in known:
        if not documents.TASK_PATH.fullmatch(str(raw[key]).strip()):
            message = _("It is no path into the task's attributes, like task.agent_sid; the step waits for nobody.")
            found.say(WARNING, f"{path}.{key}", message)
    for part in str(raw.get("order_by") or "").split(","):
        if part.strip() and not documents.ORDER.fullmatch(part):
            message = _("%(part)s cannot be read and is left out; write worker.attribute ASC or DESC.")
            found.say(WARNING, f"{path}.order_by", message % {"part": repr(part.strip()[:40])})


def _default(found: Review, routing: dict[str, Any], path: str) -> None:
    raw = routing.get("default_filter")
    if not raw:
        found.say(NOTE, path, _("There is none: a task that no filter matches is refused."))
        return
    if not isinstance(raw, dict):
        found.say(ERROR, path, _("It must be an object."))
        return
    for key in sorted(raw.keys() - {"queue"}):
        found.say(NOTE, f"{path}.{key}", _("It is ignored: only queue counts in a default filter."))
    if raw.get("queue"):
        _queue(found, raw["queue"], f"{path}.queue")
    else:
        found.say(ERROR, f"{path}.queue", _("The default filter must name a queue."))


def _expression(found: Review, raw: Any, path: str) -> Any:
    if not isinstance(raw, str):
        found.say(ERROR, path, _("It must be an expression."))
        return ("const", False)
    compiled, warning = expression.compile_lenient(raw)
    if warning:
        message = _("%(problem)s What follows never matches; what stands before is kept.") % {
            "problem": worded(warning)
        }
        found.say(WARNING, path, message)
    for sid in _SIDS.findall(raw):
        found.sids.setdefault(sid, path)
    return compiled.node


def _number(found: Review, raw: dict[str, Any], key: str, path: str, low: int, high: int) -> None:
    value, here = raw.get(key), f"{path}.{key}"
    if value is None or value == "":
        return
    number = value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(float(value))
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if key == "timeout" and number == 0 and not isinstance(number, bool):
        found.say(WARNING, here, _("It is no time and is ignored: the step has no timeout."))
        return
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        bounds = {"low": low, "high": high}
        found.say(ERROR, here, _("It must be a whole number from %(low)s to %(high)s.") % bounds)
    elif number is not value:
        found.say(NOTE, here, _("%(value)s is read as %(number)s.") % {"value": repr(value), "number": number})


def _queue(found: Review, raw: Any, path: str) -> None:
    if not isinstance(raw, str) or not raw.strip():
        found.say(ERROR, path, _("It must be a queue's id or name."))
    elif len(raw.strip()) > 64:
        found.say(ERROR, path, _("A queue's name has at most 64 characters."))
    else:
        found.queues.append((path, raw))


def _unknown(found: Review, raw: dict[str, Any], path: str, known: set[str] | frozenset[str]) -> None:
    for key in sorted(raw.keys() - known):
        found.say(NOTE, _join(path, key[:64]), _("It is unknown here and ignored."))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
