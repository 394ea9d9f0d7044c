"""Who belongs to a queue: its target expression asked about every worker's attributes."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from routing.engine import expression
from routing.models import TaskQueue, Worker


def by_queue(workspace_id: uuid.UUID, queues: Collection[TaskQueue]) -> dict[uuid.UUID, dict[uuid.UUID, bool]]:
    """Queue id -> {worker id: is their activity available}. One query, whatever the number of queues."""
    rows = Worker.objects.filter(workspace_id=workspace_id).values_list("id", "attributes", "activity__available")
    workers = [(row_id, attributes if isinstance(attributes, dict) else {}, free) for row_id, attributes, free in rows]
    found: dict[uuid.UUID, dict[uuid.UUID, bool]] = {}
    for queue in queues:
        test = target(queue.target_workers).matches
        found[queue.pk] = {row_id: free for row_id, attributes, free in workers if test(attributes)}
    return found


def target(text: str) -> expression.Expression:
    """A queue's expression, compiled. Empty means nobody: its tasks just wait."""
    if not text.strip():
        return expression.compile_node(("const", False))
    return expression.compile_lenient(text)[0]
