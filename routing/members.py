"""Who belongs to a queue: its target expression asked about every worker's attributes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from routing.engine import expression
from routing.engine.postings import Postings, slots
from routing.models import TaskQueue, Worker


def by_queue(workspace_id: uuid.UUID, queues: Collection[TaskQueue]) -> dict[uuid.UUID, dict[uuid.UUID, bool]]:
    """Queue id -> {worker id: is their activity available}. One query, whatever the number of queues."""
    rows = Worker.objects.filter(workspace_id=workspace_id).values_list("id", "attributes", "activity__available")
    workers = [(row_id, attributes if isinstance(attributes, dict) else {}, free) for row_id, attributes, free in rows]
    index = _index([attributes for _row_id, attributes, _free in workers])
    found: dict[uuid.UUID, dict[uuid.UUID, bool]] = {}
    for queue in queues:
        meant = slots(index.matching(target(queue.target_workers).node))
        found[queue.pk] = {workers[slot - 1][0]: workers[slot - 1][2] for slot in meant}
    return found


def count_by_queue(
    people: Sequence[tuple[Mapping[str, Any], Any]], queues: Collection[TaskQueue]
) -> dict[uuid.UUID, Counter[Any]]:
    """Queue id -> how many of ``people`` (attributes, kind) belong to it, by kind.

    Thousands of queues and workers are counted by an index, not one by one.
    """
    index = _index([attributes for attributes, _kind in people])
    of_kind: dict[Any, int] = {}
    for slot, (_attributes, kind) in enumerate(people, start=1):
        of_kind[kind] = of_kind.get(kind, 0) | 1 << slot
    found: dict[uuid.UUID, Counter[Any]] = {}
    for queue in queues:
        meant = index.matching(target(queue.target_workers).node)
        found[queue.pk] = Counter({kind: (meant & bits).bit_count() for kind, bits in of_kind.items() if meant & bits})
    return found


def _index(scopes: Sequence[Mapping[str, Any]]) -> Postings:
    index = Postings()
    for slot, scope in enumerate(scopes, start=1):
        index.put(slot, scope)
    return index


def target(text: str) -> expression.Expression:
    """A queue's expression, compiled. Empty means nobody: its tasks just wait."""
    if not text.strip():
        return expression.compile_node(("const", False))
    return expression.compile_lenient(text)[0]
