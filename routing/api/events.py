"""Events on the wire: what happened in a workspace, newest first."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from contactcenter.lib.rows import by_sid_or_name
from routing import event_wire
from routing.api import base, errors, fields, forms, paging
from routing.api.base import Json, Links
from routing.api.schema import operation
from routing.models import Event, Reservation, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace

PATH = (("sid", "EV", "The event."),)
KEPT = dt.timedelta(days=30)
MAX_MINUTES = 30 * 24 * 60


class EventOut(serializers.Serializer[Any]):
    """Something that happened."""

    sid = fields.Sid("EV", help_text="The event's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    event_type = serializers.CharField(max_length=64, help_text="What happened, such as reservation.accepted.")
    event_date = serializers.DateTimeField(help_text="When.")
    event_date_ms = serializers.IntegerField(min_value=0, help_text="When, in milliseconds since 1970.")
    event_data = serializers.DictField(help_text="The facts, named as in the event's webhook but in snake_case.")
    description = serializers.CharField(help_text="What happened, in words.")
    resource_type = serializers.CharField(help_text="What it happened to: task, worker, reservation ...")
    resource_sid = serializers.CharField(allow_null=True, help_text="Which one.")
    resource_url = serializers.CharField(allow_null=True, help_text="Where that is.")
    actor_type = serializers.CharField(allow_null=True, help_text="What did it, if it was not the router.")
    actor_sid = serializers.CharField(allow_null=True, help_text="Who did it, if it was not the router.")
    actor_url = serializers.CharField(allow_null=True, help_text="Where that is.")
    source = serializers.CharField(  # type: ignore[assignment]  # the wire has a field of this name
        allow_null=True, help_text="Where it came from."
    )
    source_ip_address = serializers.CharField(allow_null=True, help_text="Never told: always null.")
    date_created = serializers.DateTimeField(help_text="When it was written down.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Event"


class EventFilter(serializers.Serializer[Any]):
    event_type = serializers.CharField(max_length=64, required=False, help_text="Only events of this type.")
    minutes = serializers.IntegerField(
        min_value=1, max_value=MAX_MINUTES, required=False, help_text="Only the last so many, 15 if nothing is given."
    )
    start_date = fields.WireDate(required=False, help_text="Only from then on.")
    end_date = fields.WireDate(required=False, help_text="Only until then.")
    task_sid = fields.Sid("WT", required=False, help_text="Only what happened to this task.")
    worker_sid = fields.Sid("WK", required=False, help_text="Only what this worker had to do with.")
    workflow_sid = fields.Sid("WW", required=False, help_text="Only in this workflow.")
    task_queue_sid = fields.Sid("WQ", required=False, help_text="Only in this queue.")
    reservation_sid = fields.Sid("WR", required=False, help_text="Only what happened to this reservation.")
    task_channel = serializers.CharField(
        max_length=64, required=False, help_text="Only tasks of this channel, by sid or unique name."
    )
    sid = fields.Sid("EV", required=False, help_text="Only this event.")


def _filtered(workspace: Workspace, asked: Json, now: dt.datetime) -> Any:
    found = Event.objects.filter(workspace=workspace)
    if "start_date" in asked or "end_date" in asked:
        start = asked.get("start_date", now - KEPT)
        if "end_date" in asked:
            found = found.filter(created_at__lte=asked["end_date"])
    else:
        start = now - dt.timedelta(minutes=asked.get("minutes", 15))
    found = found.filter(created_at__gte=start)
    if "event_type" in asked:
        found = found.filter(type=asked["event_type"])
    kinds: dict[str, tuple[Any, str]] = {
        "task_sid": (Task, "task_id"),
        "worker_sid": (Worker, "worker_id"),
        "workflow_sid": (Workflow, "workflow_id"),
        "task_queue_sid": (TaskQueue, "queue_id"),
        "reservation_sid": (Reservation, "reservation_id"),
        "sid": (Event, "pk"),
    }
    for name, (model, column) in kinds.items():
        if name in asked:
            found = found.filter(**{column: model.id_from_sid(asked[name])})
    if "task_channel" in asked:
        channels = TaskChannel.objects.filter(workspace=workspace)
        channel = by_sid_or_name(channels, asked["task_channel"], "unique_name")
        if channel is None:
            raise errors.invalid("TaskChannel", "There is no such task channel.")
        found = found.filter(task_channel_id=channel.pk)
    return found


#: kind of sid -> where such resources are, below the workspace
_PLACES = {
    "WA": "Activities",
    "WK": "Workers",
    "WQ": "TaskQueues",
    "WT": "Tasks",
    "WW": "Workflows",
    "TC": "TaskChannels",
}


def wire(shown: Json, links: Links) -> Json:
    """The event as clients get it, from what ``event_wire`` shows."""
    workspace = links.url("Workspaces", shown["workspace_sid"])
    url = f"{workspace}/Events/{shown['sid']}"
    return {
        **shown,
        "account_sid": links.account_sid,
        "resource_sid": shown["resource_sid"] or None,
        "resource_url": _place(workspace, shown["resource_sid"], shown["event_data"]),
        "actor_url": _place(workspace, shown["actor_sid"], {}),
        "date_created": shown["event_date"],
        "url": url,
        "links": {"workspace": workspace},
    }


def _place(workspace: str, sid: str, data: Json) -> str | None:
    if not sid:
        return None
    if sid.startswith("WS"):
        return workspace
    if sid.startswith("WR") and "task_sid" in data:
        return f"{workspace}/Tasks/{data['task_sid']}/Reservations/{sid}"
    return f"{workspace}/{_PLACES[sid[:2]]}/{sid}" if sid[:2] in _PLACES else None


class Events(base.WireView):
    @operation("ListEvent", "List events, newest first.", answer=EventOut, listed="events", query=EventFilter)
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        found = _filtered(workspace, forms.query(request, EventFilter), clock.now())
        page = paging.page(request, found, key="events", order=paging.NEWEST_FIRST)
        shown = event_wire.wire_many(page.rows)
        return Response({"events": [wire(row, self.links) for row in shown], "meta": page.meta})


class OneEvent(base.WireView):
    @operation("FetchEvent", "Fetch an event.", answer=EventOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row = base.find(Event.objects.filter(workspace=self.workspace(workspace_sid)), sid)
        return Response(wire(event_wire.wire(row), self.links))
