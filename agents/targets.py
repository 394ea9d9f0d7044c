"""Whom an agent can hand a conversation to: colleagues and queues of their workspace."""

from __future__ import annotations

from typing import Any

from contactcenter.lib import ids
from routing import members
from routing.models import Reservation, Task, TaskQueue, Worker
from routing.services import capacity

Json = dict[str, Any]


def find(worker: Worker, sid: str) -> Worker | TaskQueue | None:
    """The colleague or queue behind a public id, if this worker may hand something to it."""
    row: Worker | TaskQueue | None = Worker.find_by_sid(sid) or TaskQueue.find_by_sid(sid)
    return row if row is not None and row.workspace_id == worker.workspace_id else None


def listing(worker: Worker, task: Task) -> Json:
    """``{agents: [{sid, name, activity, available, has_room}], queues: [{sid, name, available}]}``.

    ``available`` of a queue: how many of its agents are; ``has_room``: for one more task like this.
    """
    seated = Reservation.objects.filter(task=task, status__in=("accepted", "wrapping")).values("worker_id")
    colleagues = Worker.objects.filter(workspace=worker.workspace_id).exclude(pk__in=seated).exclude(pk=worker.pk)
    queues = list(TaskQueue.objects.filter(workspace=worker.workspace_id).order_by("friendly_name"))
    eligible = members.by_queue(worker.workspace_id, queues)
    with_room = capacity.with_room(task.task_channel)
    return {
        "agents": [
            {
                "sid": row.sid,
                "name": row.friendly_name,
                "activity": row.activity.friendly_name,
                "available": row.activity.available,
                "has_room": row.pk in with_room,
            }
            for row in colleagues.select_related("activity").order_by("friendly_name")
        ],
        "queues": [
            {
                "sid": ids.to_sid("WQ", queue.pk),
                "name": queue.friendly_name,
                "available": sum(free for row_id, free in eligible[queue.pk].items() if row_id != worker.pk),
            }
            for queue in queues
        ],
    }
