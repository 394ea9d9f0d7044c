"""Real-time statistics: counted from the rows as they are. The number of queries does not grow with what is counted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from contactcenter.lib import ids
from routing import members
from routing.models import Activity, Task, TaskQueue, Worker

Json = dict[str, Any]

STATUSES = ("pending", "reserved", "assigned", "wrapping")
_WAITING = Q(status__in=Task.WAITING)


def tasks(rows: QuerySet[Task], *, now: dt.datetime) -> Json:
    """What ``rows`` (tasks of one workspace or workflow) come to. Two queries."""
    figures = _counts(rows.filter(ended_at__isnull=True).values("status", "priority").annotate(number=Count("id")))
    waiting = rows.filter(_WAITING)
    oldest = waiting.order_by("created_at", "id").values_list("id", "created_at").first()
    figures["longest_task_waiting_age"] = _age(oldest[1] if oldest else None, now)
    figures["longest_task_waiting_sid"] = ids.to_sid("WT", oldest[0]) if oldest else None
    return figures


def tasks_of_queues(
    queue_ids: Collection[uuid.UUID], task_channel_id: uuid.UUID | None, *, now: dt.datetime
) -> dict[uuid.UUID, Json]:
    """The same per queue, with the longest time in the queue. Three queries."""
    rows = Task.objects.filter(queue_id__in=queue_ids, ended_at__isnull=True).order_by()
    if task_channel_id is not None:
        rows = rows.filter(task_channel_id=task_channel_id)
    groups: dict[uuid.UUID, list[Any]] = {queue_id: [] for queue_id in queue_ids}
    for group in rows.values("queue_id", "status", "priority").annotate(number=Count("id")):
        groups[group["queue_id"]].append(group)
    found = {queue_id: _counts(counted) for queue_id, counted in groups.items()}
    waiting = rows.filter(_WAITING)
    oldest = {
        row["queue_id"]: row
        for row in waiting.values("queue_id").annotate(made=Min("created_at"), entered=Min("queue_entered_at"))
    }
    moments = {at for row in oldest.values() for at in (row["made"], row["entered"])}
    either = Q(created_at__in=moments) | Q(queue_entered_at__in=moments)
    heads = waiting.filter(either).order_by("-id") if moments else Task.objects.none()
    by_made: dict[tuple[uuid.UUID, Any], uuid.UUID] = {}
    by_entered: dict[tuple[uuid.UUID, Any], uuid.UUID] = {}
    for task_id, queue_id, made, entered in heads.values_list("id", "queue_id", "created_at", "queue_entered_at"):
        by_made[queue_id, made] = task_id
        by_entered[queue_id, entered] = task_id
    for queue_id, figures in found.items():
        row = oldest.get(queue_id, {"made": None, "entered": None})
        first, longest = by_made.get((queue_id, row["made"])), by_entered.get((queue_id, row["entered"]))
        figures["longest_task_waiting_age"] = _age(row["made"], now)
        figures["longest_task_waiting_sid"] = ids.to_sid("WT", first) if first else None
        figures["longest_relative_task_age_in_queue"] = _age(row["entered"], now)
        figures["longest_relative_task_sid_in_queue"] = ids.to_sid("WT", longest) if longest else None
    return found


def activities(workspace_id: uuid.UUID, counted: Iterable[uuid.UUID]) -> list[Json]:
    """How many workers are in each activity; ``counted``: an activity id per worker. One query."""
    numbers = Counter(counted)
    rows = Activity.objects.filter(workspace_id=workspace_id).order_by("position", "friendly_name")
    return [{"sid": row.sid, "friendly_name": row.friendly_name, "workers": numbers[row.pk]} for row in rows]


def workers(rows: QuerySet[Worker], workspace_id: uuid.UUID) -> Json:
    """What these workers do. Two queries."""
    counted = list(rows.values_list("activity_id", flat=True))
    return {"activity_statistics": activities(workspace_id, counted), "total_workers": len(counted)}


def members_of(workspace_id: uuid.UUID, queues: Collection[TaskQueue]) -> dict[uuid.UUID, Json]:
    """Who belongs to each queue, and what they do. Two queries."""
    rows = Worker.objects.filter(workspace_id=workspace_id)
    people = [
        (attributes if isinstance(attributes, dict) else {}, activity_id)
        for attributes, activity_id in rows.values_list("attributes", "activity_id")
    ]
    kinds = list(Activity.objects.filter(workspace_id=workspace_id).order_by("position", "friendly_name"))
    counted = members.count_by_queue(people, queues)
    found: dict[uuid.UUID, Json] = {}
    for queue in queues:
        numbers = counted[queue.pk]
        found[queue.pk] = {
            "activity_statistics": [
                {"sid": kind.sid, "friendly_name": kind.friendly_name, "workers": numbers[kind.pk]} for kind in kinds
            ],
            "total_eligible_workers": sum(numbers.values()),
            "total_available_workers": sum(numbers[kind.pk] for kind in kinds if kind.available),
        }
    return found


def _counts(groups: Iterable[Any]) -> Json:
    by_status: Counter[str] = Counter()
    by_priority: Counter[int] = Counter()
    for group in groups:
        by_status[group["status"]] += group["number"]
        by_priority[group["priority"]] += group["number"]
    return {
        "total_tasks": sum(by_status.values()),
        "tasks_by_status": {status: by_status[status] for status in STATUSES},
        "tasks_by_priority": {str(priority): number for priority, number in sorted(by_priority.items())},
    }


def _age(since: dt.datetime | None, now: dt.datetime) -> int:
    return 0 if since is None else max(0, int((now - since).total_seconds()))
