"""Figures as rows: added to by the fold, summed up by the readers."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Max, Min, Q, QuerySet, Sum

from routing import sql
from routing.models import Stay, Tally, WorkerTally
from routing.models.tally import HOUR, MINUTE, NOTHING
from routing.statistics import counting
from routing.statistics.counting import Counted, Figures, Key, Stayed

Range = tuple[dt.datetime, dt.datetime]

COUNTS = tuple(name for name in counting.TASK_COUNTERS if name != "reservations_completed")
WAITS = ("accepted", "canceled", "queued")
_PARTS = ("count", "total", "min", "max")
#: The columns of a row of figures, its key first.
TALLY = (
    *("workspace_id", "width", "start", "queue_id", "workflow_id", "task_channel_id"),
    *COUNTS,
    *(f"{wait}_{part}" for wait in WAITS for part in _PARTS),
    "waits",
)
WORKER_TALLY = ("workspace_id", "worker_id", "task_channel_id", "start", *counting.OFFERS)


class Slot(NamedTuple):
    """A row of figures of tasks: whose, how long, from when."""

    key: Key
    width: int
    start: dt.datetime


class WorkerSlot(NamedTuple):
    """A row of a worker's figures; always an hour."""

    workspace_id: uuid.UUID
    worker_id: uuid.UUID
    task_channel_id: uuid.UUID
    start: dt.datetime


