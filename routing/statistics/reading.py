"""Figures of any stretch of time, exact at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from routing.models import Event, Worker
from routing.statistics import counting
from routing.statistics.counting import Counted, Figures, Stayed

Range = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: the workspace's, narrowed by what is given."""

    workspace_id: uuid.UUID
    queue_id: uuid.UUID | None = None
    workflow_id: uuid.UUID | None = None
    task_channel_id: uuid.UUID | None = None


def by_queue(scope: Scope, *, start: dt.datetime, end: dt.datetime) -> dict[uuid.UUID, Figures]:
    """Figures of tasks from ``start`` up to before ``end``, by queue."""
    found: dict[uuid.UUID, Figures] = {}
    for event in _events(scope.workspace_id, [(start, end)], [*counting.COUNTERS]):
        for key, figures in counting.of_tasks(event):
            if scope.queue_id not in (None, key.queue_id) or scope.workflow_id not in (None, key.workflow_id):
                continue
            if scope.task_channel_id in (None, key.task_channel_id):
                found.setdefault(key.queue_id, Figures()).add(figures)
    return found


def total(scope: Scope, *, start: dt.datetime, end: dt.datetime) -> Figures:
    """The same in one sum."""
    figures = Figures()
    for part in by_queue(scope, start=start, end=end).values():
        figures.add(part)
    return figures


def by_worker(
    workspace_id: uuid.UUID,
    worker_ids: Collection[uuid.UUID],
    *,
    task_channel_id: uuid.UUID | None,
    start: dt.datetime,
    end: dt.datetime,
) -> dict[uuid.UUID, Figures]:
    """What became of these workers' offers."""
    wanted = set(worker_ids)
    found = {worker_id: Figures() for worker_id in wanted}
    for event in _events(workspace_id, [(start, end)], list(counting.COUNTERS), worker__in=wanted):
        figures = counting.of_worker(event)
        if figures and event.worker_id in wanted and task_channel_id in (None, event.task_channel_id):
            found[event.worker_id].add(figures)
    return found


def stays(
    workspace_id: uuid.UUID,
    worker_ids: Collection[uuid.UUID],
    *,
    start: dt.datetime,
    end: dt.datetime,
    now: dt.datetime,
) -> list[Stayed]:
    """These workers' stays in activities that overlap the time, cut to it; the present ones last until ``now``."""
    wanted = set(worker_ids)
    # Workers first: a stay that ends in between is then there twice, not missing, and the first is dropped.
    present = Worker.objects.filter(pk__in=wanted).values_list(
        "id", "activity_id", "activity__friendly_name", "activity_since"
    )
    found: dict[tuple[uuid.UUID, dt.datetime], Stayed] = {}
    for worker_id, activity_id, name, since in present:
        found[worker_id, since] = Stayed(worker_id, worker_id, activity_id, name, since, now)
    for event in _events(workspace_id, [(start, now + dt.timedelta(days=1))], list(counting.MOVES), worker__in=wanted):
        ended = counting.stay(event)
        if ended is not None:
            found[ended.worker_id, ended.started_at] = ended
    cut = [
        stay._replace(started_at=max(stay.started_at, start), ended_at=min(stay.ended_at, end))
        for stay in found.values()
    ]
    return [stay for stay in cut if stay.started_at < stay.ended_at]


def _events(
    workspace_id: uuid.UUID, ranges: Collection[Range], types: Collection[str], **filters: Any
) -> Iterator[Counted]:
    within = Q()
    for start, end in ranges:
        within |= Q(created_at__gte=start, created_at__lt=end)
    rows = Event.objects.filter(within, workspace=workspace_id, type__in=types, **filters).order_by()
    for row in rows.values_list(*Counted._fields):
        yield Counted(*row)
