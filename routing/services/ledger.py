"""What one transaction of a door writes down: changed rows, numbered events, news for the router, signals afterwards.

A door changes locked rows in memory and tells the ledger (``keep``); ``write`` then saves each row once. Numbers come
from the rows' own counters, so the task or worker must be locked. Every event carries whole sub-objects as they are
when the transaction ends, in the snapshot's shape: whoever applies it to an old snapshot has a fresh one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import transaction
from django.dispatch import Signal

from conversations.services import plain
from routing import actor, doorbell, events, queries, sql
from routing.models import Change, Event, Reservation, Task, TaskQueue, Transfer, Worker, Workflow, Workspace
from routing.services import outbox

log = structlog.get_logger(__name__)

Kept = Task | Reservation | Worker | Transfer


@dataclass(slots=True)
class _Entry:
    type: str
    task: Task | None
    worker: Worker | None
    reservation: Reservation | None
    queue_id: uuid.UUID | None
    workflow_id: uuid.UUID | None
    data: dict[str, Any]
    facts: dict[str, Any]
    workspace_id: uuid.UUID | None = None


@dataclass(slots=True)
class Ledger:
    """One per transaction: ``keep`` and ``about_*`` as things happen, ``write`` last, inside the transaction."""

    now: dt.datetime
    _entries: list[_Entry] = field(default_factory=list)
    _changed: dict[tuple[str, uuid.UUID], None] = field(default_factory=dict)
    _queues: set[uuid.UUID] = field(default_factory=set)
    _kept: dict[Kept, set[str]] = field(default_factory=dict)

    def keep(self, row: Kept, *names: str) -> None:
        """These fields of a locked row changed (or the row is new)."""
        self._kept.setdefault(row, set()).update(names)

    def about_task(self, type: str, task: Task, data: dict[str, Any] | None = None, **facts: Any) -> None:
        """An event of the task's stream. It also is news for the router. ``facts``: see ``event_wire``."""
        self._entries.append(_Entry(type, task, None, None, task.queue_id, task.workflow_id, data or {}, facts))
        self.changed("task", task.pk)
        self.changed_queue(task.queue_id)

    def about_reservation(
        self,
        type: str,
        reservation: Reservation,
        task: Task,
        worker: Worker,
        data: dict[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        """An event of the worker's stream and of the task's."""
        about = (reservation, task.queue_id, task.workflow_id)
        self._entries.append(_Entry(type, task, worker, *about, data or {}, facts))
        self.changed("task", task.pk)
        self.changed("worker", worker.pk)

    def about_worker(self, type: str, worker: Worker, **facts: Any) -> None:
        """An event of the worker's stream; news for the router."""
        if type == "worker.deleted":
            facts |= self.stay_of(worker)
        self._entries.append(_Entry(type, None, worker, None, None, None, {}, facts))
        self.changed("worker", worker.pk)

    @staticmethod
    def stay_of(worker: Worker) -> dict[str, str]:
        """The activity the worker is about to leave, as facts of the event that says so."""
        return {
            "activity_before": worker.activity_id.hex,
            "name_before": worker.activity.friendly_name,
            "since": worker.activity_since.isoformat(),
        }

    def about_configuration(self, type: str, row: Any, data: dict[str, Any], **facts: Any) -> None:
        """An event about a queue, workflow, activity, task channel or the workspace itself. It is no news."""
        workspace_id = row.pk if isinstance(row, Workspace) else row.workspace_id
        queue_id = row.pk if isinstance(row, TaskQueue) else None
        workflow_id = row.pk if isinstance(row, Workflow) else None
        self._entries.append(_Entry(type, None, None, None, queue_id, workflow_id, data, facts, workspace_id))

    def changed(self, kind: str, subject: uuid.UUID) -> None:
        """News for the router's memory."""
        self._changed[kind, subject] = None

    def changed_queue(self, queue_id: uuid.UUID | None) -> None:
        """Who waits in that queue is different now."""
        if queue_id:
            self._queues.add(queue_id)

    def write(self) -> None:
        """Save what was kept, number and insert the events, leave the news; ring and tell on commit."""
        tasks = {entry.task.pk: entry.task for entry in self._entries if entry.task}
        workers = {entry.worker.pk: entry.worker for entry in self._entries if entry.worker}
        first_of_task = {task.pk: task.event_seq for task in tasks.values()}
        first_of_worker = {worker.pk: worker.event_seq for worker in workers.values()}
        for entry in self._entries:
            if entry.task:
                entry.task.event_seq += 1
                self.keep(entry.task, "event_seq")
            if entry.worker:
                entry.worker.event_seq += 1
                self.keep(entry.worker, "event_seq")
        self._save()
        rows = self._rows(first_of_task, first_of_worker)
        plain.insert_all(rows)
        outbox.put([row.pk.hex for row in rows], self.now)
        sql.insert([Change(kind=kind, subject=subject) for kind, subject in self._changed])
        changed = [(task.pk, task.status, task.conversation_id) for task in tasks.values()]
        if self._changed:  # the router first: somebody waits for what it does
            doorbell.ring_on_commit()
        at = queries.iso(self.now)
        frames = [
            (row.worker_id, frame(row.worker_seq, row.type, row.data, at)) for row in rows if row.worker_id is not None
        ]
        transaction.on_commit(lambda: announce(frames, changed, self._queues))

    def _save(self) -> None:
        for row, names in self._kept.items():
            if row._state.adding:
                plain.insert(row)
                continue
            row.version += 1
            plain.update(row, *names, "version")

    def _rows(self, task_seq: dict[uuid.UUID, int], worker_seq: dict[uuid.UUID, int]) -> list[Event]:
        """The events, numbered on from the last number given out to each task and worker."""
        reserved = [entry.reservation.pk for entry in self._entries if entry.reservation]
        reservation_json = queries.reservations_json(reserved)
        worker_json = queries.workers_json(list(worker_seq))
        by = actor.current()
        rows: list[Event] = []
        for entry in self._entries:
            facts = {**entry.facts, **_waits(entry, self.now), **({"actor": by} if by else {})}
            row = Event(
                created_at=self.now,
                type=entry.type,
                data=dict(entry.data),
                facts=facts or None,
                reservation=entry.reservation,
                queue_id=entry.queue_id,
                workflow_id=entry.workflow_id,
            )
            if entry.workspace_id:
                row.workspace_id = entry.workspace_id
            if entry.reservation:
                row.data["reservation"] = reservation_json[entry.reservation.pk]
            if entry.worker and not entry.task:
                row.facts = {**facts, "version": entry.worker.version}
            if entry.worker:
                row.data["worker"] = worker_json[entry.worker.pk]
                row.workspace_id = entry.worker.workspace_id
                row.worker_id, row.worker_seq = entry.worker.pk, worker_seq[entry.worker.pk] + 1
                worker_seq[entry.worker.pk] += 1
            if entry.task:
                row.workspace_id = entry.task.workspace_id
                row.task_channel_id = entry.task.task_channel_id
                row.task_id, row.task_seq = entry.task.pk, task_seq[entry.task.pk] + 1
                task_seq[entry.task.pk] += 1
            rows.append(row)
        return rows


def _waits(entry: _Entry, now: dt.datetime) -> dict[str, int]:
    """How long the task had waited, in all and in its queue, when somebody took it or it ended without."""
    task = entry.task
    if task is None:
        return {}
    # Who takes over from a colleague, or joins one, ends nobody's waiting: the task was assigned before.
    is_taken = entry.type == "reservation.accepted" and task.assigned_at == now
    if not (is_taken or entry.type == "task.canceled"):
        return {}
    return {
        "waited": _milliseconds(task.created_at, now),
        "queued": _milliseconds(task.queue_entered_at or task.created_at, now),
    }


def _milliseconds(since: dt.datetime, now: dt.datetime) -> int:
    return max(0, round((now - since).total_seconds() * 1000))


#: A worker's id, and an event of their stream as consoles get it (without the stream's name).
Framed = tuple[uuid.UUID, dict[str, Any]]


def frame(seq: int | None, event: str, data: Any, at: str | None) -> dict[str, Any]:
    """An event of a worker's stream as consoles get it; the data may be ``fast_json.Written``, the moment is as
    ``queries.iso`` shows it."""
    return {"seq": seq, "event": event, "data": data, "at": at}


def announce(
    frames: Sequence[Framed],
    tasks: list[tuple[uuid.UUID, str, uuid.UUID | None]],
    queues: Collection[uuid.UUID],
) -> None:
    """Send the signals of a committed batch. ``tasks``: (task id, status, conversation id).

    A receiver that fails is logged; the change itself stands.
    """
    if frames:
        _send(events.worker_events_recorded, frames=frames)
    for task_id, status, conversation_id in tasks:
        _send(events.task_changed, task_id=task_id, status=status, conversation_id=conversation_id)
    for queue_id in queues:
        _send(events.queue_changed, queue_id=queue_id)


def _send(signal: Signal, **facts: Any) -> None:
    for receiver, outcome in signal.send_robust(None, **facts):
        if isinstance(outcome, Exception):
            log.error("routing.receiver_failed", receiver=repr(receiver), exc_info=outcome)
