"""Tasks: their beginning, their end and what happens between, as rows. The router decides who is offered them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext as _

from contactcenter.lib import crash
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub_json
from conversations.models import Conversation, Team
from conversations.services import lifecycle, ownership, story
from routing import queries, sql
from routing.errors import NotYours, WrongState
from routing.models import Reservation, Task, TaskChannel, TaskQueue, Transfer, Worker, Workflow
from routing.services import entry, locks, seats, setup
from routing.services.ledger import Ledger
from routing.services.seats import Seats

log = structlog.get_logger(__name__)

MAX_ATTRIBUTES = 4096
MAX_PRIORITY = 2**31 - 1
MAX_TIMEOUT = 1_209_600
_CHANNELS = sql.Prepared(lambda ids: TaskChannel.objects.filter(workspace__in=ids).order_by("unique_name"))
_HELD = (Task.Status.ASSIGNED, Task.Status.WRAPPING)


def create(
    *,
    workflow: Workflow | None = None,
    attributes: dict[str, Any],
    task_channel: str = "default",
    conversation: Conversation | None = None,
    priority: int | None = None,
    timeout: int | None = None,
    routing_target: str = "",
    queue: TaskQueue | None = None,
    ignore_capacity: bool = False,
    virtual_start_time: dt.datetime | None = None,
    now: dt.datetime,
) -> Task:
    """A new task, already in the queue its workflow sends it to (the workspace's only or "Default" one if not given).

    ``task_channel`` is a unique name or sid; ``timeout`` the seconds it may wait (default a day). With a
    ``conversation`` it becomes the queue's; when the conversation has a live task already, that one is returned. With
    a worker as ``routing_target`` it counts as one of ``queue``, if given. Raises ``NoTargetMatches``, and
    ``Refused`` for values out of bounds and closed conversations.
    """
    attributes = checked_attributes(attributes)
    workflow = workflow or _default_workflow()
    channel = _task_channel(workflow.workspace_id, task_channel)
    with transaction.atomic():
        if conversation is not None:
            held = conversation = locks.conversation(conversation)
            existing = queries.live_task(held.pk)
            if existing is not None:
                return existing
            if held.status == Conversation.Status.CLOSED:
                raise Refused(_("This conversation is closed."), code="conversation.closed")
        task = Task(
            workspace_id=workflow.workspace_id,
            workflow=workflow,
            task_channel=channel,
            conversation=conversation,
            attributes=attributes,
            priority=bounded("priority", 0 if priority is None else priority, 0, MAX_PRIORITY),
            timeout=bounded("timeout", 86400 if timeout is None else timeout, 1, MAX_TIMEOUT),
            routing_target=routing_target,
            queue=queue if routing_target else None,
            ignore_capacity=ignore_capacity,
            virtual_start_time=virtual_start_time or now,
            created_at=now,
        )
        task.expires_at = now + dt.timedelta(seconds=task.timeout)
        entry.enter(task, now=now)
        ledger = Ledger(now)
        ledger.keep(task)
        ledger.about_task("task.created", task, about(task))
        entry.note_entry(task, ledger)
        give_to_queue(task, now)
        ledger.write()
        transaction.on_commit(lambda: crash.point("task.created"))
    return task


def update(
    task: Task,
    *,
    attributes: dict[str, Any] | None = None,
    priority: int | None = None,
    task_channel: str | None = None,
    virtual_start_time: dt.datetime | None = None,
    now: dt.datetime,
) -> Task:
    """Change what the task is about or how urgent it is. A waiting task is looked at anew.

    New attributes that another filter of its workflow fits move it there. Raises ``Refused`` for values out of bounds,
    ``WrongState`` when the task is over.
    """
    with transaction.atomic():
        task = _live(task)
        queue_before, position_before = task.queue_id, (task.filter_index, task.target_index)
        if attributes is not None:
            task.attributes = checked_attributes(attributes)
            if task.status == Task.Status.PENDING and not task.routing_target and task.workflow is not None:
                position = entry.compiled(task.workflow).enter(task.attributes)
                if position is not None and position.filter != task.filter_index:
                    entry.enter(task, now=now)
        if priority is not None:
            task.priority = bounded("priority", priority, 0, MAX_PRIORITY)
        if task_channel is not None:
            channel = _task_channel(task.workspace_id, task_channel)
            if channel.pk != task.task_channel_id and task.status != Task.Status.PENDING:
                # Capacity of the present channel is held by its offers.
                raise WrongState(_("The task channel can be changed while the task waits and is not offered."))
            task.task_channel = channel
        if virtual_start_time is not None:
            task.virtual_start_time = virtual_start_time
        ledger = Ledger(now)
        ledger.keep(task, "attributes", "task_channel", "virtual_start_time", *entry.PLACE)
        ledger.about_task("task.updated", task, about(task))
        if (task.filter_index, task.target_index) != position_before:
            entry.note_entry(task, ledger, queue_before=queue_before)
        if task.queue_id != queue_before:
            give_to_queue(task, now)
        ledger.write()
    return task


def wrap_up(task: Task, *, by: Worker | None, now: dt.datetime) -> Task:
    """The talking is over, the notes are not: the task stays with its worker and still holds capacity.

    Who had joined leaves, a transfer under way is withdrawn. The queue says how long it may take, or the workspace.
    Repeating it changes nothing. Raises ``WrongState`` unless assigned, ``NotYours`` for a worker who does not hold it.
    """
    with transaction.atomic():
        found = seats.lock(_live(task))
        task, reservation = found.task, _held_by(found, by)
        if task.status == Task.Status.WRAPPING:
            return task
        if task.status != Task.Status.ASSIGNED or reservation is None:
            raise WrongState(_("Only an assigned task can be wrapped up."))
        worker = found.workers[reservation.worker_id]
        limit = task.queue.wrap_up_limit if task.queue is not None else None
        limit = task.workspace.wrap_up_limit if limit is None else limit
        ledger = Ledger(now)
        found.clear_second(ledger)
        task.status, task.wrapping_at = Task.Status.WRAPPING, now
        task.due_at = now + dt.timedelta(seconds=limit) if limit else None
        ledger.keep(task, "status", "wrapping_at", "due_at")
        reservation.status = Reservation.Status.WRAPPING
        ledger.keep(reservation, "status")
        ledger.about_task("task.wrapup", task, about(task))
        ledger.about_reservation("reservation.wrapup", reservation, task, worker)
        ledger.write()
    return task


def complete(task: Task, *, by: Worker | None, reason: str = "", now: dt.datetime) -> Task:
    """The work is done: capacity is free again, the conversation closes with ``reason`` as its disposition.

    Repeating it changes nothing. ``by`` None is a supervisor or the system. Raises ``WrongState`` when nobody holds
    the task, ``NotYours`` for a worker who does not hold it.
    """
    with transaction.atomic():
        task = locks.task(task.pk)
        if task.status == Task.Status.COMPLETED:
            return task
        if task.status not in _HELD:
            raise WrongState(_("Only a task somebody works on can be completed."))
        found = seats.lock(task)
        _held_by(found, by)
        _finish(found, reason=reason, now=now)
        if task.conversation is not None:
            lifecycle.close(task.conversation, disposition=reason, now=now)
    return task


def cancel(
    task: Task, *, reason: str, now: dt.datetime, closes_conversation: bool = True, if_version: int | None = None
) -> Task:
    """Nobody will work on it: offers are withdrawn. Its conversation closes, so the customer's next words start anew.

    Repeating it changes nothing, nor does a task that is no longer in its version ``if_version``. Raises
    ``WrongState`` when somebody has the task (complete or requeue it instead).
    """
    with transaction.atomic():
        task = locks.task(task.pk)
        if task.status == Task.Status.CANCELED or if_version not in (None, task.version):
            return task
        if task.status not in Task.WAITING:
            raise WrongState(_("Somebody works on this task or it is over; it cannot be canceled."))
        found = seats.lock(task)
        ledger = Ledger(now)
        task.status, task.reason, task.ended_at, task.due_at = Task.Status.CANCELED, reason[:512], now, None
        ledger.keep(task, "status", "reason", "ended_at", "due_at")
        for offer in found.offers:
            found.vacate(offer, Reservation.Status.CANCELED, ledger, reason=reason)
        found.end_transfer(Transfer.Status.FAILED, ledger, reason=reason)
        entry.note_exit(task, ledger)
        ledger.about_task("task.canceled", task, about(task))
        if closes_conversation and task.conversation is not None:
            lifecycle.close(task.conversation, now=now)
        ledger.write()
    return task


def requeue(
    task: Task,
    *,
    by: Worker | None,
    reason: str = "",
    routing_target: str | None = None,
    is_transfer: bool = False,
    now: dt.datetime,
) -> Task:
    """Back into the queue, with the age it has; whoever had it comes after everybody else.

    It enters its workflow from the top, or goes straight to ``routing_target`` (a queue's or worker's sid). A transfer
    under way is withdrawn unless this is what it is (``is_transfer``). Repeating it changes nothing. Raises
    ``WrongState`` when nobody holds it, ``NotYours`` for a worker who does not hold it.
    """
    with transaction.atomic():
        task = _live(task)
        if task.status in Task.WAITING:
            return task
        found = seats.lock(task)
        _held_by(found, by)
        ledger = Ledger(now)
        owner = found.owner
        if not is_transfer:
            found.withdraw(ledger, reason=reason)
        for reservation in list(found.rows):
            task.declined[reservation.worker_id.hex] = now.isoformat()
            found.vacate(reservation, Reservation.Status.CANCELED, ledger, reason=reason)
        queue_before = task.queue_id
        task.status, task.assigned_at, task.wrapping_at = Task.Status.PENDING, None, None
        task.expires_at = now + dt.timedelta(seconds=task.timeout)
        if routing_target is not None:
            task.routing_target = routing_target
        entry.enter(task, now=now)
        task.queue_entered_at = now
        ledger.keep(
            task, "status", "assigned_at", "wrapping_at", "expires_at", "routing_target", "declined", *entry.PLACE
        )
        ledger.about_task("task.updated", task, about(task))
        entry.note_entry(task, ledger, queue_before=queue_before)
        give_to_queue(task, now)
        if task.conversation is not None and task.queue is not None and owner is not None:
            line, name = "handed_over" if is_transfer else "returned", seats.shown(found.workers[owner.worker_id])
            story.tell(task.conversation, line, now=now, name=name, queue=task.queue.friendly_name)
        ledger.write()
    return task


def end_wrap_up(task_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Complete a task whose wrap-up has lasted as long as it may. Nothing happens to any other."""
    with transaction.atomic():
        task = locks.task(task_id)
        if task.status == Task.Status.WRAPPING and task.due_at is not None and task.due_at <= now:
            complete(task, by=None, reason=task.reason, now=now)


def conversation_was_closed(conversation: Conversation, *, now: dt.datetime) -> None:
    """A closed conversation needs nobody any more: its waiting task is canceled, a held one completed."""
    live = queries.live_task(conversation.pk)
    if live is None:
        return
    with transaction.atomic():
        task = locks.task(live.pk)
        if task.conversation is None or task.conversation.status != Conversation.Status.CLOSED:
            return
        if task.status in _HELD:
            _finish(seats.lock(task), reason=task.conversation.disposition, now=now)
        elif task.status in Task.WAITING:
            cancel(task, reason="The conversation was closed.", now=now, closes_conversation=False)


def _finish(found: Seats, *, reason: str, now: dt.datetime) -> None:
    task, ledger = found.task, Ledger(now)
    task.status, task.reason, task.ended_at, task.due_at = Task.Status.COMPLETED, reason[:512], now, None
    ledger.keep(task, "status", "reason", "ended_at", "due_at")
    ledger.about_task("task.completed", task, about(task))
    found.clear_second(ledger, reason=reason)
    for reservation in list(found.rows):
        is_offer = reservation.status == Reservation.Status.PENDING
        status = Reservation.Status.CANCELED if is_offer else Reservation.Status.COMPLETED
        found.vacate(reservation, status, ledger, reason=reason)
    ledger.write()


def _live(task: Task) -> Task:
    held = locks.task(task.pk)
    if held.status not in Task.LIVE:
        raise WrongState(_("The task is over."))
    return held


def _held_by(found: Seats, by: Worker | None) -> Reservation | None:
    """The owner's reservation, if that is ``by``'s or ``by`` is None; ``NotYours`` for anybody else."""
    if by is None or (found.owner is not None and found.owner.worker_id == by.pk):
        return found.owner
    if found.of(by) is not None:
        raise NotYours(_("You have joined this conversation: you can leave it, ending it is for its owner."))
    raise NotYours(_("Another agent has this task."))


def give_to_queue(task: Task, now: dt.datetime) -> None:
    """The locked task's conversation waits in its queue, and that queue's team sees it."""
    if task.conversation is None or task.queue is None:
        return
    team_id = task.queue.team_id
    ownership.change(
        task.conversation,
        owner=Conversation.Owner.QUEUE,
        owner_sid=task.queue.sid,
        owner_name=task.queue.friendly_name,
        # All that is needed of the team is its key.
        queue_team=None if team_id is None else Team.from_db(connection.alias, ["id"], [team_id]),
        now=now,
    )


def about(task: Task) -> dict[str, Any]:
    """What a task's own event says about it."""
    return {
        "task": {
            "sid": task.sid,
            "status": task.status,
            "priority": task.priority,
            "attributes": task.attributes,
            "reason": task.reason,
            "created_at": queries.iso(task.created_at),
        }
    }


def checked_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """A task's attributes without what no column takes. Raises ``Refused`` for what is no object or too long."""
    clean = scrub_json(attributes)
    if not isinstance(clean, dict):
        raise Refused(_("A task's attributes are an object."), code="routing.bad_attributes")
    if len(json.dumps(clean, ensure_ascii=False, separators=(",", ":"))) > MAX_ATTRIBUTES:
        message = _("A task's attributes have at most %(number)s characters.") % {"number": MAX_ATTRIBUTES}
        raise Refused(message, code="routing.bad_attributes")
    return clean


def bounded(name: str, value: int, low: int, high: int) -> int:
    """``value``, when it is a whole number in bounds; else raises ``Refused``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        message = _("%(name)s is a whole number from %(low)s to %(high)s.") % {"name": name, "low": low, "high": high}
        raise Refused(message, code=f"routing.bad_{name}")
    return value


def _task_channel(workspace_id: Any, name: str) -> TaskChannel:
    row_id = TaskChannel.id_from_sid(name)
    channels: list[TaskChannel] = _CHANNELS.objects([workspace_id])
    found = next((row for row in channels if (row.pk == row_id if row_id else row.unique_name == name)), None)
    if found is None:
        message = _("There is no task channel %(name)s.") % {"name": repr(name[:64])}
        raise Refused(message, code="routing.no_task_channel")
    return found


def _default_workflow() -> Workflow:
    rows = list(Workflow.objects.filter(workspace__friendly_name=setup.DEFAULT_NAME).order_by("id")[:2])
    if len(rows) > 1:
        named = {"workspace__friendly_name": setup.DEFAULT_NAME, "friendly_name": setup.DEFAULT_NAME}
        rows = list(Workflow.objects.filter(**named))
    if not rows:
        raise Refused(_("Say which workflow the task goes through."), code="routing.no_workflow")
    return rows[0]
