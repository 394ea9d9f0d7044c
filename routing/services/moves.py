"""A supervisor puts a task elsewhere: straight to a queue or to one agent, whoever had it or was being asked."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing.errors import WrongState
from routing.models import Reservation, Task, TaskQueue, Transfer, Worker
from routing.services import entry, locks, seats, tasks
from routing.services.ledger import Ledger


def move(task: Task, *, to: TaskQueue | Worker, reason: str = "", now: dt.datetime) -> Task:
    """Send the task to ``to``, past its workflow's steps. It keeps its age and priority.

    Open offers are withdrawn; whoever holds it gives it up. The agent it is sent to is asked even when they declined
    it before. Raises ``WrongState`` when it is over, ``Refused`` for a queue or agent of another workspace.
    """
    if to.workspace_id != task.workspace_id:
        raise Refused(_("That belongs to another workspace."), code="routing.wrong_workspace")
    with transaction.atomic():
        task = locks.task(task.pk)
        if task.status not in Task.LIVE:
            raise WrongState(_("The task is over."))
        if isinstance(to, Worker):
            task.declined.pop(to.pk.hex, None)
        if task.status in (Task.Status.ASSIGNED, Task.Status.WRAPPING):
            return _take_back(task, to, reason, now)
        ledger = Ledger(now)
        found = seats.lock(task)
        for offer in found.offers:
            found.vacate(offer, Reservation.Status.CANCELED, ledger, reason=reason)
        found.end_transfer(Transfer.Status.CANCELED, ledger, reason=reason)
        queue_before = task.queue_id
        task.status, task.routing_target = Task.Status.PENDING, to.sid
        _stand(task, to, now)
        ledger.keep(task, "status", "routing_target", "declined", *entry.PLACE)
        ledger.about_task("task.updated", task, tasks.about(task))
        if task.queue_id != queue_before:
            entry.note_entry(task, ledger, queue_before=queue_before)
            tasks.give_to_queue(task, now)
        ledger.write()
    return task


def _take_back(task: Task, to: TaskQueue | Worker, reason: str, now: dt.datetime) -> Task:
    """From whoever has it. They come last among those of a queue; the agent it is sent to is not held back."""
    task = tasks.requeue(task, by=None, reason=reason, routing_target=to.sid, now=now)
    if isinstance(to, Worker) and task.declined.pop(to.pk.hex, None) is not None:
        ledger = Ledger(now)
        ledger.keep(task, "declined")
        ledger.about_task("task.updated", task, tasks.about(task))
        ledger.write()
    return task


def _stand(task: Task, to: TaskQueue | Worker, now: dt.datetime) -> None:
    if isinstance(to, TaskQueue) or task.queue_id is None:
        entry.enter(task, now=now)
        return
    # It waits where it is, for that agent alone.
    task.filter_index, task.target_index, task.due_at = -1, -1, None
