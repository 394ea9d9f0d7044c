"""Statistics in TaskRouter's keys: what is (from the rows) and what was (counted from the events).

Every function takes rows of one workspace and times; what each figure means is written down in docs/events.md.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from contactcenter.lib.rows import by_sid_or_name
from routing.models import Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace
from routing.statistics import counting, live, reading
from routing.statistics.counting import Figures, Stayed

Json = dict[str, Any]
ScopeRow = Workspace | TaskQueue | Workflow | Worker

_OFFERS = tuple(name for name in counting.OFFERS if name != "reservations_completed")
_TASKS = ("tasks_canceled", "tasks_completed", "tasks_deleted", "tasks_moved")


def realtime(scope: ScopeRow, *, task_channel: str | TaskChannel | None = None, now: dt.datetime) -> Json:
    """How things stand. ``task_channel``: only its tasks (a row, sid or unique name).

    Raises ``Refused`` for a task channel that does not exist.
    """
    if isinstance(scope, TaskQueue):
        return queues_realtime([scope], task_channel=task_channel, now=now)[scope.pk]
    if isinstance(scope, Worker):
        return live.workers(Worker.objects.filter(pk=scope.pk), scope.workspace_id)
    channel_id = _channel_id(scope, task_channel)
    of_channel = {} if channel_id is None else {"task_channel_id": channel_id}
    if isinstance(scope, Workflow):
        return live.tasks(Task.objects.filter(workflow=scope, **of_channel), now=now)
    figures = live.tasks(Task.objects.filter(workspace=scope, **of_channel), now=now)
    return figures | live.workers(Worker.objects.filter(workspace=scope), scope.pk)


def queues_realtime(
    queues: Collection[TaskQueue], *, task_channel: str | TaskChannel | None = None, now: dt.datetime
) -> dict[uuid.UUID, Json]:
    """Real-time statistics of several queues of one workspace, by id. The number of queries is always the same."""
    if not queues:
        return {}
    first = next(iter(queues))
    channel_id = _channel_id(first, task_channel)
    tasks = live.tasks_of_queues([queue.pk for queue in queues], channel_id, now=now)
    people = live.members_of(first.workspace_id, queues)
    return {queue.pk: tasks[queue.pk] | people[queue.pk] for queue in queues}


def workers_realtime(workspace: Workspace, workers: Iterable[uuid.UUID] | None = None) -> Json:
    """What the workspace's workers (or those with these ids; a queryset of ids will do) are doing."""
    rows = Worker.objects.filter(workspace=workspace)
    return live.workers(rows if workers is None else rows.filter(pk__in=workers), workspace.pk)


def cumulative(
    scope: ScopeRow,
    *,
    start: dt.datetime,
    end: dt.datetime,
    task_channel: str | TaskChannel | None = None,
    split_by_wait_time: Collection[int] = (),
    now: dt.datetime,
) -> Json:
    """What happened from ``start`` up to before ``end``. ``split_by_wait_time``: thresholds in whole seconds."""
    if isinstance(scope, Worker):
        workspace = Workspace(pk=scope.workspace_id)
        return workers_cumulative(workspace, [scope.pk], start=start, end=end, task_channel=task_channel, now=now)
    figures = reading.total(_scope(scope, task_channel), start=start, end=end, now=now, spread=bool(split_by_wait_time))
    return _cumulative(scope, figures, start, end, split_by_wait_time)


def queues_cumulative(
    queues: Collection[TaskQueue],
    *,
    start: dt.datetime,
    end: dt.datetime,
    task_channel: str | TaskChannel | None = None,
    split_by_wait_time: Collection[int] = (),
    now: dt.datetime,
) -> dict[uuid.UUID, Json]:
    """``cumulative`` of several queues of one workspace, by id. The number of queries is always the same."""
    if not queues:
        return {}
    first = next(iter(queues))
    scope = reading.Scope(first.workspace_id, task_channel_id=_channel_id(first, task_channel))
    found = reading.by_queue(scope, start=start, end=end, now=now, spread=bool(split_by_wait_time))
    return {
        queue.pk: _cumulative(queue, found.get(queue.pk, Figures()), start, end, split_by_wait_time) for queue in queues
    }


