"""Resources as the worker SDK wants them: as in REST, but with times in seconds since 1970 and nothing left out."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from routing.api import worker_channels
from routing.models import Activity, Reservation, Task, TaskQueue, Transfer, Worker, WorkerChannel

Json = dict[str, Any]

#: What the shapes read of a reservation, in one query.
RELATED = ("worker__workspace", "task__workspace", "task__queue", "task__workflow", "task__task_channel")


def seconds(at: dt.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


class Shapes:
    """For one account."""

    def __init__(self, account_sid: str, now: dt.datetime) -> None:
        self.account_sid = account_sid
        self.now = now

    def _frame(self, row: Any, workspace_sid: str, updated: dt.datetime | None = None) -> Json:
        return {
            "sid": row.sid,
            "account_sid": self.account_sid,
            "workspace_sid": workspace_sid,
            "date_created": seconds(row.created_at),
            "date_updated": seconds(updated or row.created_at),
        }

    def activity(self, row: Activity, workspace_sid: str) -> Json:
        return {
            **self._frame(row, workspace_sid, row.updated_at),
            "friendly_name": row.friendly_name,
            "available": row.available,
        }

    def worker(self, row: Worker) -> Json:
        return {
            **self._frame(row, row.workspace.sid, max(row.created_at, row.activity_since, row.idle_since)),
            "friendly_name": row.friendly_name,
            "attributes": json.dumps(row.attributes, ensure_ascii=False),
            "activity_sid": row.activity.sid,
            "activity_name": row.activity.friendly_name,
            "available": row.activity.available,
            "date_status_changed": seconds(row.activity_since),
            "version": str(row.version),
        }

    def channel(self, row: WorkerChannel, worker: Worker, accepted: Counter[Any]) -> Json:
        return {
            **self._frame(row, worker.workspace.sid),
            "worker_sid": worker.sid,
            "task_channel_sid": row.task_channel.sid,
            "task_channel_unique_name": row.task_channel.unique_name,
            "configured_capacity": row.capacity,
            "assigned_tasks": accepted[row.task_channel_id],
            "available_capacity_percentage": worker_channels.percentage(row),
            "available": row.is_available,
            "last_reserved_time": seconds(worker.idle_since),
        }

    def queue(self, row: TaskQueue, workspace_sid: str) -> Json:
        return {
            **self._frame(row, workspace_sid, row.updated_at),
            "friendly_name": row.friendly_name,
            "target_workers": row.target_workers,
            "max_reserved_workers": row.max_reserved_workers,
            "task_order": row.task_order,
            "lifo_queue": row.task_order == "LIFO",
            "reservation_activity_sid": None,
            "reservation_activity_name": None,
            "assignment_activity_sid": None,
            "assignment_activity_name": None,
        }

    def task(self, row: Task) -> Json:
        moved = (row.created_at, row.queue_entered_at, row.assigned_at, row.wrapping_at, row.ended_at)
        until = row.ended_at or self.now
        return {
            **self._frame(row, row.workspace.sid, max(at for at in moved if at is not None)),
            "attributes": json.dumps(row.attributes, ensure_ascii=False),
            "addons": "{}",
            "age": max(0, int((until - row.created_at).total_seconds())),
            "priority": row.priority,
            "reason": row.reason or None,
            "assignment_status": row.status,
            "timeout": row.timeout,
            "queue_sid": row.queue.sid if row.queue else None,
            "queue_name": row.queue.friendly_name if row.queue else None,
            "workflow_sid": row.workflow.sid if row.workflow else None,
            "workflow_name": row.workflow.friendly_name if row.workflow else None,
            "task_channel_sid": row.task_channel.sid,
            "task_channel_unique_name": row.task_channel.unique_name,
            "routing_target": row.routing_target or None,
            "virtual_start_time": seconds(row.virtual_start_time),
            "version": str(row.version),
        }

    def reservation(self, row: Reservation, transfers: Iterable[Transfer] = ()) -> Json:
        """``transfers``: those of its task that are under way; what is the giver's goes out, to others it comes in."""
        ended = (row.created_at, row.accepted_at, row.ended_at)
        timeout = row.task.workflow.task_reservation_timeout if row.task.workflow else 120
        found: Json = {
            **self._frame(row, row.worker.workspace.sid, max(at for at in ended if at is not None)),
            "worker_sid": row.worker.sid,
            "reservation_status": row.status,
            "reservation_timeout": timeout,
            "canceled_reason_code": None,
            "version": str(row.version),
            "task": self.task(row.task),
        }
        for one in transfers:
            if one.initiating_reservation_id == row.pk:
                found["active_outgoing_task_transfer"] = self.transfer(one)
            elif row.role == Reservation.Role.JOINING:
                found["task_transfer"] = self.transfer(one)
        return found

    def transfer(self, row: Transfer) -> Json:
        given, task = row.initiating_reservation, row.task
        to = row.to_worker or row.to_queue
        return {
            **self._frame(row, task.workspace.sid, row.ended_at),
            "task_sid": task.sid,
            "initiating_reservation_sid": given.sid,
            "initiating_worker_sid": given.worker.sid,
            "initiating_queue_sid": task.queue.sid if task.queue else None,
            "initiating_workflow_sid": task.workflow.sid if task.workflow else None,
            "transfer_mode": row.mode,
            "transfer_type": "WORKER" if row.to_worker_id else "QUEUE",
            "transfer_to": to.sid if to else None,
            "transfer_status": row.status,
            "transfer_failed_reason": row.reason or None,
        }


TRANSFER_RELATED = (
    *("task__workspace", "task__queue", "task__workflow", "initiating_reservation__worker"),
    *("to_worker", "to_queue"),
)


def under_way(task_ids: Iterable[Any]) -> dict[Any, list[Transfer]]:
    """The transfers under way of these tasks, by task id. One query."""
    found: dict[Any, list[Transfer]] = {}
    rows = Transfer.objects.filter(task__in=list(task_ids), status=Transfer.Status.INITIATED)
    for row in rows.select_related(*TRANSFER_RELATED):
        found.setdefault(row.task_id, []).append(row)
    return found
