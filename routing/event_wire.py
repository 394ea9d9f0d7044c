"""Event rows as TaskRouter's wire shows them: at ``/Events`` (snake_case) and as a webhook's form (PascalCase).

What an event itself holds is shown as it was then. What it does not hold (the router's own events carry next to
nothing) is read from the rows as they are now: a few queries for any number of events.

``Event.facts``: ``actor`` (sid of who did it), ``from`` (hex of the queue a task came from), ``waited`` and ``queued``
(ms, when it was accepted or canceled), ``known_worker`` (whom the step is for: their ``sid`` or ``friendly_name``),
``activity_before``, ``name_before`` and ``since`` (of a worker's last activity), ``version`` (of a worker), ``channel``
(what became of a worker's channel), ``failure`` (why a workflow's server decided nothing about an offer).
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from contactcenter.lib import ids
from routing.models import Event, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace

Json = dict[str, Any]

_DESCRIPTIONS = {
    "reservation": "Reservation {resource} {verb}",
    "task": "Task {resource} {verb}",
    "task-queue": "Task {resource} {verb} TaskQueue {queue}",
    "workflow": "Task {resource} {verb} Workflow {workflow}",
    "worker": "Worker {name} {verb}",
    "activity": "Activity {name} {verb}",
    "task-channel": "TaskChannel {name} {verb}",
    "workspace": "Workspace {name} {verb}",
}
_VERBS = {
    "activity.update": "updated to {activity} activity",
    "attributes.update": "attributes updated",
    "capacity.update": "capacity updated",
    "channel.availability.update": "channel availability updated",
    "expression.updated": "expression updated",
    "target-matched": "matched a target of",
    "timeout": "timed out in",
    "moved": "moved to",
    "wrapup": "is being wrapped up",
}
#: What says how a task ended: its end, and its deletion afterwards.
_ENDS = ("task.canceled", "task.completed", "task.deleted", "task.system-deleted")
_ACTORS = {"WK": "worker", "US": "user", "SK": "api_key", "WS": "workspace"}


def wire(event: Event) -> Json:
    """One event; for several use ``wire_many``."""
    return wire_many([event])[0]


def wire_many(events: Sequence[Event]) -> list[Json]:
    """``{sid, workspace_sid, event_type, event_date, event_date_ms, description, resource_type, resource_sid,
    actor_type, actor_sid, source, source_ip_address, event_data}``, in the events' order."""
    known = _Known(events)
    return [_wire(event, known) for event in events]


