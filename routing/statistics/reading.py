"""Figures of any stretch of time, exact at once: whole hours and minutes from their rows, the edges and what has not
been folded yet from the events. Nothing here grows with the length of time but the number of rows summed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import transaction
from django.db.models import Q

from routing.models import Event, EventBatch, Folding, Stay, Tally, Worker, WorkerTally
from routing.models.tally import HOUR, MINUTE
from routing.services import outbox
from routing.statistics import counting, tallies
from routing.statistics.counting import Counted, Figures, Stayed
from routing.statistics.tallies import Range

#: Minute rows are kept two days; older edges are read from the events.
MINUTES_KEPT = dt.timedelta(hours=49)
MINUTES_READ = dt.timedelta(hours=47)
#: How often a reader looks again because a fold came in between, before it makes the next fold wait.
TRIES = 3

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: the workspace's, narrowed by what is given."""

    workspace_id: uuid.UUID
    queue_id: uuid.UUID | None = None
    workflow_id: uuid.UUID | None = None
    task_channel_id: uuid.UUID | None = None

    def rows(self) -> Q:
        names = ("queue_id", "workflow_id", "task_channel_id")
        narrowed = {name: value for name in names if (value := getattr(self, name)) is not None}
        return Q(workspace_id=self.workspace_id, **narrowed)

    def holds(self, key: counting.Key) -> bool:
        return (
            key.workspace_id == self.workspace_id
            and self.queue_id in (None, key.queue_id)
            and self.workflow_id in (None, key.workflow_id)
            and self.task_channel_id in (None, key.task_channel_id)
        )


@dataclass(slots=True)
class Plan:
    """Where the figures of a stretch of time are found."""

    hours: list[Range] = field(default_factory=list)
    minutes: list[Range] = field(default_factory=list)
    events: list[Range] = field(default_factory=list)

    def is_kept(self, at: dt.datetime) -> bool:
        """Is this moment in the rows' part?"""
        return any(start <= at < end for start, end in (*self.hours, *self.minutes))


def plan(start: dt.datetime, end: dt.datetime, *, now: dt.datetime, with_minutes: bool = True) -> Plan:
    """Whole hours, then whole minutes of the rest as far back as those are kept, then events."""
    made = Plan()
    first, last = tallies.ceiling(start, HOUR), tallies.floor(end, HOUR)
    if first < last:
        made.hours.append((first, last))
    oldest = tallies.ceiling(now - MINUTES_READ, HOUR)
    for edge in [(start, first), (last, end)] if first <= last else [(start, end)]:
        first_minute, last_minute = tallies.ceiling(edge[0], MINUTE), tallies.floor(edge[1], MINUTE)
        if with_minutes and edge[0] >= oldest and first_minute < last_minute:
            made.minutes.append((first_minute, last_minute))
            made.events += [(edge[0], first_minute), (last_minute, edge[1])]
        else:
            made.events.append(edge)
    made.events = [edge for edge in made.events if edge[0] < edge[1]]
    return made


def by_queue(
    scope: Scope, *, start: dt.datetime, end: dt.datetime, now: dt.datetime, spread: bool = True
) -> dict[uuid.UUID, Figures]:
    """Figures of tasks from ``start`` up to before ``end``, by queue. ``spread``: with histograms of the waits."""
    wanted = plan(start, end, now=now)

    def read(unfolded: list[Counted]) -> dict[uuid.UUID, Figures]:
        rows = Tally.objects.filter(scope.rows(), tallies.of_slots(wanted.hours, wanted.minutes))
        found = tallies.sum_by_queue(rows, spread=spread) if wanted.hours or wanted.minutes else {}
        narrowed = Q()
        if scope.queue_id is not None:
            narrowed = Q(queue=scope.queue_id) | Q(type=counting.MOVED)
        edges = _events(scope.workspace_id, wanted.events, narrowed)
        for event in (*edges, *(event for event in unfolded if wanted.is_kept(event.created_at))):
            for key, figures in counting.of_tasks(event):
                if scope.holds(key):
                    found.setdefault(key.queue_id, Figures()).add(figures)
        return found

    return _consistently(read)


def total(scope: Scope, *, start: dt.datetime, end: dt.datetime, now: dt.datetime, spread: bool = True) -> Figures:
    """The same in one sum."""
    figures = Figures()
    for part in by_queue(scope, start=start, end=end, now=now, spread=spread).values():
        figures.add(part)
    return figures