def _cumulative(
    scope: Workspace | TaskQueue | Workflow,
    figures: Figures,
    start: dt.datetime,
    end: dt.datetime,
    split_by_wait_time: Collection[int],
) -> Json:
    found = _span(start, end) | {name: figures.counts.get(name, 0) for name in (*_OFFERS, *_TASKS)}
    if isinstance(scope, TaskQueue):
        found["tasks_entered"] = figures.counts.get("tasks_entered", 0)
        found["wait_duration_in_queue_until_accepted"] = _duration(figures, "queued")
    else:
        found["tasks_timed_out_in_workflow"] = figures.counts.get("tasks_timed_out_in_workflow", 0)
        made = ("tasks_entered", "tasks_entered_workflow") if isinstance(scope, Workflow) else ("tasks_created",) * 2
        found[made[0]] = figures.counts.get(made[1], 0)
    found["avg_task_acceptance_time"] = _duration(figures, "accepted")["avg"]
    found["wait_duration_until_accepted"] = _duration(figures, "accepted")
    found["wait_duration_until_canceled"] = _duration(figures, "canceled")
    found["split_by_wait_time"] = _split(figures, split_by_wait_time) if split_by_wait_time else None
    return found


def workers_cumulative(
    workspace: Workspace,
    workers: Iterable[uuid.UUID] | None = None,
    *,
    start: dt.datetime,
    end: dt.datetime,
    task_channel: str | TaskChannel | None = None,
    now: dt.datetime,
) -> Json:
    """What the workspace's workers (or those with these ids) did: time in activities, what became of their offers."""
    ids = None if workers is None else set(workers)
    channel_id = _channel_id(workspace, task_channel)
    parts = reading.by_worker(workspace.pk, ids, task_channel_id=channel_id, start=start, end=end, now=now)
    figures = Figures()
    for part in parts.values():
        figures.add(part)
    spent = reading.stays(workspace.pk, ids, start=start, end=min(end, now), now=now)
    return (
        _span(start, end)
        | {"activity_durations": _activity_durations(spent)}
        | {name: figures.counts.get(name, 0) for name in _OFFERS}
    )


def sla(queue: TaskQueue, *, start: dt.datetime, end: dt.datetime, now: dt.datetime | None = None) -> Json:
    """The queue's service level: of the tasks taken or given up in the time, how many were taken within its target.

    ``{"target", "short_abandon", "accepted", "accepted_within", "abandoned", "short_abandoned", "sla"}``; ``sla`` is a
    share of 1, or None when nothing counts.
    """
    scope = reading.Scope(queue.workspace_id, queue_id=queue.pk)
    return _sla(queue, reading.total(scope, start=start, end=end, now=now or clock.now()))


def overview(workspace: Workspace, *, now: dt.datetime) -> list[Json]:
    """Every queue for the supervisors' live view. The number of queries does not depend on what is there.

    ``{"sid", "name", "waiting", "offered", "assigned", "longest_wait", "longest_waiting_sid", "eligible_workers",
    "available_workers", "sla_today", "sla_30_min"}``, the last two as ``sla`` gives them. Today begins at midnight UTC.
    """
    queues = list(TaskQueue.objects.filter(workspace=workspace).order_by("friendly_name"))
    figures = queues_realtime(queues, now=now)
    until = now + dt.timedelta(microseconds=1)
    scope = reading.Scope(workspace.pk)
    midnight = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = reading.by_queue(scope, start=midnight, end=until, now=now)
    lately = reading.by_queue(scope, start=now - dt.timedelta(minutes=30), end=until, now=now)
    return [
        {
            "sid": queue.sid,
            "name": queue.friendly_name,
            "waiting": figures[queue.pk]["tasks_by_status"]["pending"],
            "offered": figures[queue.pk]["tasks_by_status"]["reserved"],
            "assigned": sum(figures[queue.pk]["tasks_by_status"][status] for status in ("assigned", "wrapping")),
            "longest_wait": figures[queue.pk]["longest_relative_task_age_in_queue"],
            "longest_waiting_sid": figures[queue.pk]["longest_relative_task_sid_in_queue"],
            "eligible_workers": figures[queue.pk]["total_eligible_workers"],
            "available_workers": figures[queue.pk]["total_available_workers"],
            "sla_today": _sla(queue, today.get(queue.pk, Figures())),
            "sla_30_min": _sla(queue, lately.get(queue.pk, Figures())),
        }
        for queue in queues
    ]


