"""Workers on the wire."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing import members
from routing.api import auth, base, errors, fields, forms, paging
from routing.api.activities import with_activities
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Activity, TaskQueue, Worker, Workspace
from routing.services import workers

PATH = (("sid", "WK", "The worker."),)
ORDERINGS = {"DateStatusChanged": "activity_since"}


class WorkerOut(serializers.Serializer[Any]):
    """An agent as the router sees them."""

    sid = fields.Sid("WK", help_text="The worker's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    activity_sid = fields.Sid("WA", help_text="What the worker is doing.")
    activity_name = serializers.CharField(max_length=64, help_text="That activity's name.")
    available = serializers.BooleanField(help_text="Whether that activity takes offers.")
    attributes = serializers.CharField(help_text="What the worker is known by, a JSON object as text.")
    date_status_changed = serializers.DateTimeField(help_text="Since when the worker is in the activity.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Worker"


class WorkerCreate(serializers.Serializer[Any]):
    friendly_name = fields.Name(help_text="Its name; unique in the workspace, whatever the case.")
    activity_sid = fields.Sid("WA", required=False, help_text="Where it begins; the workspace's default if not given.")
    attributes = fields.JsonObject(required=False, help_text="What the worker is known by (JSON object).")


class WorkerUpdate(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Its name; unique in the workspace, whatever the case.")
    activity_sid = fields.Sid("WA", required=False, help_text="What the worker does now.")
    attributes = fields.JsonObject(required=False, help_text="What the worker is known by (JSON object).")
    reject_pending_reservations = serializers.BooleanField(
        required=False, help_text="With an activity that is not available: whether open offers are declined."
    )


class WorkerFilter(serializers.Serializer[Any]):
    activity_name = fields.Name(required=False, help_text="Only those in the activity of this name.")
    activity_sid = fields.Sid("WA", required=False, help_text="Only those in this activity.")
    available = serializers.BooleanField(required=False, help_text="Only those that do, or do not, take offers.")
    friendly_name = fields.Name(required=False, help_text="Only the one of this name.")
    target_workers_expression = fields.Expression(required=False, help_text="Only those this expression selects.")
    task_queue_name = fields.Name(required=False, help_text="Only those of the queue of this name.")
    task_queue_sid = fields.Sid("WQ", required=False, help_text="Only those of this queue.")
    ordering = fields.Ordering(
        columns=ORDERINGS, required=False, help_text="`DateStatusChanged:asc` or `DateStatusChanged:desc`."
    )


def wire(row: Worker, links: Links) -> Json:
    """The worker as clients get it."""
    workspace = links.url("Workspaces", row.workspace.sid)
    url = f"{workspace}/Workers/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": row.workspace.sid,
        "friendly_name": row.friendly_name,
        "activity_sid": row.activity.sid,
        "activity_name": row.activity.friendly_name,
        "available": row.activity.available,
        "attributes": json.dumps(row.attributes, ensure_ascii=False),
        "date_status_changed": date(row.activity_since),
        "date_created": date(row.created_at),
        "date_updated": date(max(row.created_at, row.activity_since, row.idle_since)),
        "url": url,
        "links": {
            "workspace": workspace,
            "activity": f"{workspace}/Activities/{row.activity.sid}",
            "channels": f"{url}/Channels",
            "worker_channels": f"{url}/Channels",
            "reservations": f"{url}/Reservations",
            "worker_statistics": f"{url}/Statistics",
            "workers_statistics": f"{workspace}/Workers/Statistics",
            "cumulative_statistics": f"{workspace}/Workers/CumulativeStatistics",
            "real_time_statistics": f"{workspace}/Workers/RealTimeStatistics",
        },
    }


def rows_of(workspace: Workspace) -> Any:
    """The workspace's workers with all that ``wire`` shows, in one query."""
    return Worker.objects.filter(workspace=workspace).select_related("workspace", "activity")


def _tests(request: Request, workspace: Workspace, asked: Json) -> list[Callable[[Json], bool]]:
    """What SQL cannot ask about a worker's attributes."""
    tests: list[Callable[[Json], bool]] = []
    if "target_workers_expression" in asked:
        auth.limit(request, "TargetWorkersExpression", auth.EXPRESSIONS_PER_SECOND)
        tests.append(members.target(asked["target_workers_expression"]).matches)
    queues = TaskQueue.objects.filter(workspace=workspace)
    if "task_queue_sid" in asked:
        queue = base.named_row(queues, asked["task_queue_sid"], "TaskQueueSid")
        tests.append(members.target(queue.target_workers).matches)
    if "task_queue_name" in asked:
        named = queues.filter(friendly_name=asked["task_queue_name"]).first()
        if named is None:
            raise errors.invalid("TaskQueueName", "There is no queue of this name.")
        tests.append(members.target(named.target_workers).matches)
    return tests


def change(row: Worker, asked: Json, *, if_version: int | None, now: dt.datetime) -> None:
    """Change what is given. Raises 412 when the worker is not in version ``if_version``."""
    asked = with_activities(row.workspace, asked, "activity")
    asked["reject_pending"] = asked.pop("reject_pending_reservations", False)
    workers.update(row, if_version=if_version, now=now, **asked)


class Workers(base.WireView):
    @operation("ListWorker", "List workers.", answer=WorkerOut, listed="workers", query=WorkerFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.query(request, WorkerFilter)
        found = rows_of(workspace)
        if "friendly_name" in asked:
            found = found.filter(friendly_name__iexact=asked["friendly_name"])
        if "activity_name" in asked:
            found = found.filter(activity__friendly_name=asked["activity_name"])
        if "activity_sid" in asked:
            found = found.filter(activity=Activity.id_from_sid(asked["activity_sid"]))
        if "available" in asked:
            found = found.filter(activity__available=asked["available"])
        tests = _tests(request, workspace, asked)
        matches: Callable[[Worker], bool] | None = None
        if tests:

            def matches(row: Worker) -> bool:
                return all(test(row.attributes) for test in tests)

        order = asked.get("ordering", paging.BY_AGE)
        return self.page(paging.page(request, found, key="workers", order=order, matches=matches), wire)

    @operation("CreateWorker", "Make a worker.", answer=WorkerOut, status=201, body=WorkerCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = with_activities(workspace, forms.body(request, WorkerCreate), "activity")
        made = workers.create(workspace, now=clock.now(), **asked)
        return self.versioned(base.find(rows_of(workspace), made.sid), wire, status=201)


class OneWorker(base.WireView):
    @operation("FetchWorker", "Fetch a worker.", answer=WorkerOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return self.versioned(base.find(rows_of(self.workspace(workspace_sid)), sid), wire)

    @operation("UpdateWorker", "Change a worker.", answer=WorkerOut, body=WorkerUpdate, path=PATH, if_match=True)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        row = base.find(rows_of(workspace), sid)
        change(row, forms.body(request, WorkerUpdate), if_version=base.expected_version(request), now=clock.now())
        return self.versioned(base.find(rows_of(workspace), sid), wire)

    @operation("DeleteWorker", "Delete a worker who has no work.", answer=None, status=204, path=PATH, if_match=True)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = base.find(rows_of(self.workspace(workspace_sid)), sid)
        workers.delete(row, if_version=base.expected_version(request), now=clock.now())
        return Response(status=204)
