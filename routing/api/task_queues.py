"""Task queues on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing import members
from routing.api import auth, base, fields, forms, paging
from routing.api.activities import with_activities
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import TaskQueue, Worker, Workspace
from routing.services import queues, rows

PATH = (("sid", "WQ", "The task queue."),)
ORDER = ("FIFO", "LIFO")
ACTIVITIES = ("reservation_activity", "assignment_activity")
ORDERINGS = {"DateUpdated": "updated_at"}


class TaskQueueOut(serializers.Serializer[Any]):
    """Where tasks wait for the workers its expression selects."""

    sid = fields.Sid("WQ", help_text="The queue's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    target_workers = serializers.CharField(allow_blank=True, help_text="Which workers; empty: nobody, tasks just wait.")
    max_reserved_workers = serializers.IntegerField(
        min_value=1, max_value=50, help_text="How many are offered one task at once."
    )
    task_order = serializers.ChoiceField(ORDER, help_text="Oldest first, or newest first whatever the priority.")
    reservation_activity_sid = fields.Sid("WA", allow_null=True, help_text="Kept, without effect.")
    reservation_activity_name = serializers.CharField(allow_null=True, help_text="That activity's name.")
    assignment_activity_sid = fields.Sid("WA", allow_null=True, help_text="Kept, without effect.")
    assignment_activity_name = serializers.CharField(allow_null=True, help_text="That activity's name.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "TaskQueue"


class TaskQueueUpdate(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Its name; unique in the workspace.")
    target_workers = fields.Expression(
        required=False, help_text="Which workers, by their attributes; all if never given, nobody if empty."
    )
    max_reserved_workers = serializers.IntegerField(
        min_value=1, max_value=50, required=False, help_text="How many are offered one task at once."
    )
    task_order = serializers.ChoiceField(
        ORDER, required=False, help_text="Oldest first, or newest first whatever the priority."
    )
    reservation_activity_sid = fields.Sid("WA", required=False, allow_blank=True, help_text="Kept, without effect.")
    assignment_activity_sid = fields.Sid("WA", required=False, allow_blank=True, help_text="Kept, without effect.")


class TaskQueueCreate(TaskQueueUpdate):
    friendly_name = fields.Name(help_text="Its name; unique in the workspace.")


class TaskQueueFilter(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Only the one of this name.")
    evaluate_worker_attributes = fields.JsonObject(
        required=False, help_text="Only queues a worker with these attributes (JSON) would belong to."
    )
    worker_sid = fields.Sid("WK", required=False, help_text="Only queues this worker belongs to.")
    ordering = fields.Ordering(columns=ORDERINGS, required=False, help_text="`DateUpdated:asc` or `DateUpdated:desc`.")


def wire(row: TaskQueue, links: Links) -> Json:
    """The queue as clients get it."""
    workspace = links.url("Workspaces", row.workspace.sid)
    url = f"{workspace}/TaskQueues/{row.sid}"
    reservation, assignment = row.reservation_activity, row.assignment_activity
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": row.workspace.sid,
        "friendly_name": row.friendly_name,
        "target_workers": row.target_workers,
        "max_reserved_workers": min(max(row.max_reserved_workers, 1), 50),
        "task_order": row.task_order,
        "reservation_activity_sid": reservation and reservation.sid,
        "reservation_activity_name": reservation and reservation.friendly_name,
        "assignment_activity_sid": assignment and assignment.sid,
        "assignment_activity_name": assignment and assignment.friendly_name,
        "date_created": date(row.created_at),
        "date_updated": date(row.updated_at),
        "url": url,
        "links": {
            "workspace": workspace,
            "statistics": f"{url}/Statistics",
            "real_time_statistics": f"{url}/RealTimeStatistics",
            "cumulative_statistics": f"{url}/CumulativeStatistics",
            "list_statistics": f"{workspace}/TaskQueues/Statistics",
        },
    }


def rows_of(workspace: Workspace) -> Any:
    """The workspace's queues with all that ``wire`` shows, in one query."""
    return TaskQueue.objects.filter(workspace=workspace).select_related("workspace", *ACTIVITIES)


class TaskQueues(base.WireView):
    @operation("ListTaskQueue", "List task queues.", answer=TaskQueueOut, listed="task_queues", query=TaskQueueFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.query(request, TaskQueueFilter)
        matches: Callable[[TaskQueue], bool] | None = None
        attributes = asked.get("evaluate_worker_attributes")
        if attributes is not None:
            auth.limit(request, "EvaluateWorkerAttributes", auth.EXPRESSIONS_PER_SECOND)
        elif "worker_sid" in asked:
            worker = base.named_row(Worker.objects.filter(workspace=workspace), asked["worker_sid"], "WorkerSid")
            attributes = worker.attributes
        if attributes is not None:
            scope = attributes

            def matches(queue: TaskQueue) -> bool:
                return bool(members.target(queue.target_workers).matches(scope))

        order = asked.get("ordering", paging.BY_AGE)
        found = base.named(rows_of(workspace), asked)
        return self.page(paging.page(request, found, key="task_queues", order=order, matches=matches), wire)

    @operation("CreateTaskQueue", "Make a task queue.", answer=TaskQueueOut, status=201, body=TaskQueueCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = with_activities(workspace, forms.body(request, TaskQueueCreate), *ACTIVITIES)
        return Response(wire(queues.create_queue(workspace, now=clock.now(), **asked), self.links), status=201)


class OneTaskQueue(base.WireView):
    @operation("FetchTaskQueue", "Fetch a task queue.", answer=TaskQueueOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return Response(wire(base.find(rows_of(self.workspace(workspace_sid)), sid), self.links))

    @operation("UpdateTaskQueue", "Change a task queue.", answer=TaskQueueOut, body=TaskQueueUpdate, path=PATH)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        row = base.find(rows_of(workspace), sid)
        asked = with_activities(workspace, forms.body(request, TaskQueueUpdate), *ACTIVITIES)
        return Response(wire(rows.change(row, asked, now=clock.now()), self.links))

    @operation("DeleteTaskQueue", "Delete a task queue nothing needs.", answer=None, status=204, path=PATH)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        queues.delete_queue(base.find(rows_of(self.workspace(workspace_sid)), sid), now=clock.now())
        return Response(status=204)
