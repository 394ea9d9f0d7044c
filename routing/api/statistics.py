"""Statistics on the wire: how things stand, what happened, and both."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing import members, statistics
from routing.api import auth, base, errors, fields, forms, paging, statistics_shapes
from routing.api.base import Json
from routing.api.schema import operation
from routing.models import TaskQueue, Worker, Workflow, Workspace

KEPT = dt.timedelta(days=30)
MAX_BULK = 50
DEFAULT_MINUTES = 15


class ChannelFilter(serializers.Serializer[Any]):
    task_channel = serializers.CharField(
        max_length=64, required=False, help_text="Only tasks of this channel, by sid or unique name."
    )


class SpanFilter(ChannelFilter):
    minutes = serializers.IntegerField(
        min_value=1, max_value=30 * 24 * 60, required=False, help_text="The last so many; 15 if no dates are given."
    )
    start_date = fields.WireDate(required=False, help_text="From when; at most 30 days ago.")
    end_date = fields.WireDate(required=False, help_text="Until when; now if not given.")


class SplitFilter(SpanFilter):
    split_by_wait_time = serializers.RegexField(
        r"^[0-9]{1,7}(,[0-9]{1,7}){0,9}$",
        max_length=80,
        required=False,
        help_text="Thresholds in seconds, with commas: waits above and below each are counted.",
    )


class WorkersFilter(serializers.Serializer[Any]):
    worker_sid = fields.Sid("WK", required=False, help_text="Only this worker.")
    friendly_name = fields.Name(required=False, help_text="Only the worker of this name.")
    task_queue_sid = fields.Sid("WQ", required=False, help_text="Only workers of this queue.")
    task_queue_name = fields.Name(required=False, help_text="Only workers of the queue of this name.")


class WorkersSpanFilter(SpanFilter, WorkersFilter):
    pass


class QueuesFilter(SplitFilter):
    friendly_name = fields.Name(required=False, help_text="Only the queue of this name.")


class BulkQueues(ChannelFilter):
    queue_sids = serializers.ListField(
        child=fields.Sid("WQ"), min_length=1, max_length=MAX_BULK, help_text="The queues, 1 to 50."
    )


def span(asked: Json, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """(start, end) of what was asked for. Raises 400: too old, or turned around."""
    end = min(asked.get("end_date", now), now)
    start = asked.get("start_date") or end - dt.timedelta(minutes=asked.get("minutes", DEFAULT_MINUTES))
    if start < now - KEPT - dt.timedelta(minutes=1):
        raise errors.ApiError(400, errors.TOO_OLD, "StartDate: It lies more than 30 days back.")
    if start > end:
        raise errors.invalid("StartDate", "It lies after EndDate.")
    return start, end


def thresholds(asked: Json) -> list[int]:
    return [int(part) for part in asked["split_by_wait_time"].split(",")] if "split_by_wait_time" in asked else []


class _Statistics(base.WireView):
    """What the scopes have in common: finding the scope's row, and the frame around its figures."""

    model: Any = Workspace
    part = ""

    def _scope(self, workspace_sid: str, sid: str) -> tuple[Any, Json]:
        workspace = self.workspace(workspace_sid)
        place = ["Workspaces", workspace.sid]
        about: Json = {"account_sid": self.links.account_sid, "workspace_sid": workspace.sid}
        row: Any = workspace
        if self.model is not Workspace:
            row = base.find(self.model.objects.filter(workspace=workspace), sid)
            about[f"{base.snake(self.model.__name__)}_sid"] = row.sid
            place += [f"{self.model.__name__}s", row.sid]
        return row, {**about, "url": self.links.url(*place, self.part)}

    def _realtime(self, row: Any, asked: Json, now: dt.datetime) -> Json:
        return statistics.realtime(row, task_channel=asked.get("task_channel"), now=now)

    def _cumulative(self, row: Any, asked: Json, now: dt.datetime) -> Json:
        start, end = span(asked, now)
        return statistics.cumulative(
            row,
            start=start,
            end=end,
            task_channel=asked.get("task_channel"),
            split_by_wait_time=thresholds(asked),
            now=now,
        )


