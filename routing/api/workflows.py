"""Workflows on the wire."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing import jobs
from routing.api import base, fields, forms, paging
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Workflow, Workspace
from routing.services import queues, rows

PATH = (("sid", "WW", "The workflow."),)
MAX_BYTES = 1_038_576


class WorkflowOut(serializers.Serializer[Any]):
    """The rules that pick a queue for a task."""

    sid = fields.Sid("WW", help_text="The workflow's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    friendly_name = serializers.CharField(max_length=64, help_text="Its name.")
    configuration = serializers.CharField(help_text="The workflow document, JSON as text.")
    assignment_callback_url = serializers.CharField(
        allow_null=True, help_text="Asked about every offer: accept, reject, or decide later."
    )
    fallback_assignment_callback_url = serializers.CharField(
        allow_null=True, help_text="Asked when the first one fails."
    )
    task_reservation_timeout = serializers.IntegerField(
        min_value=1, max_value=86400, help_text="Seconds an offer stays open."
    )
    document_content_type = serializers.CharField(help_text="Always application/json.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was last changed.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Workflow"


class _WorkflowFields(serializers.Serializer[Any]):
    assignment_callback_url = fields.CallbackUrl(
        required=False, help_text="Asked about every offer: accept, reject, or decide later."
    )
    fallback_assignment_callback_url = fields.CallbackUrl(required=False, help_text="Asked when the first one fails.")
    task_reservation_timeout = serializers.IntegerField(
        min_value=1, max_value=86400, required=False, help_text="Seconds an offer stays open, 120 if never given."
    )


class WorkflowCreate(_WorkflowFields):
    friendly_name = fields.Name(help_text="Its name; unique in the workspace.")
    configuration = fields.JsonObject(max_length=MAX_BYTES, help_text="The workflow document (JSON).")


class WorkflowUpdate(_WorkflowFields):
    friendly_name = fields.Name(required=False, help_text="Its name; unique in the workspace.")
    configuration = fields.JsonObject(max_length=MAX_BYTES, required=False, help_text="The workflow document (JSON).")
    re_evaluate_tasks = serializers.BooleanField(
        required=False, help_text="Whether waiting tasks enter the changed document anew."
    )


class WorkflowFilter(serializers.Serializer[Any]):
    friendly_name = fields.Name(required=False, help_text="Only the one of this name.")


def wire(row: Workflow, links: Links) -> Json:
    """The workflow as clients get it."""
    workspace = links.url("Workspaces", row.workspace.sid)
    url = f"{workspace}/Workflows/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": row.workspace.sid,
        "friendly_name": row.friendly_name,
        "configuration": json.dumps(row.configuration, ensure_ascii=False),
        "assignment_callback_url": row.assignment_callback_url or None,
        "fallback_assignment_callback_url": row.fallback_assignment_callback_url or None,
        "task_reservation_timeout": min(max(row.task_reservation_timeout, 1), 86400),
        "document_content_type": "application/json",
        "date_created": date(row.created_at),
        "date_updated": date(row.updated_at),
        "url": url,
        "links": {
            "workspace": workspace,
            "statistics": f"{url}/Statistics",
            "real_time_statistics": f"{url}/RealTimeStatistics",
            "cumulative_statistics": f"{url}/CumulativeStatistics",
        },
    }


def rows_of(workspace: Workspace) -> Any:
    """The workspace's workflows, in one query."""
    return Workflow.objects.filter(workspace=workspace).select_related("workspace")


class Workflows(base.WireView):
    @operation("ListWorkflow", "List workflows.", answer=WorkflowOut, listed="workflows", query=WorkflowFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        asked = forms.query(request, WorkflowFilter)
        found = base.named(rows_of(self.workspace(workspace_sid)), asked)
        return self.page(paging.page(request, found, key="workflows"), wire)

    @operation("CreateWorkflow", "Make a workflow.", answer=WorkflowOut, status=201, body=WorkflowCreate)
    def post(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.body(request, WorkflowCreate)
        return Response(wire(queues.create_workflow(workspace, now=clock.now(), **asked), self.links), status=201)


class OneWorkflow(base.WireView):
    @operation("FetchWorkflow", "Fetch a workflow.", answer=WorkflowOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        return Response(wire(base.find(rows_of(self.workspace(workspace_sid)), sid), self.links))

    @operation("UpdateWorkflow", "Change a workflow.", answer=WorkflowOut, body=WorkflowUpdate, path=PATH)
    def post(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = base.find(rows_of(self.workspace(workspace_sid)), sid)
        asked = forms.body(request, WorkflowUpdate)
        anew = asked.pop("re_evaluate_tasks", False)
        with transaction.atomic():
            row = rows.change(row, asked, now=clock.now())
            if anew:
                transaction.on_commit(lambda: jobs.enter_anew.delay(workflow=str(row.pk)))
        return Response(wire(row, self.links))

    @operation("DeleteWorkflow", "Delete a workflow no live task is in.", answer=None, status=204, path=PATH)
    def delete(self, request: Request, workspace_sid: str, sid: str) -> Response:
        queues.delete_workflow(base.find(rows_of(self.workspace(workspace_sid)), sid), now=clock.now())
        return Response(status=204)
