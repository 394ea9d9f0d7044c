"""Task queues and workflows: made, changed, deleted."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, transaction

from routing.models import Task, TaskQueue, Transfer, Workflow, Workspace
from routing.services import rows


def create_queue(workspace: Workspace, *, now: dt.datetime, **values: Any) -> TaskQueue:
    """``values``: the queue's fields. Raises ``Refused``: an unreadable expression, or the name is taken."""
    return rows.save(TaskQueue(workspace=workspace, created_at=now, **values), now=now)


def delete_queue(queue: TaskQueue, *, now: dt.datetime) -> None:
    """Raises ``Refused`` while tasks wait in it, are transferred to it or worked on, and while a workflow names it."""
    with _kept_by_foreign_keys():
        for document in Workflow.objects.filter(workspace_id=queue.workspace_id).values_list(
            "configuration", flat=True
        ):
            text = json.dumps(document)
            if queue.sid in text or json.dumps(queue.friendly_name) in text:
                raise rows.in_use()
        if Transfer.objects.filter(to_queue=queue, status=Transfer.Status.INITIATED).exists():
            raise rows.in_use()
        _leave(Task.objects.filter(queue=queue), "queue")
        rows.delete(queue, now=now)


def create_workflow(workspace: Workspace, *, now: dt.datetime, **values: Any) -> Workflow:
    """``values``: the workflow's fields. Raises ``Refused``: a document that cannot be used, or the name is taken."""
    return rows.save(Workflow(workspace=workspace, created_at=now, **values), now=now)


def delete_workflow(workflow: Workflow, *, now: dt.datetime) -> None:
    """Raises ``Refused`` while live tasks are in it."""
    with _kept_by_foreign_keys():
        _leave(Task.objects.filter(workflow=workflow), "workflow")
        rows.delete(workflow, now=now)


@contextlib.contextmanager
def _kept_by_foreign_keys() -> Iterator[None]:
    """A transaction; a task that comes in meanwhile may make itself felt only when it commits."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise rows.in_use() from error


def _leave(tasks: Any, name: str) -> None:
    """Tasks that are over no longer say through what they came; live ones keep it from being deleted."""
    if tasks.filter(ended_at__isnull=True).exists():
        raise rows.in_use()
    # One that came in since then is left as it is, and keeps the row by its foreign key.
    tasks.filter(ended_at__isnull=False).update(**{name: None})
