"""Why a task goes where it goes: which filter and steps fit, who may be offered it and in which order, who not and why.

The router's own engine answers: a matcher is filled from the rows as the router's is, given this one task, and every
offer it makes is declined until it makes no more. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from contactcenter.lib import ids
from contactcenter.lib.errors import Refused
from contactcenter.lib.rows import by_sid_or_name
from routing import members, standing
from routing.engine import wording
from routing.engine import workflow as documents
from routing.engine.matcher import Matcher
from routing.engine.model import Offer, TaskSpec
from routing.engine.syntax import TRUE, Node
from routing.engine.workflow import DEFAULT, Position, Target
from routing.errors import worded
from routing.models import Task, TaskChannel, TaskQueue, Workflow, Workspace
from routing.services import entry, facts
from routing.standing import Standing

Json = dict[str, Any]

#: Agents named per step, steps, and filters shown, unless more are asked for.
AGENTS = 50
STEPS = 20
FILTERS = 200


def explain(
    workflow: Workflow,
    attributes: dict[str, Any],
    *,
    task_channel: str = "default",
    agent: str = "",
    limit: int = AGENTS,
    now: dt.datetime,
) -> Json:
    """What would happen to a new task with these attributes. See ``explain_task`` for the answer.

    ``agent`` (name or sid) is among those named however many there are. Raises ``Refused`` for a task channel that is
    not there, or attributes that are no object.
    """
    if not isinstance(attributes, dict):
        raise Refused(_("A task's attributes are a JSON object."), code="routing.bad_attributes")
    channel = _channel(workflow.workspace, task_channel)
    document = entry.compiled(workflow)
    position = document.enter(attributes)
    spec = TaskSpec(
        id=ids.new_id(),
        queue=None,
        channel=channel.pk,
        workflow=workflow.pk,
        attributes=attributes,
        start=now.timestamp(),
        entered=now.timestamp(),
        position=position or DEFAULT,
    )
    inquiry = _Inquiry(workflow.workspace, workflow, channel, spec, agent, limit, now)
    return inquiry.answer(document, position, task=None)


def explain_task(task: Task, *, agent: str = "", limit: int = AGENTS, now: dt.datetime) -> Json:
    """What will happen to a task from where it stands, as if nobody held it.

    The answer: ``filters`` down to the one that fits, each with what failed; ``matched``; ``steps``, each with its
    queue and conditions, ``order`` (who would be offered it, one declining after the other), ``agents`` (the others,
    with their reasons), ``counts`` of reasons and ``then`` (what happens when nobody accepts); ``end``.
    """
    found = next((spec for _workspace, spec in facts.tasks([task.pk]) if spec.id == task.pk), None)
    channel = task.task_channel
    if found is None:
        raise Refused(_("The task is over."), code="routing.wrong_state")
    found.state = "waiting"
    inquiry = _Inquiry(task.workspace, task.workflow, channel, found, agent, limit, now)
    if found.direct or task.workflow is None:
        return inquiry.answer(None, None, task=task)
    document = entry.compiled(task.workflow)
    position: Position | None = Position(*found.position)
    if position is None or document.target(position) is None:
        position = document.enter(found.attributes)
    return inquiry.answer(document, position, task=task)


class _Inquiry:
    """One question: the matcher it is put to, and what is known of everybody."""

    def __init__(
        self,
        workspace: Workspace,
        workflow: Workflow | None,
        channel: TaskChannel,
        spec: TaskSpec,
        agent: str,
        limit: int,
        now: dt.datetime,
    ) -> None:
        self.workspace, self.workflow, self.channel, self.spec = workspace, workflow, channel, spec
        self.agent, self.limit, self.now = agent.strip().casefold(), limit, now
        self.queues = {row.pk: row for row in TaskQueue.objects.filter(workspace=workspace)}
        self.matcher = Matcher(
            new_id=ids.new_id,
            reoffer_after=float(workspace.reoffer_after),
            newest_queues_first=workspace.prioritize_queue_order == "LIFO",
        )
        self.matcher.decide(now.timestamp())
        facts.configure(self.matcher, workspace)
        self.standing = Standing(workspace, channel)
        for workspace_id, worker in facts.workers():
            if workspace_id == workspace.pk:
                self.standing.put(worker)
                self.matcher.put_worker(worker)
        held = Task.objects.filter(
            workspace=workspace, status__in=["reserved", "assigned", "wrapping"], ended_at__isnull=True
        )
        for _workspace_id, other in facts.tasks(list(held.values_list("pk", flat=True))):
            if other.state != "waiting" and other.id != spec.id:
                self.standing.hold(other)
                self.matcher.put_task(other)
        self.matcher.decide(now.timestamp())

    def answer(self, document: documents.Workflow | None, position: Position | None, *, task: Task | None) -> Json:
        spec = self.spec
        told: Json = {
            "workflow": None
            if self.workflow is None
            else {"sid": self.workflow.sid, "name": self.workflow.friendly_name},
            "task": {
                "sid": task.sid if task else None,
                "attributes": spec.attributes,
                "task_channel": self.channel.unique_name,
                "priority": spec.priority,
                "with": [self.standing.workers[held.worker].name for held in spec.reservations],
            },
            "workers": len(self.standing.workers),
            "warnings": [worded(warning) for warning in document.warnings[:FILTERS]] if document else [],
            "filters": [] if document is None else list(self.filters(document, position)),
            "matched": self.matched(document, position),
            "steps": [],
            "end": "",
        }
        if document is None:
            told["steps"] = [self.step(Target(spec.queue), None)]
            told["end"] = self.patience()
        elif position is None:
            told["end"] = _("No filter fits and there is no default filter: the task is refused.")
        else:
            self.walk(document, position, told)
        return told

    # ---- filters ---------------------------------------------------------------------------------------------------

    def filters(self, document: documents.Workflow, position: Position | None) -> Iterator[Json]:
        """The filters down to the one that fits, and why those above it do not."""
        attributes = self.spec.attributes
        for index, one in enumerate(document.filters[:FILTERS]):
            parts = wording.failing(one.expression.node, attributes)
            yield {
                "index": index,
                "name": one.name,
                "expression": wording.text(one.expression.node),
                "matches": not parts,
                "failed": [_clause(part, attributes) for part in parts],
            }
            if position is not None and index == position.filter:
                return

    def matched(self, document: documents.Workflow | None, position: Position | None) -> Json | None:
        if document is None or position is None:
            return None
        if position.filter < 0:
            return {"filter": "default", "name": _("the default filter"), "target": 0}
        return {"filter": position.filter, "name": document.filters[position.filter].name, "target": position.target}

    # ---- steps -----------------------------------------------------------------------------------------------------

    def walk(self, document: documents.Workflow, position: Position, told: Json) -> None:
        """Every step from here on, as if nobody accepted."""
        place: Position | None = position
        while place is not None and len(told["steps"]) < STEPS:
            target = document.target(place)
            if target is None or target.queue not in self.queues:
                told["end"] = _("The step's queue does not exist any more: the task is canceled.")
                return
            self.spec.position = place
            if target.priority is not None:
                self.spec.priority = target.priority
            step = self.step(target, place)
            told["steps"].append(step)
            if step["skipped"]:
                following = document.after(place, self.spec.attributes, skipped=True)
            elif target.until is not None:
                following = document.after(place, self.spec.attributes, skipped=False)
            else:
                told["end"] = step["then"] = self.patience()
                return
            step["then"] = self.then(step, target, place, following)
            if following is not None and following.filter != place.filter:
                self.spec.entered = self.now.timestamp()
            place = following
        if place is not None:
            told["end"] = _("There are more steps than are shown here.")
        else:
            told["end"] = _("The workflow ends there: the task is canceled.")

    def then(self, step: Json, target: Target, place: Position, following: Position | None) -> str:
        if following is None:
            where = _("the workflow ends and the task is canceled")
        elif following.filter < 0:
            where = _("it goes to the default filter")
        elif following.filter != place.filter:
            where = _("it goes to filter %(number)s, the next that fits") % {"number": following.filter + 1}
        else:
            where = _("it goes to target %(number)s") % {"number": following.target + 1}
        if step["skipped"]:
            return _("Nobody can be offered it now and skip_if holds: %(where)s at once.") % {"where": where}
        told = {"time": _span(target.until or 0), "where": where}
        return _("If nobody has accepted %(time)s after it entered the filter, %(where)s.") % told

    def patience(self) -> str:
        if self.spec.expires is not None:
            left = _span(self.spec.expires - self.now.timestamp())
            return _("It waits here, for %(time)s at most; then it is canceled.") % {"time": left}
        return _("It waits here until its time to live is over.")

    def step(self, target: Target, place: Position | None) -> Json:
        """One step: what it asks, who would be offered the task, who not and why."""
        queue: TaskQueue = self.queues[target.queue]
        order, skipped = self.order(queue)
        counts, others = self.standing.others(self.demand(target, queue), {row for row, _sid, _name in order})
        skip = target.skip_if
        numbers = standing.head_count(self.standing.workers, members.target(queue.target_workers))
        holds = skip is not None and skip.matches({"workers": numbers})
        told = {
            "filter": None if place is None else place.filter,
            "target": None if place is None else place.target,
            "queue": {"sid": queue.sid, "name": queue.friendly_name, "target_workers": queue.target_workers},
            "expression": None if target.expression == TRUE else wording.text(target.expression),
            "known_worker": self.known_worker(target),
            "order_by": [f"{wording.name(key.path)} {'DESC' if key.descending else 'ASC'}" for key in target.order_by],
            "priority": self.spec.priority,
            "until": target.until,
            "skip_if": None if skip is None else {"expression": wording.text(skip.node), "holds": holds, **numbers},
            "skipped": skipped,
            "offers_at_once": min(max(queue.max_reserved_workers, 1), 50),
            "auto_accept": queue.auto_accept,
            "waiting": Task.objects.filter(queue=queue, status="pending").exclude(pk=self.spec.id).count(),
            "order": [
                {"sid": sid, "name": name, "place": number} for number, (_row, sid, name) in enumerate(order, start=1)
            ],
            "order_is_cut": len(order) >= self.limit,
            "counts": counts,
            "agents": self.chosen(others),
            "then": "",
        }
        return told

    def order(self, queue: TaskQueue) -> tuple[list[tuple[uuid.UUID, str, str]], bool]:
        """Who the engine offers the task to, each declining in turn: (row id, sid, name). And whether, with nobody to
        offer it to, it left the step at once."""
        matcher, at = self.matcher, self.now.timestamp()
        found: dict[uuid.UUID, tuple[uuid.UUID, str, str]] = {}
        has_left = False
        self.spec.queue = queue.pk
        matcher.put_task(self.spec)
        while len(found) < self.limit:
            offers = []
            for decision in matcher.decide(at):
                if getattr(decision, "task", None) != self.spec.id:
                    continue
                if not isinstance(decision, Offer):
                    has_left = True
                    break  # what comes after belongs to another step
                offers.append(decision)
            if not offers or all(offer.worker in found for offer in offers):
                break
            for offer in offers:
                worker = self.standing.workers[offer.worker]
                found.setdefault(offer.worker, (offer.worker, worker.sid, worker.name))
                matcher.declined(offer.reservation, at)
        matcher.drop_task(self.spec.id)
        return list(found.values())[: self.limit], has_left and not found

    def demand(self, target: Target, queue: TaskQueue) -> standing.Demand:
        """What a step asks of an agent."""
        spec = self.spec
        known: Node | None = None
        if target.known_worker is not None:
            known = ("cmp", "==", ("path", ("worker", target.known_by[1:])), ("path", ("task", *target.known_worker)))
        return standing.Demand(
            queue=members.target(queue.target_workers).node,
            expression=target.expression,
            known=known,
            attributes=spec.attributes,
            only_worker=spec.only_worker,
            not_worker=getattr(spec, "not_worker", ""),
            declined=spec.declined,
            holders={held.worker for held in spec.reservations},
            ignore_capacity=spec.ignore_capacity,
            now=self.now.timestamp(),
        )

    def known_worker(self, target: Target) -> Json | None:
        if target.known_worker is None:
            return None
        path = ("task", *target.known_worker)
        value = wording.actual(("path", path), {}, self.spec.attributes)[wording.name(path)]
        return {"path": wording.name(path), "value": value, "by": target.known_by[1:]}

    def chosen(self, others: dict[uuid.UUID, list[Json]]) -> list[Json]:
        """Those who are not offered it, the nearest to it first, and always the one asked for."""
        ranked = sorted(
            others.items(), key=lambda item: (standing.distance(item[1]), self.standing.workers[item[0]].name)
        )
        shown = ranked[: self.limit]
        if self.agent:
            shown += [item for item in ranked[self.limit :] if self.is_asked_for(item[0])][:5]
        workers = self.standing.workers
        return [
            {"sid": workers[row].sid, "name": workers[row].name, "reasons": self.standing.told(row, reasons)}
            for row, reasons in shown
        ]

    def is_asked_for(self, row: uuid.UUID) -> bool:
        worker = self.standing.workers[row]
        return self.agent in (worker.sid.casefold(), worker.name.casefold())


def _span(seconds: float) -> str:
    """A time in words; short ones to the second."""
    if seconds < 120:
        return _("%(n)s s") % {"n": max(0, round(seconds))}
    return timesince(dt.datetime(2000, 1, 1), dt.datetime(2000, 1, 1) + dt.timedelta(seconds=seconds))


def _clause(node: Node, scope: Any, task: Any = None) -> Json:
    return {"clause": wording.text(node), "actual": wording.actual(node, scope, task)}


def _channel(workspace: Workspace, name: str) -> TaskChannel:
    rows = TaskChannel.objects.filter(workspace=workspace)
    found = by_sid_or_name(rows, name, "unique_name")
    if found is None:
        names = ", ".join(rows.order_by("unique_name").values_list("unique_name", flat=True))
        message = _("There is no task channel %(name)s. There are: %(names)s.") % {"name": name[:64], "names": names}
        raise Refused(message, code="routing.no_task_channel")
    return found