def _scope(row: Workspace | TaskQueue | Workflow, task_channel: str | TaskChannel | None) -> reading.Scope:
    channel_id = _channel_id(row, task_channel)
    if isinstance(row, Workspace):
        return reading.Scope(row.pk, task_channel_id=channel_id)
    if isinstance(row, TaskQueue):
        return reading.Scope(row.workspace_id, queue_id=row.pk, task_channel_id=channel_id)
    return reading.Scope(row.workspace_id, workflow_id=row.pk, task_channel_id=channel_id)


def _channel_id(row: ScopeRow, task_channel: str | TaskChannel | None) -> uuid.UUID | None:
    if not task_channel:
        return None
    if isinstance(task_channel, TaskChannel):
        return task_channel.pk
    workspace_id = row.pk if isinstance(row, Workspace) else row.workspace_id
    rows = TaskChannel.objects.filter(workspace_id=workspace_id)
    found = by_sid_or_name(rows, task_channel, "unique_name")
    if found is None:
        raise Refused(f"There is no task channel {task_channel[:64]!r}.", code="routing.no_task_channel")
    return found.pk


def _sla(queue: TaskQueue, figures: Figures) -> Json:
    accepted = sum(figures.seconds.get("queued", {}).values())
    within = figures.within("queued", queue.sla_target)
    abandoned = sum(figures.seconds.get("abandoned", {}).values())
    short = figures.within("abandoned", queue.short_abandon)
    counted = accepted + abandoned - short
    return {
        "target": queue.sla_target,
        "short_abandon": queue.short_abandon,
        "accepted": accepted,
        "accepted_within": within,
        "abandoned": abandoned,
        "short_abandoned": short,
        "sla": within / counted if counted else None,
    }


def _split(figures: Figures, thresholds: Collection[int]) -> Json:
    measures = {"tasks_canceled": "canceled", "reservations_accepted": "accepted"}
    found: Json = {}
    for seconds in sorted(set(thresholds)):
        below = {name: figures.within(measure, seconds) for name, measure in measures.items()}
        above = {name: figures.wait(measure).count - below[name] for name, measure in measures.items()}
        found[str(seconds)] = {"above": above, "below": below}
    return found


def _duration(figures: Figures, measure: str) -> Json:
    wait = figures.waits.get(measure)
    if wait is None or not wait.count:
        return {"avg": 0, "min": 0, "max": 0, "total": 0}
    return {
        "avg": round(wait.total / wait.count / 1000),
        "min": round((wait.min or 0) / 1000),
        "max": round((wait.max or 0) / 1000),
        "total": round(wait.total / 1000),
    }


def _activity_durations(stays: list[Stayed]) -> list[Json]:
    spent: dict[uuid.UUID, list[float]] = {}
    names: dict[uuid.UUID, str] = {}
    for stay in stays:
        spent.setdefault(stay.activity_id, []).append((stay.ended_at - stay.started_at).total_seconds())
        names[stay.activity_id] = stay.activity_name
    return [
        {
            "sid": f"WA{activity_id.hex}",
            "friendly_name": names[activity_id],
            "min": round(min(seconds)),
            "avg": round(sum(seconds) / len(seconds)),
            "max": round(max(seconds)),
            "total": round(sum(seconds)),
        }
        for activity_id, seconds in sorted(spent.items(), key=lambda item: names[item[0]])
    ]


def _span(start: dt.datetime, end: dt.datetime) -> Json:
    return {"start_time": _wire_time(start), "end_time": _wire_time(end)}


def _wire_time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
