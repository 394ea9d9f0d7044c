"""Tasks on the wire."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing import members
from routing.api import auth, base, errors, fields, forms, paging
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Task, TaskQueue, Worker, Workflow, Workspace
from routing.services import locks, tasks, upkeep

PATH = (("sid", "WT", "The task."),)
STATUS = tuple(Task.Status.values)
ORDERINGS = {"DateCreated": "created_at", "Priority": "priority", "VirtualStartTime": "virtual_start_time"}
#: Lists leave out what ended longer ago, unless a status is asked for; fetching finds it.
SHOWN_AFTER_END = dt.timedelta(minutes=5)


class TaskOut(serializers.Serializer[Any]):
    """Work to assign."""

    sid = fields.Sid("WT", help_text="The task's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    attributes = serializers.CharField(help_text="What it is about, a JSON object as text.")
    assignment_status = serializers.ChoiceField(STATUS, help_text="Where it stands.")
    priority = serializers.IntegerField(min_value=0, max_value=2**31 - 1, help_text="Higher goes first.")
    age = serializers.IntegerField(min_value=0, help_text="Seconds since it was made.")
    timeout = serializers.IntegerField(min_value=1, max_value=tasks.MAX_TIMEOUT, help_text="Seconds it may wait.")
    reason = serializers.CharField(allow_null=True, help_text="Why it was canceled or completed.")
    task_queue_sid = fields.Sid("WQ", allow_null=True, help_text="The queue it is in, or came from.")
    task_queue_friendly_name = serializers.CharField(allow_null=True, help_text="That queue's name.")
    task_queue_entered_date = serializers.DateTimeField(allow_null=True, help_text="When it entered that queue.")
    task_channel_sid = fields.Sid("TC", help_text="Which capacity it takes.")
    task_channel_unique_name = serializers.CharField(help_text="That channel's name.")
    workflow_sid = fields.Sid("WW", allow_null=True, help_text="The workflow it goes through.")
    workflow_friendly_name = serializers.CharField(allow_null=True, help_text="That workflow's name.")
    virtual_start_time = serializers.DateTimeField(help_text="Since when it counts as waiting.")
    routing_target = fields.Sid("WK", "WQ", "WW", allow_null=True, help_text="Where it was sent directly.")
    ignore_capacity = serializers.BooleanField(help_text="Whether the worker it was sent to gets it in any case.")
    addons = serializers.CharField(help_text="Always an empty JSON object, as text.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it last moved on.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Task"


class TaskCreate(serializers.Serializer[Any]):
    workflow_sid = fields.Sid(
        "WW", required=False, help_text="The workflow to go through; needed when there is more than one."
    )
    attributes = fields.JsonObject(required=False, help_text="What it is about (JSON object).")
    priority = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, help_text="Higher goes first; a target may set another."
    )
    timeout = serializers.IntegerField(
        min_value=1, max_value=tasks.MAX_TIMEOUT, required=False, help_text="Seconds it may wait, a day if not given."
    )
    task_channel = serializers.CharField(
        max_length=64, required=False, help_text="Sid or unique name of the task channel, `default` if not given."
    )
    virtual_start_time = fields.WireDate(required=False, help_text="Since when it counts as waiting; not the future.")
    routing_target = fields.Sid(
        "WK", "WQ", "WW", required=False, help_text="A worker, queue or workflow to send it to directly."
    )
    ignore_capacity = serializers.BooleanField(
        required=False, help_text="With a worker as target: whether capacity and activity do not matter (default)."
    )
    task_queue_sid = fields.Sid(
        "WQ",
        required=False,
        help_text="The queue to send it to directly, or to count it as when RoutingTarget is a worker.",
    )


class TaskUpdate(serializers.Serializer[Any]):
    attributes = fields.JsonObject(required=False, help_text="What it is about now (JSON object).")
    assignment_status = serializers.ChoiceField(
        STATUS, required=False, help_text="canceled, completed or wrapping; others cannot be set."
    )
    reason = serializers.CharField(
        max_length=512, allow_blank=True, required=False, help_text="Why it is canceled or completed."
    )
    priority = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, help_text="Higher goes first."
    )
    task_channel = serializers.CharField(
        max_length=64, required=False, help_text="Sid or unique name of another task channel, while it waits."
    )
    virtual_start_time = fields.WireDate(required=False, help_text="Since when it counts as waiting; not the future.")


class TaskFilter(serializers.Serializer[Any]):
    priority = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, help_text="Only those of this priority."
    )
    assignment_status = serializers.ListField(
        child=serializers.ChoiceField(STATUS), max_length=20, required=False, help_text="Only these; may be repeated."
    )
    workflow_sid = fields.Sid("WW", required=False, help_text="Only those of this workflow.")
    workflow_name = fields.Name(required=False, help_text="Only those of the workflow of this name.")
    task_queue_sid = fields.Sid("WQ", required=False, help_text="Only those in this queue.")
    task_queue_name = fields.Name(required=False, help_text="Only those in the queue of this name.")
    evaluate_task_attributes = fields.Expression(
        required=False, help_text="Only those whose attributes fit this expression."
    )
    routing_target = fields.Sid("WK", "WQ", "WW", required=False, help_text="Only those sent there directly.")
    has_addons = serializers.BooleanField(required=False, help_text="True finds nothing: there are no add-ons.")
    ordering = fields.Ordering(
        columns=ORDERINGS,
        required=False,
        help_text="`DateCreated`, `VirtualStartTime` or `Priority`, each with `:asc` or `:desc`, with commas.",
    )

    def validate_ordering(self, order: tuple[paging.Order, ...]) -> tuple[paging.Order, ...]:
        if {"created_at", "virtual_start_time"} <= {column.field for column in order}:
            raise serializers.ValidationError("DateCreated and VirtualStartTime cannot both be asked for.")
        return order


def wire(row: Task, links: Links) -> Json:
    """The task as clients get it."""
    workspace = links.url("Workspaces", row.workspace.sid)
    url = f"{workspace}/Tasks/{row.sid}"
    queue, workflow = row.queue, row.workflow
    moved = (row.created_at, row.queue_entered_at, row.assigned_at, row.wrapping_at, row.ended_at)
    until = row.ended_at or clock.now()
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": row.workspace.sid,
        "attributes": json.dumps(row.attributes, ensure_ascii=False),
        "assignment_status": row.status,
        "priority": max(row.priority, 0),
        "age": max(0, int((until - row.created_at).total_seconds())),
        "timeout": row.timeout,
        "reason": row.reason or None,
        "task_queue_sid": queue and queue.sid,
        "task_queue_friendly_name": queue and queue.friendly_name,
        "task_queue_entered_date": date(row.queue_entered_at),
        "task_channel_sid": row.task_channel.sid,
        "task_channel_unique_name": row.task_channel.unique_name,
        "workflow_sid": workflow and workflow.sid,
        "workflow_friendly_name": workflow and workflow.friendly_name,
        "virtual_start_time": date(row.virtual_start_time),
        "routing_target": row.routing_target or None,
        "ignore_capacity": row.ignore_capacity,
        "addons": "{}",
        "date_created": date(row.created_at),
        "date_updated": date(max(at for at in moved if at is not None)),
        "url": url,
        "links": {
            "workspace": workspace,
            "reservations": f"{url}/Reservations",
            **({"task_queue": f"{workspace}/TaskQueues/{queue.sid}"} if queue else {}),
            **({"workflow": f"{workspace}/Workflows/{workflow.sid}"} if workflow else {}),
        },
    }


def rows_of(workspace: Workspace) -> Any:
    """The workspace's tasks with all that ``wire`` shows, in one query."""
    related = ("workspace", "queue", "workflow", "task_channel")
    return Task.objects.filter(workspace=workspace).select_related(*related)