def _views(model: Any, word: str, shapes: Any) -> list[Any]:
    """The three addresses of a workspace, queue or workflow."""
    named = "workspace" if model is Workspace else base.snake(model.__name__)
    prefix = {"TaskQueue": "WQ", "Workflow": "WW"}.get(model.__name__, "WS")
    where = () if model is Workspace else (("sid", prefix, f"The {named.replace('_', ' ')}."),)

    class RealTime(_Statistics):
        part = "RealTimeStatistics"

        @operation(
            f"Fetch{word}RealTimeStatistics",
            "How things stand.",
            answer=shapes.real_time,
            query=ChannelFilter,
            path=where,
        )
        def get(self, request: Request, workspace_sid: str, sid: str = "") -> Response:
            row, about = self._scope(workspace_sid, sid)
            asked = forms.query(request, ChannelFilter)
            return Response({**self._realtime(row, asked, clock.now()), **about})

    class Cumulative(_Statistics):
        part = "CumulativeStatistics"

        @operation(
            f"Fetch{word}CumulativeStatistics",
            "What happened.",
            answer=shapes.cumulative,
            query=SplitFilter,
            path=where,
        )
        def get(self, request: Request, workspace_sid: str, sid: str = "") -> Response:
            row, about = self._scope(workspace_sid, sid)
            asked = forms.query(request, SplitFilter)
            return Response({**self._cumulative(row, asked, clock.now()), **about})

    class Both(_Statistics):
        part = "Statistics"

        @operation(
            f"Fetch{word}Statistics",
            "How things stand and what happened.",
            answer=shapes.both,
            query=SplitFilter,
            path=where,
        )
        def get(self, request: Request, workspace_sid: str, sid: str = "") -> Response:
            row, about = self._scope(workspace_sid, sid)
            asked = forms.query(request, SplitFilter)
            now = clock.now()
            return Response(
                {
                    "realtime": self._realtime(row, asked, now),
                    "cumulative": self._cumulative(row, asked, now),
                    **about,
                }
            )

    base_path = "Workspaces/<str:workspace_sid>"
    if model is not Workspace:
        base_path += f"/{model.__name__}s/<str:sid>"
    found = []
    for view in (RealTime, Cumulative, Both):
        view.model = model
        view.__name__ = f"{word}{view.part}"
        found.append(path(f"{base_path}/{view.part}", view.as_view()))
    return found


class OneWorkerStatistics(_Statistics):
    model, part = Worker, "Statistics"

    @operation(
        "FetchWorkerStatistics",
        "What a worker did.",
        answer=statistics_shapes.worker,
        query=SpanFilter,
        path=(("sid", "WK", "The worker."),),
    )
    def get(self, request: Request, workspace_sid: str, sid: str) -> Response:
        row, about = self._scope(workspace_sid, sid)
        asked = forms.query(request, SpanFilter)
        return Response({"cumulative": self._cumulative(row, asked, clock.now()), **about})


class _WorkersStatistics(base.WireView):
    def _scope(self, workspace_sid: str, part: str, asked: Json) -> tuple[Workspace, list[Any] | None, Json]:
        workspace = self.workspace(workspace_sid)
        url = self.links.url("Workspaces", workspace.sid, "Workers", part)
        about = {"account_sid": self.links.account_sid, "workspace_sid": workspace.sid, "url": url}
        return workspace, _chosen(workspace, asked), about

    def _cumulative(self, workspace: Workspace, chosen: list[Any] | None, asked: Json, now: dt.datetime) -> Json:
        start, end = span(asked, now)
        channel = asked.get("task_channel")
        return statistics.workers_cumulative(workspace, chosen, start=start, end=end, task_channel=channel, now=now)


def _chosen(workspace: Workspace, asked: Json) -> list[Any] | None:
    """Ids of the workers asked for, None for all of them."""
    rows = Worker.objects.filter(workspace=workspace)
    chosen: set[Any] | None = None

    def narrow(found: Any) -> None:
        nonlocal chosen
        chosen = set(found) if chosen is None else chosen & set(found)

    if "worker_sid" in asked:
        narrow([base.named_row(rows, asked["worker_sid"], "WorkerSid").pk])
    if "friendly_name" in asked:
        narrow(rows.filter(friendly_name__iexact=asked["friendly_name"]).values_list("pk", flat=True))
    queues = TaskQueue.objects.filter(workspace=workspace)
    if "task_queue_sid" in asked:
        queue = base.named_row(queues, asked["task_queue_sid"], "TaskQueueSid")
        narrow(members.by_queue(workspace.pk, [queue])[queue.pk])
    if "task_queue_name" in asked:
        for queue in queues.filter(friendly_name=asked["task_queue_name"]):
            narrow(members.by_queue(workspace.pk, [queue])[queue.pk])
    return None if chosen is None else list(chosen)


class WorkersRealTime(_WorkersStatistics):
    @operation(
        "FetchWorkersRealTimeStatistics",
        "What the workers are doing.",
        answer=statistics_shapes.workers.real_time,
        query=WorkersFilter,
    )
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace, chosen, about = self._scope(workspace_sid, "RealTimeStatistics", forms.query(request, WorkersFilter))
        return Response({**statistics.workers_realtime(workspace, chosen), **about})


