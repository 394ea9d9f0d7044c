"""Where agents stand towards a step of a workflow, for ``explain``: who is offered the task, and why others are not."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from routing.engine import expression, wording
from routing.engine.expression import Expression
from routing.engine.model import TaskSpec, WorkerSpec
from routing.engine.syntax import TRUE, Node
from routing.models import TaskChannel, Workspace

Json = dict[str, Any]

#: The reasons, those that say most about the distance last: someone busy is nearer than someone without the skill.
CODES = (
    *("holds_it", "declined", "channel_capacity", "total_capacity", "channel_closed", "activity"),
    *("handed_on", "known_worker", "target", "queue", "another_worker"),
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a step asks of an agent. The queue's expression has bare names, the others ``task.`` and ``worker.``."""

    queue: Node
    expression: Node
    known: Node | None
    attributes: Mapping[str, Any]
    only_worker: str
    not_worker: str
    declined: Mapping[uuid.UUID, float]
    holders: Collection[uuid.UUID]
    ignore_capacity: bool
    now: float


class Standing:
    """Every agent of a workspace, what they hold, and the task channel in question."""

    def __init__(self, workspace: Workspace, channel: TaskChannel) -> None:
        rows = list(TaskChannel.objects.filter(workspace=workspace))
        self.workspace, self.channel = workspace, channel
        self._channel_names = {row.pk: row.unique_name for row in rows}
        self._interruptible = {row.pk for row in rows if row.is_interruptible}
        self.workers: dict[uuid.UUID, WorkerSpec] = {}
        self._loads: Counter[uuid.UUID] = Counter()
        #: the part of the load that gives way to work that cannot be interrupted
        self._soft: Counter[uuid.UUID] = Counter()
        self._by_channel: Counter[tuple[uuid.UUID, uuid.UUID]] = Counter()
        self._accepted: Counter[tuple[uuid.UUID, uuid.UUID]] = Counter()
        self._scopes: dict[uuid.UUID, Json] = {}

    def put(self, worker: WorkerSpec) -> None:
        self.workers[worker.id] = worker

    def hold(self, task: TaskSpec) -> None:
        """What a task's live reservations take from its agents. After this nobody is put any more."""
        for held in task.reservations:
            self._loads[held.worker] += held.weight
            if task.channel in self._interruptible:
                self._soft[held.worker] += held.weight
            self._by_channel[held.worker, task.channel] += held.units
            if held.accepted:
                self._accepted[held.worker, task.channel] += 1

    def scope(self, row: uuid.UUID) -> Json:
        """What expressions see of an agent; built in names apart from the attributes, as the engine keeps them."""
        scope = self._scopes.get(row)
        if scope is None:
            worker = self.workers[row]
            scope = self._scopes[row] = {
                **worker.attributes,
                "@sid": worker.sid,
                "@friendly_name": worker.name,
                "@activity_sid": worker.activity_sid,
                "@activity_name": worker.activity_name,
                "@channel": {name: self._counters(worker, channel) for channel, name in self._channel_names.items()},
            }
        return scope

    def _counters(self, worker: WorkerSpec, channel: uuid.UUID) -> Json:
        capacity, _is_open = worker.channels.get(channel, (0, False))
        load = self._by_channel[worker.id, channel]
        return {
            "configured_capacity": capacity,
            "assigned_tasks": self._accepted[worker.id, channel],
            "available_capacity_percentage": math.floor((1 - load / capacity) * 100) if capacity else 0,
        }

    def others(
        self, demand: Demand, offered: Collection[uuid.UUID]
    ) -> tuple[dict[str, int], dict[uuid.UUID, list[Json]]]:
        """(how many have which reason, reasons by agent) of all who are not among ``offered``."""
        counts: Counter[str] = Counter()
        found: dict[uuid.UUID, list[Json]] = {}
        in_queue = expression.compile_node(demand.queue).matches
        bound = [
            (code, expression.compile_node(expression.bind(node, demand.attributes)).matches, node)
            for code, node in (("target", demand.expression), ("known_worker", demand.known))
            if node is not None and node != TRUE
        ]
        for row, worker in self.workers.items():
            if row in offered:
                continue
            scope = self.scope(row)
            reasons: list[Json] = []
            if demand.only_worker:
                if worker.sid != demand.only_worker:
                    reasons.append({"code": "another_worker"})
            else:
                if not in_queue(scope):
                    reasons.append({"code": "queue", "node": demand.queue, "task": None})
                for code, matches, node in bound:
                    if not matches(scope):
                        reasons.append({"code": code, "node": node, "task": demand.attributes})
            if worker.sid == demand.not_worker:
                reasons.append({"code": "handed_on"})
            if not demand.ignore_capacity:
                self._room(worker, reasons)
            if row in demand.holders:
                reasons.append({"code": "holds_it"})
            again = demand.declined.get(row, float("-inf")) + self.workspace.reoffer_after
            if again > demand.now:
                reasons.append({"code": "declined", "seconds": round(again - demand.now)})
            counts.update(reason["code"] for reason in reasons)
            found[row] = reasons
        return {code: counts[code] for code in CODES if counts[code]}, found

    def _room(self, worker: WorkerSpec, reasons: list[Json]) -> None:
        channel = self.channel
        if not worker.available:
            reasons.append({"code": "activity", "activity": worker.activity_name})
        capacity, is_open = worker.channels.get(channel.pk, (0, False))
        load, total = self._by_channel[worker.id, channel.pk], self._loads[worker.id]
        if channel.pk not in self._interruptible:
            total -= self._soft[worker.id]
        if not is_open:
            reasons.append({"code": "channel_closed"})
        if load >= capacity:
            reasons.append({"code": "channel_capacity", "load": load, "capacity": capacity})
        if total + channel.weight > worker.capacity:
            reasons.append({"code": "total_capacity", "load": total, "capacity": worker.capacity})

    def told(self, row: uuid.UUID, reasons: list[Json]) -> list[Json]:
        """Reasons with their sentence, and for expressions the clauses that failed and the actual values."""
        scope = self.scope(row)
        told: list[Json] = []
        for reason in reasons:
            shown = {name: value for name, value in reason.items() if name not in ("node", "task")}
            if "node" in reason:
                parts = wording.failing(reason["node"], scope, reason["task"])
                shown["failed"] = [
                    {"clause": wording.text(part), "actual": wording.actual(part, scope, reason["task"])}
                    for part in parts
                ]
            told.append({**shown, "text": self._sentence(shown)})
        return told or [{"code": "later", "text": _("Would be offered it, after those above.")}]

    def _sentence(self, reason: Json) -> str:
        facts = {**reason, "channel": self.channel.unique_name, "weight": self.channel.weight}
        match reason["code"]:
            case "holds_it":
                return _("Has it, or is being offered it.")
            case "declined":
                return _("Declined it lately; is asked again in %(seconds)s s.") % facts
            case "channel_capacity":
                return _("No capacity on %(channel)s: %(load)s of %(capacity)s taken.") % facts
            case "total_capacity":
                return _("No capacity left: %(load)s of %(capacity)s taken, this needs %(weight)s.") % facts
            case "channel_closed":
                return _("The channel %(channel)s is closed for this agent.") % facts
            case "activity":
                return _("Is in the activity %(activity)s, which is not available.") % facts
            case "handed_on":
                return _("Handed it on.")
            case "another_worker":
                return _("It was sent to another agent directly.")
            case "queue":
                return _("Is not in the queue.")
            case "known_worker":
                return _("Is not the agent the task names.")
        return _("Is not whom the step wants.")


def distance(reasons: list[Json]) -> tuple[int, int]:
    """How far somebody is from being offered the task: by the worst reason, then by their number."""
    return max((CODES.index(reason["code"]) for reason in reasons), default=-1), len(reasons)


def head_count(workers: Mapping[uuid.UUID, WorkerSpec], queue: Expression) -> dict[str, int]:
    """What skip_if counts: the queue's agents, available and not."""
    counts = {"available": 0, "unavailable": 0}
    for worker in workers.values():
        if queue.matches(worker.attributes):
            counts["available" if worker.available else "unavailable"] += 1
            counts[worker.activity_sid] = counts.get(worker.activity_sid, 0) + 1
    return counts
