"""Handing a task on. For now both ways leave the giver at once (cold); consulting (warm) needs a second seat."""

from __future__ import annotations

import datetime as dt

from contactcenter.lib.errors import Refused
from routing.models import Task, TaskQueue, Worker
from routing.services import tasks


def to_queue(task: Task, queue: TaskQueue, *, by: Worker | None, reason: str = "", now: dt.datetime) -> Task:
    """The task waits in that queue, with the age it has. Raises as ``tasks.requeue``."""
    return tasks.requeue(task, by=by, reason=reason, routing_target=queue.sid, now=now)


def to_worker(task: Task, worker: Worker, *, by: Worker | None, reason: str = "", now: dt.datetime) -> Task:
    """The task is offered to that worker alone. Raises as ``tasks.requeue``, and ``Refused`` when they are away."""
    if not worker.activity.available:
        raise Refused("This agent is not available now.", code="routing.worker_unavailable")
    return tasks.requeue(task, by=by, reason=reason, routing_target=worker.sid, now=now)
