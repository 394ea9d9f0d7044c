"""Workflow documents from elsewhere: in, with a report of everything that was tolerated, and out again.

A queue the document names by a sid nobody has here is created *with that sid*, so the document stays word for word what
it was. Names become sids, because names can be given away. ``check`` does all of it and takes it back.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contactcenter.lib import clock, ids
from contactcenter.lib.errors import ContactCenterError
from contactcenter.lib.text import scrub_json, scrub_name
from routing import checks
from routing import review as reviews
from routing.engine import workflow as documents
from routing.models import Activity, TaskQueue, Worker, Workflow, Workspace
from routing.review import ERROR, MAX_FINDINGS, NOTE, WARNING, Finding
from routing.services import configuration

#: TaskRouter's limit per workspace.
MAX_QUEUES = 5_000


@dataclass(slots=True)
class QueueUse:
    """What the document calls a queue, which queue that is here, and how it came about."""

    reference: str
    sid: str
    name: str
    how: str  # "sid", "name", "given" or "created"
    target_workers: str
    paths: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What importing a document does, or with ``check`` would do. Nothing was changed unless ``applied``."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    queues: list[QueueUse] = field(default_factory=list)
    workflow_sid: str = ""
    #: "created", "updated", "unchanged"; empty when the document cannot be used
    outcome: str = ""
    applied: bool = False
    configuration: dict[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == ERROR]

    def say(self, level: str, path: str, message: str) -> None:
        if len(self.findings) < 2 * MAX_FINDINGS or level == ERROR:
            self.findings.append(Finding(level, path, message))

    def to_json(self) -> dict[str, Any]:
        findings = [{"level": one.level, "path": one.path, "message": one.message} for one in self.findings]
        names = ("reference", "sid", "name", "how", "target_workers", "paths")
        return {
            "workflow": {"sid": self.workflow_sid or None, "name": self.name},
            "outcome": self.outcome or "refused",
            "applied": self.applied,
            "queues": [{name: getattr(use, name) for name in names} for use in self.queues],
            "findings": findings,
        }


class _TakenBack(Exception):
    """Nothing of it stays."""


def load(
    document: Any,
    *,
    workspace: Workspace,
    name: str,
    check: bool = False,
    queues: Mapping[str, str] | None = None,
    now: dt.datetime | None = None,
) -> Report:
    """Bring a document in as the workspace's workflow ``name``, which is made or replaced.

    ``document`` is the JSON text, the decoded document, or a workflow as TaskRouter's API shows it. ``queues`` says
    which queue here (sid or name) stands for which of the document's. With ``check`` the report is the same and
    nothing is changed. Never raises for what is wrong with the document: that is ``Report.errors``.
    """
    report = Report(scrub_name(name, 64))
    try:
        if isinstance(document, (str, bytes)):
            document = checks.read(document)
        checks.weigh(document)
    except ContactCenterError as error:
        report.say(ERROR, "", error.message)
        return report
    document = _unwrap(scrub_json(document), report)
    found = reviews.review(document)
    report.findings += found.findings
    if not report.name:
        report.say(ERROR, "", _("The workflow needs a name."))
    if report.errors:
        return report
    try:
        with transaction.atomic():
            _Import(report, workspace, queues or {}, now or clock.now()).run(document, found)
            if check or report.errors:
                raise _TakenBack
            report.applied = report.outcome != "unchanged" or any(use.how == "created" for use in report.queues)
    except _TakenBack:
        if report.errors:
            report.outcome = report.workflow_sid = ""
    return report


def export(workflow: Workflow, *, with_queues: bool = False) -> dict[str, Any]:
    """The workflow's document: imported again, here or elsewhere, it is the same workflow.

    ``with_queues`` adds ``task_queues``, what the queues it names are called and whom they mean, for an installation
    that does not have them.
    """
    document: dict[str, Any] = copy.deepcopy(workflow.configuration)
    if not with_queues:
        return document
    known = {row.pk: row for row in TaskQueue.objects.filter(workspace_id=workflow.workspace_id)}
    names = {row.friendly_name: row.pk for row in known.values()}
    used: dict[uuid.UUID, None] = {}
    for _path, reference in reviews.review(document).queues:
        row_id = TaskQueue.id_from_sid(reference)
        row_id = row_id if row_id in known else names.get(reference)
        if row_id is not None:
            used[row_id] = None
    document["task_queues"] = [
        {
            "sid": row.sid,
            "friendly_name": row.friendly_name,
            "target_workers": row.target_workers,
            "task_order": row.task_order,
            "max_reserved_workers": row.max_reserved_workers,
        }
        for row in (known[row_id] for row_id in used)
    ]
    return document


def _unwrap(document: Any, report: Report) -> Any:
    """The document inside an answer of TaskRouter's API: its configuration, there mostly as a string."""
    if not isinstance(document, dict) or "task_routing" in document:
        return document
    inner = document.get("configuration", document.get("Configuration"))
    if isinstance(inner, str):
        try:
            inner = scrub_json(checks.read(inner))
        except ContactCenterError as error:
            report.say(ERROR, "configuration", error.message)
    if isinstance(inner, dict):
        report.say(NOTE, "configuration", _("The file holds a workflow as the API shows it; its document is used."))
        return inner
    return document