def _filtered(workspace: Workspace, asked: Json, now: dt.datetime) -> Any:
    found = rows_of(workspace)
    if "assignment_status" in asked:
        found = found.filter(status__in=asked["assignment_status"])
    else:
        found = found.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now - SHOWN_AFTER_END))
    if "priority" in asked:
        found = found.filter(priority=asked["priority"])
    if "workflow_sid" in asked:
        found = found.filter(workflow=Workflow.id_from_sid(asked["workflow_sid"]))
    if "workflow_name" in asked:
        found = found.filter(workflow__friendly_name=asked["workflow_name"])
    if "task_queue_sid" in asked:
        found = found.filter(queue=TaskQueue.id_from_sid(asked["task_queue_sid"]))
    if "task_queue_name" in asked:
        found = found.filter(queue__friendly_name=asked["task_queue_name"])
    if "routing_target" in asked:
        found = found.filter(routing_target=asked["routing_target"])
    return found.none() if asked.get("has_addons") else found


def create(workspace: Workspace, asked: Json, now: dt.datetime) -> Task:
    """Make the task these parameters describe. Raises 400 for what is not in the workspace."""
    _check_start(asked, now)
    queue_sid: str = asked.pop("task_queue_sid", "")
    target: str = asked.pop("routing_target", "") or queue_sid
    workflows = Workflow.objects.filter(workspace=workspace)
    if target.startswith("WW"):
        asked["workflow_sid"], target = target, ""
    if "workflow_sid" in asked:
        workflow = base.named_row(workflows, asked.pop("workflow_sid"), "WorkflowSid")
    else:
        found = list(workflows.order_by("id")[:2])
        if not found or (len(found) > 1 and not target):
            raise errors.invalid("WorkflowSid", "It is required: the workspace does not have exactly one workflow.")
        workflow = found[0]
    ignore = asked.pop("ignore_capacity", None)
    if target.startswith("WK"):
        base.named_row(Worker.objects.filter(workspace=workspace), target, "RoutingTarget")
        asked["ignore_capacity"] = ignore is not False
        if queue_sid:
            asked["queue"] = base.named_row(TaskQueue.objects.filter(workspace=workspace), queue_sid, "TaskQueueSid")
    elif target:
        base.named_row(TaskQueue.objects.filter(workspace=workspace), target, "RoutingTarget")
    attributes = asked.pop("attributes", {})
    return tasks.create(workflow=workflow, attributes=attributes, routing_target=target, now=now, **asked)


