"""Tasks looked after: sent through a changed workflow again, deleted, put back when their holder is gone."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from contactcenter.lib.errors import ContactCenterError
from conversations.models import Conversation
from routing.errors import NoTargetMatches, Stale
from routing.models import Reservation, Task, Workspace
from routing.services import entry, locks, seats, tasks
from routing.services.ledger import Ledger

log = structlog.get_logger(__name__)

_HELD = (Task.Status.ASSIGNED, Task.Status.WRAPPING)


def enter_anew(workflow_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Every waiting task of the workflow enters its document from the top; offers that are open stay so. How many.

    A task no filter fits any more is canceled. One transaction each: a backlog holds nobody up.
    """
    waiting = Task.objects.filter(workflow_id=workflow_id, status=Task.Status.PENDING, routing_target="")
    entered = 0
    for task_id in list(waiting.order_by("id").values_list("pk", flat=True)):
        try:
            entered += _enter(task_id, now)
        except ContactCenterError as error:  # it ended in this moment, or its conversation did
            log.warning("task.not_entered_anew", task=Task(pk=task_id).sid, code=error.code)
    return entered


def _enter(task_id: uuid.UUID, now: dt.datetime) -> bool:
    with transaction.atomic():
        task = locks.task(task_id)
        if task.status != Task.Status.PENDING:
            return False
        queue_before = task.queue_id
        try:
            entry.enter(task, now=now)
        except NoTargetMatches:
            tasks.cancel(task, reason="No filter of the workflow matches any more.", now=now)
            return False
        ledger = Ledger(now)
        ledger.keep(task, *entry.PLACE)
        ledger.about_task("task.updated", task)
        entry.note_entry(task, ledger, queue_before=queue_before)
        if task.queue_id != queue_before:
            tasks.give_to_queue(task, now)
        ledger.write()
    return True


def delete(task: Task, *, if_version: int | None = None, now: dt.datetime) -> None:
    """The task is gone: canceled if it waits, completed if somebody has it, then deleted with its reservations.

    Raises ``Stale`` when it is no longer in version ``if_version``.
    """
    with transaction.atomic():
        held = locks.task(task.pk)
        if if_version not in (None, held.version):
            raise Stale(f"The task is in version {held.version} now; fetch it again.")
        _end(held, "task.deleted", "Task deleted", now)


def _end(held: Task, type: str, reason: str, now: dt.datetime) -> None:
    if held.status in (Task.Status.PENDING, Task.Status.RESERVED):
        held = tasks.cancel(held, reason=reason, now=now)
    elif held.status in _HELD:
        held = tasks.complete(held, by=None, reason=reason, now=now)
    ledger = Ledger(now)
    ledger.about_task(type, held, tasks.about(held))
    ledger.write()
    held.delete()


def sweep(now: dt.datetime) -> None:
    """Mend what a lost hint or a deleted row left: a closed conversation's task, a task nobody holds any more. And
    delete what somebody has had for longer than the workspace allows."""
    over = Task.objects.filter(ended_at__isnull=True, conversation__status=Conversation.Status.CLOSED)
    for task in over.select_related("conversation").order_by("id")[:100]:
        if task.conversation is not None:
            tasks.conversation_was_closed(task.conversation, now=now)
    offers = Reservation.objects.filter(task=OuterRef("pk"), status=Reservation.Status.PENDING)
    holds = Reservation.objects.filter(task=OuterRef("pk"), status__in=["accepted", "wrapping"], role="owner")
    unheld = Q(status=Task.Status.RESERVED) & ~Exists(offers) | Q(status__in=_HELD) & ~Exists(holds)
    for task_id in Task.objects.filter(unheld, ended_at__isnull=True).order_by("id").values_list("pk", flat=True)[:100]:
        _put_back(task_id, unheld, now)
    for workspace in Workspace.objects.filter(assignment_limit__gt=0):
        since = now - dt.timedelta(seconds=workspace.assignment_limit)
        held = Task.objects.filter(workspace=workspace, status__in=_HELD, ended_at__isnull=True, assigned_at__lte=since)
        for task_id in held.order_by("assigned_at").values_list("pk", flat=True)[:100]:
            _take_away(task_id, since, now)


def _take_away(task_id: uuid.UUID, since: dt.datetime, now: dt.datetime) -> None:
    with transaction.atomic():
        task = locks.task(task_id)
        if task.status in _HELD and task.assigned_at is not None and task.assigned_at <= since:
            log.warning("task.held_too_long", task=task.sid)
            _end(task, "task.system-deleted", "Task assigned for too long", now)


def _put_back(task_id: uuid.UUID, unheld: Q, now: dt.datetime) -> None:
    with transaction.atomic():
        task = locks.task(task_id)
        if not Task.objects.filter(unheld, pk=task_id).exists():
            return
        log.warning("task.unheld", task=task.sid, status=task.status)
        found = seats.lock(task)
        if found.joined is not None:
            ledger = Ledger(now)
            found.withdraw(ledger)
            found.promote(found.joined, ledger)
            ledger.write()
            return
        if task.status != Task.Status.RESERVED:
            tasks.requeue(task, by=None, reason="Its worker is gone.", now=now)
            return
        task.status = Task.Status.PENDING
        ledger = Ledger(now)
        ledger.keep(task, "status")
        ledger.about_task("task.updated", task, tasks.about(task))
        ledger.write()
