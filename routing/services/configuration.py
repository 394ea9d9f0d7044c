"""Queues, workflows, activities, task channels and limits: checked, saved, told to the router and to the event log.

Every door (the admin, an importer, an API) goes through ``save`` and ``delete``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction

from routing import checks, doorbell
from routing.models import Activity, Change, TaskChannel, TaskQueue, Worker, Workflow, Workspace
from routing.services.ledger import Ledger

#: model -> (prefix of its events, key of their data)
_KINDS: dict[type[models.Model], tuple[str, str]] = {
    Activity: ("activity", "activity"),
    TaskChannel: ("task-channel", "task_channel"),
    TaskQueue: ("task-queue", "task_queue"),
    Workflow: ("workflow", "workflow"),
    Workspace: ("workspace", "workspace"),
}


def check(row: models.Model) -> None:
    """Is what a queue or workflow says readable? Raises ``Refused``: an expression's position, a document's key."""
    if isinstance(row, TaskQueue):
        checks.expression(row.target_workers)
    if isinstance(row, Workflow):
        checks.workflow(row.configuration, workspace_id=row.workspace_id)


def save(row: models.Model, *, now: dt.datetime) -> None:
    """Save a new or changed row with its event and the router's news. Raises ``Refused`` as ``check``."""
    check(row)
    with transaction.atomic():
        is_new = row._state.adding
        expression_before = None
        if isinstance(row, TaskQueue) and not is_new:
            known = TaskQueue.objects.filter(pk=row.pk).values_list("target_workers", flat=True)
            expression_before = known.first()
        row.save()
        saved(row, is_new=is_new, expression_before=expression_before, now=now)


def saved(row: models.Model, *, is_new: bool, expression_before: str | None = None, now: dt.datetime) -> None:
    """The event and the news of a row that the caller has just saved, in the caller's transaction.

    ``expression_before``: of a queue that was there already; TaskRouter has no event for its other changes.
    """
    kind, _ = _KINDS[type(row)]
    if not isinstance(row, TaskQueue) or is_new:
        _note(f"{kind}.{'created' if is_new else 'updated'}", row, now)
    elif expression_before != row.target_workers:
        _note("task-queue.expression.updated", row, now)
    changed(row)


def delete(row: models.Model, *, now: dt.datetime) -> None:
    """Delete a row with its event and the router's news. Raises ``ProtectedError`` while something needs it."""
    with transaction.atomic():
        deleted(row, now=now)
        row.delete()


def deleted(row: models.Model, *, now: dt.datetime) -> None:
    """The event and the news of a row that the caller is about to delete, in the caller's transaction."""
    _note(f"{_KINDS[type(row)][0]}.deleted", row, now)
    changed(row)


def changed(row: models.Model) -> None:
    """Only the news: the router reads the row, or all of its configuration, again."""
    kind = "worker" if isinstance(row, Worker) else "configuration"
    Change.objects.create(kind=kind, subject=row.pk)
    doorbell.ring_on_commit()


def _note(type_: str, row: Any, now: dt.datetime) -> None:
    ledger = Ledger(now)
    ledger.about_configuration(type_, row, {_KINDS[type(row)][1]: _about(row)})
    ledger.write()


def _about(row: Any) -> dict[str, Any]:
    about = {"sid": row.sid, "name": row.friendly_name}
    if isinstance(row, Activity):
        about["available"] = row.available
    if isinstance(row, TaskChannel):
        about |= {"unique_name": row.unique_name, "channel_optimized_routing": row.channel_optimized_routing}
    if isinstance(row, TaskQueue):
        about["target_workers"] = row.target_workers
    return about
