"""Activities on the wire."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing.api import base, fields, forms, paging
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Activity, Workspace
from routing.services import rows, workspaces

PATH = (("sid", "WA", "The activity."),)


class ActivityOut(serializers.Serializer[Any]):
    """What a worker can be doing."""

    sid = fields.Sid("WA", help_text="The activity's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    available = serializers.BooleanField(help_text="Whether workers in it are offered tasks.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Activity"


class ActivityCreate(serializers.Serializer[Any]):
    friendly_name = fields.Name(help_text="Its name; unique in the workspace.")
    available = serializers.BooleanField(required=False, help_text="Whether workers in it are offered tasks.")


class ActivityUpdate(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Its name; unique in the workspace.")
    available = serializers.BooleanField(required=False, help_text="Accepted and ignored: it never changes.")


class ActivityFilter(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Only the one of this name.")
    available = serializers.BooleanField(required=False, help_text="Only those that are, or are not, available.")


def wire(row: Activity, links: Links) -> Json:
    """The activity as clients get it."""
    workspace = row.workspace.sid
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": workspace,
        "friendly_name": row.friendly_name,
        "available": row.available,
        "date_created": date(row.created_at),
        "date_updated": date(row.updated_at),
        "url": links.url("Workspaces", workspace, "Activities", row.sid),
        "links": {"workspace": links.url("Workspaces", workspace)},
    }


def rows_of(workspace: Workspace) -> QuerySet[Activity]:
    """The workspace's activities with all that ``wire`` shows, in one query."""
    return Activity.objects.filter(workspace=workspace).select_related("workspace")


def with_activities(workspace: Workspace, asked: Json, *names: str) -> Json:
    """``asked`` with activities instead of their sids (``activity`` for ``activity_sid``), None for an empty one.

    Raises 400 for what is not in the workspace.
    """
    for name in names:
        sid = asked.pop(f"{name}_sid", None)
        if sid is not None:
            activities = Activity.objects.filter(workspace=workspace)
            asked[name] = base.named_row(activities, sid, f"{forms.pascal(name)}Sid") if sid else None
    return asked


class Activities(base.WireView):
    @operation("ListActivity", "List activities.", answer=ActivityOut, listed="activities", query=ActivityFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.query(request, ActivityFilter)
        found = base.named(rows_of(workspace), asked)
        if "available" in asked:
            found = found.filter(available=asked["available"])
        return self.page(paging.page(request, found, key="activities"), wire)

    @operation("CreateActivity", "Make an activity.", answer=ActivityOut, status=201, body=ActivityCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        made = workspaces.create_activity(workspace, now=clock.now(), **forms.body(request, ActivityCreate))
        return Response(wire(made, self.links), status=201)


class OneActivity(base.WireView):
    def _row(self, workspace_sid: str, sid: str) -> Activity:
        return base.find(rows_of(self.workspace(workspace_sid)), sid)

    @operation("FetchActivity", "Fetch an activity.", answer=ActivityOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return Response(wire(self._row(workspace_sid, sid), self.links))

    @operation("UpdateActivity", "Rename an activity.", answer=ActivityOut, body=ActivityUpdate, path=PATH)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = self._row(workspace_sid, sid)
        asked = forms.body(request, ActivityUpdate)
        asked.pop("available", None)
        return Response(wire(rows.change(row, asked, now=clock.now()), self.links))

    @operation("DeleteActivity", "Delete an activity nobody is in.", answer=None, status=204, path=PATH)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        workspaces.delete_activity(self._row(workspace_sid, sid), now=clock.now())
        return Response(status=204)