class WorkersCumulative(_WorkersStatistics):
    @operation(
        "FetchWorkersCumulativeStatistics",
        "What the workers did.",
        answer=statistics_shapes.workers.cumulative,
        query=WorkersSpanFilter,
    )
    def get(self, request: Request, workspace_sid: str) -> Response:
        asked = forms.query(request, WorkersSpanFilter)
        workspace, chosen, about = self._scope(workspace_sid, "CumulativeStatistics", asked)
        return Response({**self._cumulative(workspace, chosen, asked, clock.now()), **about})


class WorkersBoth(_WorkersStatistics):
    @operation(
        "FetchWorkersStatistics",
        "What the workers are doing and did.",
        answer=statistics_shapes.workers.both,
        query=WorkersSpanFilter,
    )
    def get(self, request: Request, workspace_sid: str) -> Response:
        asked = forms.query(request, WorkersSpanFilter)
        workspace, chosen, about = self._scope(workspace_sid, "Statistics", asked)
        return Response(
            {
                "realtime": statistics.workers_realtime(workspace, chosen),
                "cumulative": self._cumulative(workspace, chosen, asked, clock.now()),
                **about,
            }
        )


class QueuesStatistics(base.WireView):
    @operation(
        "ListTaskQueuesStatistics",
        "Statistics of every queue.",
        answer=statistics_shapes.of_queues,
        listed="task_queues_statistics",
        query=QueuesFilter,
    )
    def get(self, request: Request, workspace_sid: str) -> Response:
        workspace = self.workspace(workspace_sid)
        asked = forms.query(request, QueuesFilter)
        now = clock.now()
        start, end = span(asked, now)
        channel = asked.get("task_channel")
        rows = base.named(TaskQueue.objects.filter(workspace=workspace), asked)
        page = paging.page(request, rows, key="task_queues_statistics")
        live = statistics.queues_realtime(page.rows, task_channel=channel, now=now)
        past = statistics.queues_cumulative(
            page.rows, start=start, end=end, task_channel=channel, split_by_wait_time=thresholds(asked), now=now
        )
        found = [
            {
                "account_sid": self.links.account_sid,
                "workspace_sid": workspace.sid,
                "task_queue_sid": row.sid,
                "realtime": live[row.pk],
                "cumulative": past[row.pk],
            }
            for row in page.rows
        ]
        return Response({"task_queues_statistics": found, "meta": page.meta})


class BulkRealTime(base.WireView):
    @operation(
        "CreateTaskQueueBulkRealTimeStatistics",
        "How things stand in up to 50 queues.",
        answer=statistics_shapes.bulk,
        status=201,
        body=BulkQueues,
    )
    def post(self, request: Request, workspace_sid: str) -> Response:
        auth.limit(request, "BulkStatistics", auth.BULK_PER_SECOND)
        workspace = self.workspace(workspace_sid)
        asked = forms.body(request, BulkQueues)
        wanted = [row_id for sid in asked["queue_sids"] if (row_id := TaskQueue.id_from_sid(sid))]
        rows = list(TaskQueue.objects.filter(workspace=workspace, pk__in=wanted))
        found = statistics.queues_realtime(rows, task_channel=asked.get("task_channel"), now=clock.now())
        data = [{"task_queue_sid": row.sid, **found[row.pk]} for row in rows]
        return Response(
            {
                "account_sid": self.links.account_sid,
                "workspace_sid": workspace.sid,
                "task_queue_data": data,
                "task_queue_response_count": len(data),
                "url": self.links.url("Workspaces", workspace.sid, "TaskQueues", "RealTimeStatistics"),
            },
            status=201,
        )


_IN = "Workspaces/<str:workspace_sid>"
urlpatterns = [
    *_views(Workspace, "Workspace", statistics_shapes.workspace),
    path(f"{_IN}/TaskQueues/Statistics", QueuesStatistics.as_view()),
    path(f"{_IN}/TaskQueues/RealTimeStatistics", BulkRealTime.as_view()),
    *_views(TaskQueue, "TaskQueue", statistics_shapes.task_queue),
    *_views(Workflow, "Workflow", statistics_shapes.workflow),
    path(f"{_IN}/Workers/Statistics", WorkersBoth.as_view()),
    path(f"{_IN}/Workers/RealTimeStatistics", WorkersRealTime.as_view()),
    path(f"{_IN}/Workers/CumulativeStatistics", WorkersCumulative.as_view()),
    path(f"{_IN}/Workers/<str:sid>/Statistics", OneWorkerStatistics.as_view()),
]