class _Import:
    """One document's way in, inside a transaction."""

    def __init__(self, report: Report, workspace: Workspace, given: Mapping[str, str], now: dt.datetime) -> None:
        self.report = report
        self.workspace = workspace
        self.given = given
        self.now = now
        rows = list(TaskQueue.objects.filter(workspace=workspace))
        self.by_sid: dict[str, TaskQueue] = {}
        self.by_name: dict[str, TaskQueue] = {}
        self.by_folded: dict[str, list[TaskQueue]] = {}
        for row in rows:
            self.know(row)
        self.described: dict[str, dict[str, Any]] = {}

    def know(self, row: TaskQueue) -> None:
        self.by_sid[row.sid] = self.by_name[row.friendly_name] = row
        self.by_folded.setdefault(row.friendly_name.casefold(), []).append(row)

    def run(self, document: dict[str, Any], found: reviews.Review) -> None:
        listed = document.pop("task_queues", None)
        for row in listed if isinstance(listed, list) else []:
            if isinstance(row, dict) and isinstance(row.get("friendly_name"), str):
                self.described[str(row.get("sid") or row["friendly_name"])] = row
        if len({reference for _path, reference in found.queues}) > MAX_QUEUES:
            self.report.say(ERROR, "", _("It names more than %(number)s queues.") % {"number": MAX_QUEUES})
            return
        uses: dict[str, QueueUse] = {}
        for path, reference in found.queues:
            use = uses.get(reference)
            if use is None:
                use = uses[reference] = self.queue(reference, path)
            use.paths.append(path)
        self.report.queues = list(uses.values())
        if self.report.errors:
            return
        for step in reviews.steps(document):
            if step.get("queue"):
                step["queue"] = uses[step["queue"]].sid
        self.foreign(found)
        # The last word has the reader that will read it for every task.
        documents.parse(document, self.by_sid.get, lenient=True)
        self.report.configuration = document
        self.save(document)

    def queue(self, reference: str, path: str) -> QueueUse:
        """The queue here that the document means, made if there is none."""
        report, row_id = self.report, TaskQueue.id_from_sid(reference)
        given = self.given.get(reference)
        if given is not None:
            row = self.by_sid.get(given) or self.by_name.get(given)
            if row is None:
                report.say(ERROR, path, _("There is no queue %(name)s to stand for it.") % {"name": repr(given[:64])})
                return QueueUse(reference, "", "", "given", "")
            return _use(reference, row, "given")
        if reference in self.by_sid:
            return _use(reference, self.by_sid[reference], "sid")
        said = self.described.get(reference, {})
        name = scrub_name(str(said.get("friendly_name") or reference), 64)
        row = self.by_name.get(name) or self._by_folded_name(name, path)
        if row is not None:
            how = "name"
            report.say(NOTE, path, _("%(name)s is written as its id, %(sid)s.") % {"name": repr(name), "sid": row.sid})
        else:
            row, how = self.create(name, row_id, said, path), "created"
        return _use(reference, row, how)

    def create(self, name: str, row_id: uuid.UUID | None, said: dict[str, Any], path: str) -> TaskQueue:
        report, target_workers = self.report, said.get("target_workers", "1==1")
        try:
            checks.expression(str(target_workers))
        except ContactCenterError as error:
            message = _("The queue's target workers cannot be read, so nobody is in it. %(problem)s")
            report.say(WARNING, path, message % {"problem": error.message})
            target_workers = ""
        if row_id is None or TaskQueue.objects.filter(pk=row_id).exists():  # another workspace has that one
            row_id = ids.new_id()
        row = TaskQueue(
            id=row_id,
            workspace=self.workspace,
            friendly_name=name,
            target_workers=str(target_workers),
            task_order="LIFO" if said.get("task_order") == "LIFO" else "FIFO",
            created_at=self.now,
        )
        limit = said.get("max_reserved_workers")
        if isinstance(limit, int) and 1 <= limit <= 50:
            row.max_reserved_workers = limit
        row.save(force_insert=True)
        configuration.saved(row, is_new=True, now=self.now)
        self.know(row)
        if "target_workers" not in said:
            message = _("The queue %(name)s is new and means every agent; say in its settings whom it is for.")
            report.say(WARNING, path, message % {"name": repr(name)})
        return row

    def _by_folded_name(self, name: str, path: str) -> TaskQueue | None:
        rows = self.by_folded.get(name.casefold(), [])
        if len(rows) != 1:
            return None
        message = _("%(name)s is taken for the queue %(known)s.")
        self.report.say(NOTE, path, message % {"name": repr(name), "known": repr(rows[0].friendly_name)})
        return rows[0]

    def foreign(self, found: reviews.Review) -> None:
        """Warn of workers and activities the expressions name and nobody here is."""
        for model, what in ((Worker, _("worker")), (Activity, _("activity"))):
            named = {row_id: sid for sid in found.sids if (row_id := model.id_from_sid(sid)) is not None}
            here = model._default_manager.filter(pk__in=list(named)[:1000]).values_list("pk", flat=True)
            for row_id in named.keys() - set(here):
                sid = named[row_id]
                message = _("There is no %(what)s %(sid)s here.") % {"what": what, "sid": sid}
                self.report.say(WARNING, found.sids[sid], message)

    def save(self, document: dict[str, Any]) -> None:
        name, report = self.report.name, self.report
        row = Workflow.objects.select_for_update().filter(workspace=self.workspace, friendly_name=name).first()
        if row is None:
            row = Workflow(workspace=self.workspace, friendly_name=name, created_at=self.now)
            report.outcome = "created"
        elif json.dumps(row.configuration, sort_keys=True) == json.dumps(document, sort_keys=True):
            report.outcome, report.workflow_sid = "unchanged", row.sid
            return
        else:
            row.version += 1
            report.outcome = "updated"
        row.configuration = document
        is_new = row._state.adding
        row.save()
        report.workflow_sid = row.sid
        configuration.saved(row, is_new=is_new, now=self.now)


def _use(reference: str, row: TaskQueue, how: str) -> QueueUse:
    return QueueUse(reference, row.sid, row.friendly_name, how, row.target_workers)
