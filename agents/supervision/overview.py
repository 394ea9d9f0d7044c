"""The live view's state: queues, agents and tasks as a supervisor may see them.

Everything that only grows with time is told as a moment (``since``), so rows stay the same until something happens.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Min

from agents.models import User
from agents.supervision import scope
from contactcenter.lib import ids
from routing import queries, statistics
from routing.models import Reservation, Task, TaskChannel, Workspace

Json = dict[str, Any]

#: Rows shown at most; beyond them are the admin's lists.
AGENTS = 500
WAITING = 200
#: Seconds the queues' figures are shared by all supervisors of this process; longer where counting takes long. Less
#: than a live view gathers news for, so what it then reads was counted after the news.
FRESH = 0.4
PATIENCE = 5.0

#: Of a queue's figures, those that are shown as they are.
_FIGURES = ("sid", "name", "waiting", "offered", "assigned", "eligible_workers", "available_workers")
_TASK = (
    *("id", "status", "priority", "virtual_start_time", "queue_id", "queue__friendly_name"),
    *("task_channel__unique_name", "conversation_id", "conversation__identity__contact__name"),
    *("conversation__identity__display_name", "attributes"),
)


def state(user: User, workspace: Workspace, *, now: dt.datetime) -> Json:
    """``{server_time, may, activities, task_channels, totals, queues, agents, tasks}``; the last three are lists of
    rows with a ``sid``."""
    workers = scope.workers(user).filter(workspace=workspace)
    shown = list(workers.order_by("-activity__available", "activity_since", "id").values_list("pk", flat=True)[:AGENTS])
    holds = _holds(shown)
    tasks = _tasks(user, workspace, {task for task, _worker, _status in holds})
    known = {task["sid"] for task in tasks}
    agents = queries.workers_json(shown)
    for agent in agents.values():
        agent["tasks"] = []
    for task_id, worker_id, status in holds:
        sid = ids.to_sid("WT", task_id)
        if sid in known:
            agents[worker_id]["tasks"].append({"sid": sid, "status": status})
    return {
        "server_time": queries.iso(now),
        "may": {"agents": user.has_perm("routing.change_worker"), "tasks": user.has_perm("routing.change_task")},
        "activities": queries.activities_json(workspace.pk),
        "task_channels": [
            {"name": row.unique_name, "label": row.friendly_name}
            for row in TaskChannel.objects.filter(workspace=workspace).order_by("unique_name")
        ],
        "totals": {
            "agents": workers.count() if len(shown) == AGENTS else len(shown),
            "available": workers.filter(activity__available=True).count(),
        },
        "queues": _queues(user, workspace, now),
        "agents": [agents[row_id] for row_id in shown if row_id in agents],
        "tasks": tasks,
    }


def _queues(user: User, workspace: Workspace, now: dt.datetime) -> list[Json]:
    mine = scope.queues(user).filter(workspace=workspace).values_list("pk", flat=True)
    shown = {ids.to_sid("WQ", row_id): row_id for row_id in mine}
    waiting = Task.objects.filter(workspace=workspace, status__in=Task.WAITING, ended_at__isnull=True)
    oldest = dict(waiting.order_by().values_list("queue_id").annotate(Min("queue_entered_at")))
    return [
        {
            **{name: figures[name] for name in _FIGURES},
            "waiting_since": queries.iso(oldest.get(shown[figures["sid"]])),
            "sla_target": figures["sla_today"]["target"],
            "sla_today": _share(figures["sla_today"]),
            "sla_30_min": _share(figures["sla_30_min"]),
        }
        for figures in _figures(workspace, now)
        if figures["sid"] in shown
    ]


def _share(sla: Json) -> Json:
    counted = sla["accepted"] + sla["abandoned"] - sla["short_abandoned"]
    return {"share": sla["sla"], "within": sla["accepted_within"], "counted": counted}


def _tasks(user: User, workspace: Workspace, held: set[uuid.UUID]) -> list[Json]:
    rows = scope.tasks(user).filter(workspace=workspace)
    waiting = rows.filter(status=Task.Status.PENDING).order_by("-priority", "virtual_start_time", "id")
    found = [*waiting.values_list(*_TASK)[:WAITING], *rows.filter(pk__in=held).order_by("id").values_list(*_TASK)]
    return [_task(row) for row in {row[0]: row for row in found}.values()]


def _task(row: tuple[Any, ...]) -> Json:
    (row_id, status, priority, since, queue_id, queue, channel, conversation_id, contact, address, attributes) = row
    named = attributes.get("name") if isinstance(attributes, dict) else None
    return {
        "sid": ids.to_sid("WT", row_id),
        "status": status,
        "priority": priority,
        "since": queries.iso(since),
        "queue": {"sid": ids.to_sid("WQ", queue_id), "name": queue} if queue_id else None,
        "task_channel": channel,
        "conversation": ids.to_sid("CH", conversation_id) if conversation_id else None,
        "customer": contact or address or (named if isinstance(named, str) else ""),
    }


def _holds(workers: list[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID, str]]:
    """(task, worker, status) of their live reservations."""
    rows = Reservation.objects.filter(worker__in=workers, status__in=Reservation.LIVE).order_by("id")
    return list(rows.values_list("task_id", "worker_id", "status"))


# ---- the queues' figures, counted once for all supervisors


@dataclass(slots=True)
class _Count:
    """A workspace's figures as they were counted last, good until ``until`` (by the monotonic clock)."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    rows: list[Json] | None = None

    @property
    def is_fresh(self) -> bool:
        return self.rows is not None and time.monotonic() < self.until


_counts: dict[uuid.UUID, _Count] = {}


def _figures(workspace: Workspace, now: dt.datetime) -> list[Json]:
    count = _counts.setdefault(workspace.pk, _Count())
    if count.is_fresh:
        return count.rows or []
    if not count.lock.acquire(blocking=count.rows is None):
        return count.rows or []  # somebody counts: what was counted last will do
    try:
        if not count.is_fresh:
            started = time.monotonic()
            count.rows = statistics.overview(workspace, now=now)
            took = time.monotonic() - started
            count.until = time.monotonic() + max(FRESH, PATIENCE * took)
        return count.rows or []
    finally:
        count.lock.release()