def floor(at: dt.datetime, width: int) -> dt.datetime:
    """The beginning of the slot a moment is in."""
    return dt.datetime.fromtimestamp(int(at.timestamp()) // width * width, dt.UTC)


def ceiling(at: dt.datetime, width: int) -> dt.datetime:
    """The first slot that begins at or after a moment."""
    found = floor(at, width)
    return found if found == at else found + dt.timedelta(seconds=width)


class Sums:
    """Figures of some events, by the rows they belong into."""

    def __init__(self) -> None:
        self.tasks: dict[Slot, Figures] = {}
        self.workers: dict[WorkerSlot, Figures] = {}
        self.stays: list[tuple[uuid.UUID, Stayed]] = []

    def add(self, event: Counted) -> None:
        for key, figures in counting.of_tasks(event):
            for width in (HOUR, MINUTE):
                self.tasks.setdefault(Slot(key, width, floor(event.created_at, width)), Figures()).add(figures)
        of_worker = counting.of_worker(event)
        if of_worker is not None and event.worker_id is not None:
            channel_id = event.task_channel_id or NOTHING
            slot = WorkerSlot(event.workspace_id, event.worker_id, channel_id, floor(event.created_at, HOUR))
            self.workers.setdefault(slot, Figures()).add(of_worker)
        ended = counting.stay(event)
        if ended is not None:
            self.stays.append((event.workspace_id, ended))

    def forget_minutes(self, before: dt.datetime) -> None:
        """Leave out the minutes before this time: their rows may be gone."""
        self.tasks = {
            slot: figures for slot, figures in self.tasks.items() if slot.width == HOUR or slot.start >= before
        }

    def load(self, since: dt.datetime, minutes_since: dt.datetime) -> None:
        """Add what the rows say from these times on."""
        for row in _tasks_since(since, minutes_since).values_list(*TALLY).iterator(chunk_size=2_000):
            self.tasks.setdefault(slot_of(row), Figures()).add(figures_of(row))
        of_workers = WorkerTally.objects.filter(start__gte=since)
        for held in of_workers.values_list(*WORKER_TALLY).iterator(chunk_size=2_000):
            self.workers.setdefault(WorkerSlot(*held[:4]), Figures()).add(worker_figures_of(held))
        columns = ("id", "worker_id", "activity_id", "activity_name", "started_at", "ended_at")
        stays = Stay.objects.filter(ended_at__gte=since)
        for workspace_id, *rest in stays.values_list("workspace_id", *columns):
            self.stays.append((workspace_id, Stayed(*rest)))

    def differences(self, kept: Sums) -> list[str]:
        """Where ``kept`` does not say what these do."""
        found: list[str] = []
        pairs: list[tuple[dict[Any, Figures], dict[Any, Figures]]] = [
            (self.tasks, kept.tasks),
            (self.workers, kept.workers),
        ]
        for right, wrong in pairs:
            for slot in sorted(right.keys() | wrong.keys(), key=str):
                if right.get(slot) != wrong.get(slot):
                    found.append(f"{slot}: counted {right.get(slot)}, kept {wrong.get(slot)}")
        odd = sorted(set(self.stays) ^ set(kept.stays), key=str)
        return found + [f"{stay}: {'not kept' if stay in self.stays else 'not counted'}" for stay in odd]

    def store(self) -> None:
        """Add them to the rows: those there are are read, and written anew. The caller holds the fold and a
        transaction."""
        workspaces = {slot.key.workspace_id for slot in self.tasks}
        queues = {slot.key.queue_id for slot in self.tasks}
        known: list[int] = []
        for width in (HOUR, MINUTE):
            starts = {slot.start for slot in self.tasks if slot.width == width}
            rows = Tally.objects.filter(workspace_id__in=workspaces, width=width, start__in=starts)
            rows = rows.filter(queue_id__in=queues).order_by()
            for row_id, *row in rows.values_list("id", *TALLY) if starts else []:
                slot = slot_of(row)
                if slot in self.tasks:
                    self.tasks[slot].add(figures_of(row))
                    known.append(row_id)
        Tally.objects.filter(pk__in=known).delete()
        sql.write(Tally._meta.db_table, TALLY, [_row(*pair) for pair in self.tasks.items()])
        hours, workers = {slot.start for slot in self.workers}, {slot.worker_id for slot in self.workers}
        held = WorkerTally.objects.filter(start__in=hours, worker_id__in=workers).order_by()
        known = []
        for row_id, *row in held.values_list("id", *WORKER_TALLY) if hours else []:
            mine = WorkerSlot(*row[:4])
            if mine in self.workers:
                self.workers[mine].add(worker_figures_of(row))
                known.append(row_id)
        WorkerTally.objects.filter(pk__in=known).delete()
        of_workers = [
            (*slot, *(figures.counts.get(name, 0) for name in counting.OFFERS))
            for slot, figures in self.workers.items()
        ]
        sql.write(WorkerTally._meta.db_table, WORKER_TALLY, of_workers)
        Stay.objects.bulk_create(
            [stay_row(workspace_id, stay) for workspace_id, stay in self.stays], ignore_conflicts=True, batch_size=500
        )


def clear(since: dt.datetime, minutes_since: dt.datetime) -> None:
    """Delete the rows from these times on."""
    _tasks_since(since, minutes_since).delete()
    WorkerTally.objects.filter(start__gte=since).delete()
    Stay.objects.filter(ended_at__gte=since).delete()


def _tasks_since(since: dt.datetime, minutes_since: dt.datetime) -> QuerySet[Tally]:
    return Tally.objects.filter(Q(width=HOUR, start__gte=since) | Q(width=MINUTE, start__gte=minutes_since))


def slot_of(row: Sequence[Any]) -> Slot:
    """Of a row's ``TALLY`` columns."""
    workspace_id, width, start, *rest = row[:6]
    return Slot(Key(workspace_id, *rest), width, start)


def figures_of(row: Sequence[Any]) -> Figures:
    """Of a row's ``TALLY`` columns."""
    figures = Figures()
    for name, number in zip(COUNTS, row[6:], strict=False):
        figures.count(name, number)
    for at, wait in enumerate(WAITS):
        parts = row[6 + len(COUNTS) + 4 * at :][:4]
        if parts[0]:
            figures.wait(wait).add(*parts)
    _add_histogram(figures, row[-1])
    return figures


def worker_figures_of(row: Sequence[Any]) -> Figures:
    """Of a row's ``WORKER_TALLY`` columns."""
    figures = Figures()
    for name, number in zip(counting.OFFERS, row[4:], strict=True):
        figures.count(name, number)
    return figures


def stay_row(workspace_id: uuid.UUID, stay: Stayed) -> Stay:
    return Stay(
        id=stay.event_id,
        workspace_id=workspace_id,
        worker_id=stay.worker_id,
        activity_id=stay.activity_id,
        activity_name=stay.activity_name,
        started_at=stay.started_at,
        ended_at=stay.ended_at,
    )


def _parts() -> Iterable[tuple[str, str]]:
    return ((wait, part) for wait in WAITS for part in _PARTS)


def _row(slot: Slot, figures: Figures) -> tuple[Any, ...]:
    none = counting.Wait()
    waits = [figures.waits.get(wait, none) for wait in WAITS]
    histograms = {
        measure: {str(seconds): number for seconds, number in sorted(histogram.items())}
        for measure, histogram in sorted(figures.seconds.items())
    }
    return (
        *(slot.key.workspace_id, slot.width, slot.start, *slot.key[1:]),
        *(figures.counts.get(name, 0) for name in COUNTS),
        *(value for wait in waits for value in (wait.count, wait.total, wait.min, wait.max)),
        histograms,
    )


def _add_waits(figures: Figures, held: Mapping[str, Any]) -> None:
    for wait in WAITS:
        if held[f"{wait}_count"]:
            parts = (held[f"{wait}_{part}"] for part in ("count", "total", "min", "max"))
            figures.wait(wait).add(*parts)


def _add_histogram(figures: Figures, waits: Mapping[str, Mapping[str, int]]) -> None:
    for measure, histogram in waits.items():
        for seconds, number in histogram.items():
            figures.spread(measure, int(seconds), number)


# ---- summing up ----------------------------------------------------------------------------------------------------


def of_slots(hours: Collection[Range], minutes: Collection[Range]) -> Q:
    """The rows that begin within these times."""
    within = Q(pk__in=[])
    for width, ranges in ((HOUR, hours), (MINUTE, minutes)):
        for start, end in ranges:
            within |= Q(width=width, start__gte=start, start__lt=end)
    return within


def sum_by_queue(rows: QuerySet[Tally], *, spread: bool) -> dict[uuid.UUID, Figures]:
    """One query, and one more for the histograms (``spread``)."""
    sums: dict[str, Any] = {f"sum_{name}": Sum(name) for name in COUNTS}
    how = {"count": Sum, "total": Sum, "min": Min, "max": Max}
    sums |= {f"sum_{wait}_{part}": how[part](f"{wait}_{part}") for wait, part in _parts()}
    found: dict[uuid.UUID, Figures] = {}
    groups: Iterable[Any] = rows.order_by().values("queue_id").annotate(**sums)
    for group in groups:
        figures = found[group["queue_id"]] = Figures()
        for name in COUNTS:
            figures.count(name, group[f"sum_{name}"])
        _add_waits(figures, {f"{wait}_{part}": group[f"sum_{wait}_{part}"] for wait, part in _parts()})
    if spread:
        waited = rows.filter(Q(accepted_count__gt=0) | Q(canceled_count__gt=0)).order_by()
        for queue_id, waits in waited.values_list("queue_id", "waits"):
            _add_histogram(found[queue_id], waits)
    return found


def sum_by_worker(rows: QuerySet[WorkerTally]) -> dict[uuid.UUID, Figures]:
    """One query."""
    found: dict[uuid.UUID, Figures] = {}
    sums = {f"sum_{name}": Sum(name) for name in counting.OFFERS}
    groups: Iterable[Any] = rows.order_by().values("worker_id").annotate(**sums)
    for group in groups:
        figures = found[group["worker_id"]] = Figures()
        for name in counting.OFFERS:
            figures.count(name, group[f"sum_{name}"])
    return found
