"""Queues, workflows, activities, task channels and limits: checked when saved, and the router told.

Whoever saves such a row (the admin, an importer, an API) calls ``check`` before and ``changed`` after, in the same
transaction.
"""

from __future__ import annotations

from django.db import models

from routing import checks, doorbell
from routing.models import Change, TaskQueue, Worker, Workflow


def check(row: models.Model) -> None:
    """Is what a queue or workflow says readable? Raises ``Refused``: an expression's position, a document's key."""
    if isinstance(row, TaskQueue):
        checks.expression(row.target_workers)
    if isinstance(row, Workflow):
        checks.workflow(row.configuration, workspace_id=row.workspace_id)


def changed(row: models.Model) -> None:
    """The row was saved or deleted around the services: the router reads it, or all of its configuration, again."""
    kind = "worker" if isinstance(row, Worker) else "configuration"
    news = Change.objects.create(kind=kind, subject=row.pk)
    doorbell.ring_on_commit(news.pk)