def form(event: Event, *, account_sid: str) -> dict[str, str]:
    """The same as a webhook sends it: flat, every value text."""
    known = _Known([event])
    shown = _wire(event, known)
    form = {
        "Sid": shown["sid"],
        "EventType": shown["event_type"],
        "AccountSid": account_sid,
        "WorkspaceSid": shown["workspace_sid"],
        "WorkspaceName": known.workspaces.get(event.workspace_id, {}).get("friendly_name", ""),
        "EventDescription": shown["description"],
        "ResourceType": shown["resource_type"],
        "ResourceSid": shown["resource_sid"],
        "Timestamp": str(shown["event_date_ms"] // 1000),
        "TimestampMs": str(shown["event_date_ms"]),
    }
    for name, value in shown["event_data"].items():
        form["".join(part.capitalize() for part in name.split("_"))] = value
    return form


def resource(event: Event) -> tuple[str, str]:
    """What the event is about: its kind and sid. A queue's or workflow's event about a task is about the task."""
    kind = event.type.partition(".")[0]
    if kind == "reservation" and event.reservation_id:
        return kind, ids.to_sid("WR", event.reservation_id)
    if event.task_id and kind in ("task", "task-queue", "workflow", "reservation"):
        return "task", ids.to_sid("WT", event.task_id)
    if kind == "worker" and event.worker_id:
        return kind, ids.to_sid("WK", event.worker_id)
    return kind, str(event.data.get(kind.replace("-", "_"), {}).get("sid", ""))


class _Known:
    """What the rows say about whom the events name."""

    def __init__(self, events: Sequence[Event]) -> None:
        def named(column: str) -> set[uuid.UUID]:
            return {row_id for event in events if (row_id := getattr(event, column)) is not None}

        lacking = {event.task_id for event in events if event.task_id and "reservation" not in event.data}
        self.tasks = _rows(Task, lacking, "id", "attributes", "priority", "created_at")
        workers = {event.worker_id for event in events if event.worker_id and "worker" not in event.data}
        self.workers = _rows(Worker, workers, "id", "friendly_name")
        queues = named("queue_id") | {uuid.UUID(hex=before) for event in events if (before := _fact(event, "from"))}
        self.queues = _rows(TaskQueue, queues, "id", "friendly_name", "target_workers")
        self.workflows = _rows(Workflow, named("workflow_id"), "id", "friendly_name")
        self.channels = _rows(TaskChannel, named("task_channel_id"), "id", "unique_name")
        names = {known["friendly_name"] for event in events if "friendly_name" in (known := _known_worker(event))}
        rows = Worker.objects.filter(friendly_name__in=names) if names else Worker.objects.none()
        self.sids = {(row.workspace_id, row.friendly_name): row.sid for row in rows}
        self.workspaces = _rows(Workspace, named("workspace_id"), "id", "friendly_name")


def _rows(model: Any, row_ids: Collection[uuid.UUID], *columns: str) -> dict[uuid.UUID | None, Json]:
    """By id; an event that names none looks up None, and finds nothing."""
    if not row_ids:
        return {}
    return {row["id"]: row for row in model.objects.filter(pk__in=row_ids).values(*columns)}


def _fact(event: Event, name: str) -> Any:
    return (event.facts or {}).get(name)


def _known_worker(event: Event) -> Json:
    return _fact(event, "known_worker") or {}


def _wire(event: Event, known: _Known) -> Json:
    kind, sid = resource(event)
    data = _data(event, known)
    actor_type, actor_sid = _actor(event)
    return {
        "sid": event.sid,
        "workspace_sid": ids.to_sid("WS", event.workspace_id),
        "event_type": event.type,
        "event_date": event.created_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event_date_ms": int(event.created_at.timestamp() * 1000),
        "description": _description(event, sid, data),
        "resource_type": kind,
        "resource_sid": sid,
        "actor_type": actor_type,
        "actor_sid": actor_sid,
        "source": "api" if actor_type == "api_key" else "taskrouter",
        "source_ip_address": None,
        "event_data": data,
    }


def _actor(event: Event) -> tuple[str, str]:
    sid = str(_fact(event, "actor") or "")
    if not sid and event.worker_id and event.type in ("reservation.accepted", "reservation.rejected"):
        sid = ids.to_sid("WK", event.worker_id)
    if not sid:
        sid = ids.to_sid("WS", event.workspace_id)
    return _ACTORS.get(sid[:2], "user"), sid


def _description(event: Event, sid: str, data: dict[str, str]) -> str:
    kind, _, what = event.type.partition(".")
    verb = _VERBS.get(what, what.replace("-", " ")).format(activity=data.get("worker_activity_name", ""))
    if kind in ("task-queue", "workflow") and event.task_id is None:
        name = data.get("task_queue_name" if kind == "task-queue" else "workflow_name", "")
        return f"{'TaskQueue' if kind == 'task-queue' else 'Workflow'} {name} {verb}"
    words = {"wrapup": "wrapped up", "timeout": "timed out"} if kind == "reservation" else {}
    names = {"worker": "worker_name", "activity": "activity_name", "task-channel": "task_channel_name"}
    return _DESCRIPTIONS.get(kind, "{resource} {verb}").format(
        resource=sid,
        verb=words.get(what, verb),
        name=data.get(names.get(kind, "workspace_name"), ""),
        queue=data.get("task_queue_name", ""),
        workflow=data.get("workflow_name", ""),
    )


# ---- event_data --------------------------------------------------------------------------------------------------


def _data(event: Event, known: _Known) -> dict[str, str]:
    found: Json = {"workspace_sid": ids.to_sid("WS", event.workspace_id)}
    if event.workspace_id in known.workspaces:
        found["workspace_name"] = known.workspaces[event.workspace_id]["friendly_name"]
    if event.task_id:
        found |= _task(event, known)
    if event.worker_id:
        found |= _worker(event, known)
    if whom := _known_worker(event):
        found["known_worker_sid"] = whom.get("sid") or known.sids.get((event.workspace_id, whom["friendly_name"]))
    if event.reservation_id:
        found["reservation_sid"] = ids.to_sid("WR", event.reservation_id)
    if failure := _fact(event, "failure"):
        found |= {"error_code": failure["code"], "error_message": failure["reason"]}
    if "transfer" in event.data:
        found |= _transfer(event.data["transfer"])
    found |= _queue_and_workflow(event, known)
    for kind in ("activity", "task_channel", "task_queue", "workflow", "workspace"):
        if event.task_id is None and event.worker_id is None and kind in event.data:
            found |= _configured(kind, event.data[kind])
    return {name: _text(value) for name, value in found.items() if value is not None}


def _task(event: Event, known: _Known) -> Json:
    row = known.tasks.get(event.task_id, {})
    held = event.data.get("reservation", {}).get("task") or event.data.get("task") or {}
    created_at = held.get("created_at") or row.get("created_at")
    if isinstance(created_at, str):
        created_at = dt.datetime.fromisoformat(created_at)
    found: Json = {
        "task_sid": ids.to_sid("WT", event.task_id) if event.task_id else None,
        "task_attributes": json.dumps(held.get("attributes", row.get("attributes", {})), ensure_ascii=False),
        "task_priority": held.get("priority", row.get("priority", 0)),
        "task_assignment_status": held.get("status") or ("pending" if row else None),
        "task_age": None if created_at is None else max(0, int((event.created_at - created_at).total_seconds())),
    }
    if event.task_channel_id:
        found["task_channel_sid"] = ids.to_sid("TC", event.task_channel_id)
        found["task_channel_unique_name"] = known.channels.get(event.task_channel_id, {}).get("unique_name")
    if event.type in _ENDS and held.get("status") in ("canceled", "completed"):
        found[f"task_{held['status']}_reason"] = held.get("reason", "")
    return found


def _worker(event: Event, known: _Known) -> Json:
    held = event.data.get("worker", {})
    activity = held.get("activity", {})
    found: Json = {
        "worker_sid": ids.to_sid("WK", event.worker_id) if event.worker_id else None,
        "worker_name": held.get("name", known.workers.get(event.worker_id, {}).get("friendly_name")),
        "worker_attributes": json.dumps(held["attributes"], ensure_ascii=False) if "attributes" in held else None,
        "worker_activity_sid": activity.get("sid"),
        "worker_activity_name": activity.get("name"),
        "worker_version": _fact(event, "version"),
    }
    since = _fact(event, "since")
    if since:
        spent = event.created_at - dt.datetime.fromisoformat(since)
        found["worker_time_in_previous_activity"] = max(0, int(spent.total_seconds()))
        found["worker_time_in_previous_activity_ms"] = max(0, round(spent.total_seconds() * 1000))
        found["worker_previous_activity_sid"] = f"WA{_fact(event, 'activity_before')}"
        found["worker_previous_activity_name"] = _fact(event, "name_before")
    channel = _fact(event, "channel")
    if channel:
        found |= {
            "worker_channel_sid": channel["sid"],
            "task_channel_sid": channel["task_channel_sid"],
            "task_channel_unique_name": channel["name"],
            "worker_channel_available": channel["available"],
            "worker_channel_available_capacity": channel["capacity"],
            "worker_channel_previous_capacity": channel["capacity_before"],
            "worker_channel_task_count": channel["tasks"],
        }
    return found


def _queue_and_workflow(event: Event, known: _Known) -> Json:
    found: Json = {}
    if event.queue_id:
        queue = known.queues.get(event.queue_id, {})
        found["task_queue_sid"] = ids.to_sid("WQ", event.queue_id)
        found["task_queue_name"] = queue.get("friendly_name")
        if event.type.startswith("task-queue."):
            found["task_queue_target_expression"] = queue.get("target_workers")
    before = _fact(event, "from")
    if before and event.type == "task-queue.moved":
        found["task_queue_previous_sid"] = f"WQ{before}"
        found["task_queue_previous_name"] = known.queues.get(uuid.UUID(hex=before), {}).get("friendly_name")
    if event.workflow_id:
        found["workflow_sid"] = ids.to_sid("WW", event.workflow_id)
        found["workflow_name"] = known.workflows.get(event.workflow_id, {}).get("friendly_name")
    return found


def _transfer(held: Json) -> Json:
    to = held.get("to") or {}
    return {
        "transfer_sid": held.get("sid"),
        "transfer_mode": held.get("mode"),
        "transfer_status": held.get("status"),
        "transfer_type": str(to.get("kind", "")).upper() or None,
        "transfer_to": to.get("sid"),
        "transfer_initiating_worker_sid": (held.get("from") or {}).get("sid"),
        "transfer_failed_reason": held.get("reason") or None,
    }


def _configured(kind: str, held: Json) -> Json:
    if kind == "task_queue":
        return {
            "task_queue_sid": held["sid"],
            "task_queue_name": held["name"],
            "task_queue_target_expression": held["target_workers"],
        }
    found: Json = {f"{kind}_sid": held["sid"], f"{kind}_name": held["name"]}
    if kind == "activity":
        found["activity_available"] = held["available"]
    if kind == "task_channel":
        found["task_channel_unique_name"] = held["unique_name"]
        found["task_channel_optimized_routing"] = held["channel_optimized_routing"]
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
