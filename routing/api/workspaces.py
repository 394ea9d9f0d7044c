"""Workspaces on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing.api import base, fields, forms, paging
from routing.api.activities import with_activities
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Workspace
from routing.services import rows, workspaces

ORDER = ("FIFO", "LIFO")


class WorkspaceOut(serializers.Serializer[Any]):
    """The whole of routing of one organisation."""

    sid = fields.Sid("WS", help_text="The workspace's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    default_activity_sid = fields.Sid("WA", allow_null=True, help_text="Where a new worker begins.")
    default_activity_name = serializers.CharField(allow_null=True, help_text="That activity's name.")
    timeout_activity_sid = fields.Sid("WA", allow_null=True, help_text="Where a worker goes who lets an offer run out.")
    timeout_activity_name = serializers.CharField(allow_null=True, help_text="That activity's name.")
    event_callback_url = serializers.CharField(allow_null=True, help_text="Where events are sent to.")
    events_filter = serializers.CharField(allow_null=True, help_text="Event types sent there; empty: all.")
    multi_task_enabled = serializers.BooleanField(help_text="Always true: workers may have several tasks at once.")
    prioritize_queue_order = serializers.ChoiceField(ORDER, help_text="Which kind of queue is served first.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Workspace"


class _WorkspaceFields(serializers.Serializer[Any]):
    event_callback_url = fields.CallbackUrl(required=False, help_text="Where events are sent to; empty: nowhere.")
    events_filter = serializers.CharField(
        max_length=2048, allow_blank=True, required=False, help_text="Event types to send, with commas; empty: all."
    )
    multi_task_enabled = serializers.BooleanField(required=False, help_text="Accepted and ignored: it always is.")
    prioritize_queue_order = serializers.ChoiceField(
        ORDER, required=False, help_text="Which kind of queue is served first by a worker in both kinds."
    )


class WorkspaceCreate(_WorkspaceFields):
    friendly_name = fields.Name(help_text="Its name; unique.")
    template = serializers.ChoiceField(
        ("NONE", "FIFO"), required=False, help_text="FIFO: with a queue and a workflow to begin with."
    )


class WorkspaceUpdate(_WorkspaceFields):
    friendly_name = fields.Name(required=False, help_text="Its name; unique.")
    default_activity_sid = fields.Sid("WA", required=False, help_text="Where a new worker begins.")
    timeout_activity_sid = fields.Sid(
        "WA", required=False, allow_blank=True, help_text="Where a worker goes who lets an offer run out; empty: stays."
    )


class WorkspaceFilter(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Only the one of this name.")


def wire(row: Workspace, links: Links) -> Json:
    """The workspace as clients get it."""
    url = links.url("Workspaces", row.sid)
    default, timeout = row.default_activity, row.timeout_activity
    parts = ("Activities", "Events", "Tasks", "TaskChannels", "TaskQueues", "Workers", "Workflows", "Statistics")
    statistics = ("RealTimeStatistics", "CumulativeStatistics")
    names = {part: base.snake(part) for part in (*parts, *statistics)}
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "friendly_name": row.friendly_name,
        "default_activity_sid": default and default.sid,
        "default_activity_name": default and default.friendly_name,
        "timeout_activity_sid": timeout and timeout.sid,
        "timeout_activity_name": timeout and timeout.friendly_name,
        "event_callback_url": row.event_callback_url or None,
        "events_filter": row.events_filter or None,
        "multi_task_enabled": True,
        "prioritize_queue_order": row.prioritize_queue_order,
        "date_created": date(row.created_at),
        "date_updated": date(row.updated_at),
        "url": url,
        "links": {names[part]: f"{url}/{part}" for part in names},
    }


class Workspaces(base.WireView):
    @operation("ListWorkspace", "List workspaces.", answer=WorkspaceOut, listed="workspaces", query=WorkspaceFilter)
    def get(self, request: Request) -> Response:
        asked = forms.query(request, WorkspaceFilter)
        found = Workspace.objects.select_related("default_activity", "timeout_activity")
        page = paging.page(request, base.named(found, asked), key="workspaces")
        return self.page(page, wire)

    @operation("CreateWorkspace", "Make a workspace.", answer=WorkspaceOut, status=201, body=WorkspaceCreate)
    def post(self, request: Request) -> Response:
        asked = forms.body(request, WorkspaceCreate)
        asked.pop("multi_task_enabled", None)
        made = workspaces.create(now=clock.now(), **asked)
        return Response(wire(self.workspace(made.sid), self.links), status=201)


class OneWorkspace(base.WireView):
    @operation("FetchWorkspace", "Fetch a workspace.", answer=WorkspaceOut)
    def get(self, request: Request, workspace_sid: str) -> Response:
        return Response(wire(self.workspace(workspace_sid), self.links))

    @operation("UpdateWorkspace", "Change a workspace.", answer=WorkspaceOut, body=WorkspaceUpdate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        row = self.workspace(workspace_sid)
        asked = forms.body(request, WorkspaceUpdate)
        asked.pop("multi_task_enabled", None)
        asked = with_activities(row, asked, "default_activity", "timeout_activity")
        return Response(wire(rows.change(row, asked, now=clock.now()), self.links))

    @operation("DeleteWorkspace", "Delete a workspace and all that is in it.", answer=None, status=204)
    def delete(self, request: Request, workspace_sid: str) -> Response:
        workspaces.delete(self.workspace(workspace_sid), now=clock.now())
        return Response(status=204)