def by_worker(
    workspace_id: uuid.UUID,
    worker_ids: Collection[uuid.UUID] | None,
    *,
    task_channel_id: uuid.UUID | None,
    start: dt.datetime,
    end: dt.datetime,
    now: dt.datetime,
) -> dict[uuid.UUID, Figures]:
    """What became of the offers to these workers (None: all)."""
    wanted = plan(start, end, now=now, with_minutes=False)
    whose = Q() if worker_ids is None else Q(worker_id__in=worker_ids)
    of_channel = Q() if task_channel_id is None else Q(task_channel_id=task_channel_id)

    def read(unfolded: list[Counted]) -> dict[uuid.UUID, Figures]:
        found: dict[uuid.UUID, Figures] = {}
        for first, last in wanted.hours:
            rows = WorkerTally.objects.filter(
                whose, of_channel, workspace_id=workspace_id, start__gte=first, start__lt=last
            )
            found = tallies.sum_by_worker(rows)
        edges = _events(workspace_id, wanted.events, whose & of_channel)
        for event in (*edges, *(event for event in unfolded if wanted.is_kept(event.created_at))):
            figures = counting.of_worker(event)
            if figures is None or event.worker_id is None or event.workspace_id != workspace_id:
                continue
            is_wanted = worker_ids is None or event.worker_id in worker_ids
            if is_wanted and task_channel_id in (None, event.task_channel_id):
                found.setdefault(event.worker_id, Figures()).add(figures)
        return found

    return _consistently(read)


def stays(
    workspace_id: uuid.UUID,
    worker_ids: Collection[uuid.UUID] | None,
    *,
    start: dt.datetime,
    end: dt.datetime,
    now: dt.datetime,
) -> list[Stayed]:
    """The workers' stays in activities that overlap the time, cut to it; the present ones last until ``now``."""
    whose = Q() if worker_ids is None else Q(worker_id__in=worker_ids)

    def read(unfolded: list[Counted]) -> list[Stayed]:
        found: dict[tuple[uuid.UUID, dt.datetime], Stayed] = {}
        # Workers first: a stay that ends in between is then there twice, not missing, and the first is dropped.
        present = Worker.objects.filter(workspace=workspace_id)
        if worker_ids is not None:
            present = present.filter(pk__in=worker_ids)
        doing = present.values_list("id", "activity_id", "activity__friendly_name", "activity_since")
        for worker_id, activity_id, name, since in doing:
            found[worker_id, since] = Stayed(worker_id, worker_id, activity_id, name, since, now)
        rows = Stay.objects.filter(whose, workspace_id=workspace_id, ended_at__gt=start, started_at__lt=end)
        columns = ("id", "worker_id", "activity_id", "activity_name", "started_at", "ended_at")
        ended = [Stayed(*row) for row in rows.values_list(*columns)]
        for event in unfolded:
            stay = counting.stay(event)
            is_wanted = stay is not None and (worker_ids is None or stay.worker_id in worker_ids)
            if stay is not None and is_wanted and event.workspace_id == workspace_id:
                ended.append(stay)
        found.update({(stay.worker_id, stay.started_at): stay for stay in ended})
        return list(found.values())

    cut = [
        stay._replace(started_at=max(stay.started_at, start), ended_at=min(stay.ended_at, end))
        for stay in _consistently(read)
    ]
    return [stay for stay in cut if stay.started_at < stay.ended_at]


def _events(workspace_id: uuid.UUID, ranges: Collection[Range], narrowed: Q) -> Iterator[Counted]:
    if not ranges:
        return
    within = Q(pk__in=[])
    for start, end in ranges:
        within |= Q(created_at__gte=start, created_at__lt=end)
    rows = Event.objects.filter(within, narrowed, workspace=workspace_id, type__in=list(counting.COUNTERS)).order_by()
    for row in rows.values_list(*Counted._fields):
        yield Counted(*row)


# ---- what has not been folded yet ----------------------------------------------------------------------------------


def events_of(batches: Iterable[EventBatch]) -> list[Counted]:
    """Their events in the order they happened; one that is gone is left out."""
    wanted = [event_id for batch in batches for event_id in outbox.ids(batch)]
    found: dict[uuid.UUID, Counted] = {}
    for start in range(0, len(wanted), 5_000):
        rows = Event.objects.filter(pk__in=wanted[start : start + 5_000]).order_by()
        found |= {row[0]: Counted(*row) for row in rows.values_list(*Counted._fields)}
    return [found[event_id] for event_id in wanted if event_id in found]


def unfolded() -> list[Counted]:
    """The events in the outbox."""
    return events_of(EventBatch.objects.order_by("id"))


def _rounds() -> int:
    return Folding.objects.values_list("rounds", flat=True).filter(pk=1).first() or 0


def _consistently(read: Callable[[list[Counted]], Read]) -> Read:
    """Read rows and unfolded events of one moment: again when a fold moved events from these to those meanwhile."""
    for _ in range(TRIES):
        rounds = _rounds()
        found = read(unfolded())
        if _rounds() == rounds:
            return found
    with transaction.atomic():
        list(Folding.objects.select_for_update().filter(pk=1))
        return read(unfolded())
