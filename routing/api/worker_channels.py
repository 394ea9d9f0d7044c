"""Worker channels on the wire: how much of each task channel a worker takes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing.api import base, fields, forms, paging
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Reservation, Worker, WorkerChannel
from routing.services import capacity

PATH = (("sid", "WC", "The worker channel."),)


class WorkerChannelOut(serializers.Serializer[Any]):
    """A worker's capacity for one task channel."""

    sid = fields.Sid("WC", help_text="The worker channel's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    worker_sid = fields.Sid("WK", help_text="Whose it is.")
    task_channel_sid = fields.Sid("TC", help_text="Of which task channel.")
    task_channel_unique_name = serializers.CharField(max_length=64, help_text="That channel's name.")
    configured_capacity = serializers.IntegerField(min_value=0, help_text="How many tasks at once.")
    assigned_tasks = serializers.IntegerField(min_value=0, help_text="How many are accepted now.")
    available_capacity_percentage = serializers.IntegerField(
        min_value=0, max_value=100, help_text="What of it is free, offers counted as taken."
    )
    available = serializers.BooleanField(help_text="Whether the channel takes offers.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it was made.")
    url = serializers.CharField(help_text="This resource.")

    class Meta:
        ref_name = "WorkerChannel"


class WorkerChannelUpdate(serializers.Serializer[Any]):
    capacity = serializers.IntegerField(
        min_value=0, max_value=capacity.MAX_PER_CHANNEL, required=False, help_text="How many tasks at once; 0: none."
    )
    available = serializers.BooleanField(required=False, help_text="False parks the channel and keeps its capacity.")


def percentage(row: WorkerChannel) -> int:
    """What is free of the capacity, rounded down."""
    if row.capacity <= 0:
        return 0
    return max(0, (row.capacity - row.load) * 100 // row.capacity)


def assigned(worker: Worker) -> Counter[Any]:
    """Accepted reservations by task channel id. One query."""
    accepted = Reservation.objects.filter(worker=worker, status=Reservation.Status.ACCEPTED)
    return Counter(accepted.order_by().values_list("task__task_channel_id", flat=True))


def wire(row: WorkerChannel, worker: Worker, accepted: Counter[Any], links: Links) -> Json:
    """The worker channel as clients get it."""
    url = links.url("Workspaces", worker.workspace.sid, "Workers", worker.sid, "Channels", row.sid)
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": worker.workspace.sid,
        "worker_sid": worker.sid,
        "task_channel_sid": row.task_channel.sid,
        "task_channel_unique_name": row.task_channel.unique_name,
        "configured_capacity": row.capacity,
        "assigned_tasks": accepted[row.task_channel_id],
        "available_capacity_percentage": percentage(row),
        "available": row.is_available,
        "date_created": date(row.created_at),
        "date_updated": date(row.created_at),
        "url": url,
    }


class _OfWorker(base.WireView):
    def _worker(self, workspace_sid: str, worker_sid: str) -> Worker:
        rows = Worker.objects.filter(workspace=self.workspace(workspace_sid)).select_related("workspace")
        return base.find(rows, worker_sid)

    def _rows(self, worker: Worker) -> Any:
        return WorkerChannel.objects.filter(worker=worker).select_related("task_channel")


class WorkerChannels(_OfWorker):
    @operation("ListWorkerChannel", "List a worker's channels.", answer=WorkerChannelOut, listed="channels")
    def get(self, request: Request, workspace_sid: str, worker_sid: str) -> Response:
        worker = self._worker(workspace_sid, worker_sid)
        accepted = assigned(worker)
        page = paging.page(request, self._rows(worker), key="channels")
        return self.page(page, lambda row, links: wire(row, worker, accepted, links))


class OneWorkerChannel(_OfWorker):
    def _row(self, worker: Worker, sid: str) -> WorkerChannel:
        """By sid, or by the task channel's sid or unique name."""
        rows = self._rows(worker)
        named = rows.filter(task_channel__unique_name=base.plain(sid)).first()
        found: WorkerChannel = named or base.find(rows, sid)
        return found

    @operation("FetchWorkerChannel", "Fetch a worker's channel.", answer=WorkerChannelOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, worker_sid: str, sid: str) -> Response:
        worker = self._worker(workspace_sid, worker_sid)
        return Response(wire(self._row(worker, sid), worker, assigned(worker), self.links))

    @operation(
        "UpdateWorkerChannel",
        "Change a worker's capacity for a channel.",
        answer=WorkerChannelOut,
        body=WorkerChannelUpdate,
        path=PATH,
    )
    def post(self, request: Request, workspace_sid: str, worker_sid: str, sid: str) -> Response:
        worker = self._worker(workspace_sid, worker_sid)
        row = self._row(worker, sid)
        asked = forms.body(request, WorkerChannelUpdate)
        if asked:
            capacity.set_channel(
                worker,
                row.task_channel,
                capacity=asked.get("capacity", row.capacity),
                is_available=asked.get("available"),
                now=clock.now(),
            )
        return Response(wire(self._row(worker, row.sid), worker, assigned(worker), self.links))