def change(row: Task, asked: Json, *, if_version: int | None, by: Worker | None = None, now: dt.datetime) -> None:
    """Change what is given, all or nothing. ``by``: the worker who does it, None for a program.

    Raises 412 when the task is not in version ``if_version``.
    """
    _check_start(asked, now)
    status, reason = asked.pop("assignment_status", None), asked.pop("reason", None)
    with transaction.atomic():
        held = locks.task(row.pk)
        base.check_version(if_version, held.version)
        if asked:
            held = tasks.update(held, now=now, **asked)
        if status is None or status == held.status:
            return
        if status == Task.Status.CANCELED:
            tasks.cancel(held, reason=reason or "", now=now)
        elif status == Task.Status.COMPLETED:
            tasks.complete(held, by=by, reason=reason or "", now=now)
        elif status == Task.Status.WRAPPING:
            tasks.wrap_up(held, by=by, now=now)
        else:
            raise errors.invalid("AssignmentStatus", f"A task that is {held.status} cannot be made {status}.")


def _check_start(asked: Json, now: dt.datetime) -> None:
    if "virtual_start_time" in asked and asked["virtual_start_time"] > now + dt.timedelta(seconds=1):
        raise errors.invalid("VirtualStartTime", "It lies in the future.")


class Tasks(base.WireView):
    @operation("ListTask", "List tasks.", answer=TaskOut, listed="tasks", query=TaskFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.query(request, TaskFilter)
        matches: Callable[[Task], bool] | None = None
        if "evaluate_task_attributes" in asked:
            auth.limit(request, "EvaluateTaskAttributes", auth.EXPRESSIONS_PER_SECOND)
            test = members.target(asked["evaluate_task_attributes"]).matches

            def matches(row: Task) -> bool:
                return bool(test(row.attributes))

        found = _filtered(workspace, asked, clock.now())
        order = asked.get("ordering", paging.BY_AGE)
        return self.page(paging.page(request, found, key="tasks", order=order, matches=matches), wire)

    @operation("CreateTask", "Make a task.", answer=TaskOut, status=201, body=TaskCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        made = create(workspace, forms.body(request, TaskCreate), clock.now())
        return self.versioned(base.find(rows_of(workspace), made.sid), wire, status=201)


class OneTask(base.WireView):
    @operation("FetchTask", "Fetch a task.", answer=TaskOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return self.versioned(base.find(rows_of(self.workspace(workspace_sid)), sid), wire)

    @operation("UpdateTask", "Change a task, or end it.", answer=TaskOut, body=TaskUpdate, path=PATH, if_match=True)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        row = base.find(rows_of(workspace), sid)
        asked = forms.body(request, TaskUpdate)
        change(row, asked, if_version=base.expected_version(request), now=clock.now())
        return self.versioned(base.find(rows_of(workspace), sid), wire)

    @operation("DeleteTask", "Delete a task, whoever has it.", answer=None, status=204, path=PATH, if_match=True)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = base.find(rows_of(self.workspace(workspace_sid)), sid)
        upkeep.delete(row, if_version=base.expected_version(request), now=clock.now())
        return Response(status=204)
