"""Where a task goes when it enters its workflow: the pure engine asked about rows."""

from __future__ import annotations

import copy
import datetime as dt
import threading
import uuid
from typing import Any

from django.utils.translation import gettext as _

from routing import sql
from routing.engine import model
from routing.engine import workflow as documents
from routing.errors import NoTargetMatches
from routing.models import Task, TaskQueue, Workflow
from routing.services.ledger import Ledger

#: a task's fields that ``enter`` sets: where it stands in its workflow
PLACE = ("queue", "queue_entered_at", "filter_index", "target_index", "workflow_entered_at", "due_at", "priority")
_QUEUES = sql.Prepared(lambda ids: TaskQueue.objects.filter(pk__in=ids).order_by())
_compiled: dict[uuid.UUID, tuple[Any, documents.Workflow]] = {}
_lock = threading.Lock()


def compiled(workflow: Workflow) -> documents.Workflow:
    """The workflow's document, read once per version of its text."""
    held = _compiled.get(workflow.pk)
    if held is not None and held[0] == workflow.configuration:
        return held[1]
    names: dict[str, uuid.UUID] | None = None

    def queue_of(reference: str) -> uuid.UUID | None:
        nonlocal names
        queue_id = TaskQueue.id_from_sid(reference)
        if queue_id is not None:
            return queue_id
        if names is None:
            rows = TaskQueue.objects.filter(workspace_id=workflow.workspace_id)
            names = {str(name): row_id for row_id, name in rows.values_list("id", "friendly_name")}
        return names.get(reference)

    document = documents.parse(workflow.configuration, queue_of, lenient=True)
    if names is None:  # a document that says queues by name is read anew each time: names can be given away
        with _lock:
            _compiled[workflow.pk] = (copy.deepcopy(workflow.configuration), document)
    return document


def enter(task: Task, *, now: dt.datetime) -> None:
    """Let the (unsaved or locked) task enter its workflow from the top, or go straight to its routing target.

    Sets workflow position, queue, priority and deadlines; saves nothing. Raises ``NoTargetMatches`` when no filter
    fits and there is no default.
    """
    task.workflow_entered_at = now
    task.due_at = task.known_worker = None
    task.filter_index, task.target_index = documents.DEFAULT
    direct = TaskQueue.id_from_sid(task.routing_target)
    if direct is None and task.routing_target and task._state.adding:
        direct = task.queue_id  # whoever made it for one worker may say of which queue it counts
    if direct is not None:
        _place(task, _queue(direct), now)
        return
    if task.workflow is None:
        raise NoTargetMatches(_("The task has neither a workflow nor a queue to go to."))
    document = compiled(task.workflow)
    position = document.enter(task.attributes)
    target = None if position is None else document.target(position)
    if position is None or target is None:
        raise NoTargetMatches(_("No filter of the workflow matches the task, and it has no default filter."))
    task.filter_index, task.target_index = position
    task.known_worker = target.known_worker_of(task.attributes)
    if target.priority is not None:
        task.priority = target.priority
    if target.until is not None:
        task.due_at = now + dt.timedelta(seconds=target.until)
    _place(task, _queue(target.queue), now)


def note_entry(task: Task, ledger: Ledger, *, queue_before: uuid.UUID | None = None) -> None:
    """The events of an entry, in TaskRouter's order."""
    came_from: dict[str, Any] = {"from": queue_before.hex} if queue_before else {}
    known: dict[str, Any] = {"known_worker": task.known_worker} if task.known_worker else {}
    if task.workflow_id and not task.routing_target:
        ledger.about_task("workflow.entered", task, **came_from)
        ledger.about_task("workflow.target-matched", task, **known)
    is_elsewhere = queue_before is not None and queue_before != task.queue_id
    ledger.about_task("task-queue.moved" if is_elsewhere else "task-queue.entered", task, **came_from, **known)
    ledger.changed_queue(queue_before)


def note_exit(task: Task, ledger: Ledger) -> None:
    """The event of a task that came to the end of its workflow, before that of its cancellation."""
    if task.reason == model.WORKFLOW_TIMEOUT:
        ledger.about_task("workflow.timeout", task)
    elif task.reason == model.WORKFLOW_SKIPPED:
        ledger.about_task("workflow.skipped", task)


def _place(task: Task, queue: TaskQueue, now: dt.datetime) -> None:
    if task.queue_id != queue.pk or task.queue_entered_at is None:
        task.queue_entered_at = now
    task.queue = queue


def _queue(queue_id: Any) -> TaskQueue:
    found: list[TaskQueue] = _QUEUES.objects([queue_id])
    if not found:
        raise NoTargetMatches(_("The workflow names a queue that does not exist."))
    return found[0]
