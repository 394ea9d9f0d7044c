"""Task channels on the wire."""

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
from routing.models import TaskChannel, Workspace
from routing.services import rows, workspaces

PATH = (("sid", "TC", "The task channel."),)


class TaskChannelOut(serializers.Serializer[Any]):
    """What capacity is counted in: voice, chat, email ..."""

    sid = fields.Sid("TC", help_text="The task channel's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    unique_name = serializers.CharField(max_length=64, help_text="Its name in expressions and parameters.")
    channel_optimized_routing = serializers.BooleanField(help_text="Whether idleness is counted on this channel only.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "TaskChannel"


class TaskChannelUpdate(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Its name.")
    channel_optimized_routing = serializers.BooleanField(
        required=False, help_text="Whether idleness is counted on this channel only."
    )


class TaskChannelCreate(TaskChannelUpdate):
    friendly_name = fields.Name(help_text="Its name.")
    unique_name = serializers.RegexField(
        r"^[A-Za-z_$][A-Za-z0-9_$]*$", max_length=64, help_text="Its name in expressions; unique, no hyphens."
    )


def wire(row: TaskChannel, links: Links) -> Json:
    """The task channel as clients get it."""
    workspace = row.workspace.sid
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": workspace,
        "friendly_name": row.friendly_name,
        "unique_name": row.unique_name,
        "channel_optimized_routing": row.channel_optimized_routing,
        "date_created": date(row.created_at),
        "date_updated": date(row.updated_at),
        "url": links.url("Workspaces", workspace, "TaskChannels", row.sid),
        "links": {"workspace": links.url("Workspaces", workspace)},
    }


def rows_of(workspace: Workspace) -> QuerySet[TaskChannel]:
    """The workspace's task channels with all that ``wire`` shows, in one query."""
    return TaskChannel.objects.filter(workspace=workspace).select_related("workspace")


class TaskChannels(base.WireView):
    @operation("ListTaskChannel", "List task channels.", answer=TaskChannelOut, listed="channels")
    def get(self, request: Request, workspace_sid: str) -> Response:
        return self.page(paging.page(request, rows_of(self.workspace(workspace_sid)), key="channels"), wire)

    @operation("CreateTaskChannel", "Make a task channel.", answer=TaskChannelOut, status=201, body=TaskChannelCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        made = workspaces.create_task_channel(workspace, now=clock.now(), **forms.body(request, TaskChannelCreate))
        return Response(wire(made, self.links), status=201)


class OneTaskChannel(base.WireView):
    def _row(self, workspace_sid: str, sid: str) -> TaskChannel:
        """By sid, or by unique name as TaskRouter does."""
        found = rows_of(self.workspace(workspace_sid))
        return found.filter(unique_name=base.plain(sid)).first() or base.find(found, sid)

    @operation("FetchTaskChannel", "Fetch a task channel.", answer=TaskChannelOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return Response(wire(self._row(workspace_sid, sid), self.links))

    @operation("UpdateTaskChannel", "Change a task channel.", answer=TaskChannelOut, body=TaskChannelUpdate, path=PATH)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = self._row(workspace_sid, sid)
        return Response(wire(rows.change(row, forms.body(request, TaskChannelUpdate), now=clock.now()), self.links))

    @operation("DeleteTaskChannel", "Delete a task channel no task has.", answer=None, status=204, path=PATH)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        workspaces.delete_task_channel(self._row(workspace_sid, sid), now=clock.now())
        return Response(status=204)
