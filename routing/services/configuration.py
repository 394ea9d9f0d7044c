"""Queues, workflows, activities, task channels and limits: checked when saved, and the router told.

Whoever saves such a row (the admin, an importer, an API) calls ``check`` before and ``changed`` after, in the same
transaction.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from contactcenter.lib.errors import Refused
from routing import doorbell
from routing.engine import expression
from routing.engine import workflow as documents
from routing.models import Change, TaskQueue, Worker, Workflow


def check(row: models.Model) -> None:
    """Is what a queue or workflow says readable? Raises ``Refused``: an expression's position, a document's key."""
    if isinstance(row, TaskQueue) and row.target_workers.strip():
        expression.compile(row.target_workers)
    if isinstance(row, Workflow):
        if len(json.dumps(row.configuration)) > documents.MAX_BYTES:
            raise Refused(f"A workflow has at most {documents.MAX_BYTES} bytes.", code="routing.bad_workflow")
        queues = list(TaskQueue.objects.filter(workspace_id=row.workspace_id))
        known: dict[str, Any] = {queue.friendly_name: queue.pk for queue in queues}
        known.update({queue.sid: queue.pk for queue in queues})
        documents.parse(row.configuration, known.get)


def changed(row: models.Model) -> None:
    """The row was saved or deleted around the services: the router reads it, or all of its configuration, again."""
    kind = "worker" if isinstance(row, Worker) else "configuration"
    news = Change.objects.create(kind=kind, subject=row.pk)
    doorbell.ring_on_commit(news.pk)
