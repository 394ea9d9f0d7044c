"""A worker's events as the worker SDK's frames, read from the rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from contactcenter.lib.rows import by_sid
from routing.api import worker_channels
from routing.api.bridge.shapes import RELATED, TRANSFER_RELATED, Shapes, under_way
from routing.models import Event, Reservation, Task, Transfer, Worker, WorkerChannel
from routing.services.tokens import Grant

Json = dict[str, Any]

#: Events of one look; the rest waits for the next.
BATCH = 200
#: Events of a task that its workers' own streams do not have.
TASK_EVENTS = ("task.updated", "task.canceled", "task.completed", "task.wrapup")
_TASK = ("workspace", "queue", "workflow", "task_channel")


class Gone(ContactCenterError):
    """The worker was deleted."""


@dataclass
class Feed:
    """Where one SDK stands: the worker's last event it has, and that of each task it knows."""

    worker: Worker
    account_sid: str
    seq: int
    tasks: dict[uuid.UUID, int] = field(default_factory=dict)
    #: whether the last look left something for the next one
    has_more: bool = False

    def look(self) -> list[Json]:
        """The frames of what happened since the last look, in order."""
        events = list(
            Event.objects.filter(worker_id=self.worker.pk, worker_seq__gt=self.seq).order_by("worker_seq")[:BATCH]
        )
        self.has_more = len(events) == BATCH
        if not events and not self.tasks:
            return []
        if events:
            self.seq = events[-1].worker_seq or self.seq
        shapes = Shapes(self.account_sid, clock.now())
        found: list[tuple[uuid.UUID, Json]] = []
        known = set(self.tasks)
        for event in events:
            if event.task_id is not None:
                # Ids are time-ordered: a task that just came in is followed from this event on.
                self.tasks.setdefault(event.task_id, event.task_seq or 0)
        reservations = self._reservations(events, shapes)
        for event in events:
            if (payload := self._payload(event, reservations, shapes)) is not None:
                found.append((event.pk, {"event_type": event.type, "payload": payload}))
        found += self._about_tasks(known, shapes)
        found.sort(key=lambda pair: pair[0])
        self._forget()
        return [frame for _, frame in found]

    def _reservations(self, events: list[Event], shapes: Shapes) -> dict[uuid.UUID, Json]:
        wanted = {event.reservation_id for event in events if event.reservation_id is not None}
        if not wanted:
            return {}
        rows = list(Reservation.objects.filter(pk__in=wanted).select_related(*RELATED))
        moving = under_way({row.task_id for row in rows})
        return {row.pk: shapes.reservation(row, moving.get(row.task_id, ())) for row in rows}

    def _payload(self, event: Event, reservations: dict[uuid.UUID, Json], shapes: Shapes) -> Json | None:
        if event.type.startswith("reservation."):
            shown = reservations.get(event.reservation_id) if event.reservation_id else None
            # The frame says what the event said, though the row may have moved on since.
            return shown and {**shown, "reservation_status": _STATUS.get(event.type, shown["reservation_status"])}
        if event.type.startswith("task.transfer-"):
            rows = Transfer.objects.select_related(*TRANSFER_RELATED)
            transfer = by_sid(rows, event.data.get("transfer", {}).get("sid"))
            return shapes.transfer(transfer) if transfer else None
        if event.type in ("worker.capacity.update", "worker.channel.availability.update"):
            return self._channel((event.facts or {}).get("channel"), shapes)
        if event.type in ("worker.activity.update", "worker.attributes.update"):
            row_now = Worker.objects.select_related("workspace", "activity").filter(pk=self.worker.pk).first()
            return shapes.worker(row_now) if row_now else None
        if event.type == "worker.deleted":
            raise Gone("The worker was deleted.")
        return None

    def _channel(self, fact: Json | None, shapes: Shapes) -> Json | None:
        row = by_sid(WorkerChannel.objects.select_related("task_channel"), (fact or {}).get("sid"))
        return shapes.channel(row, self.worker, worker_channels.assigned(self.worker)) if row else None

    def _about_tasks(self, known: set[uuid.UUID], shapes: Shapes) -> list[tuple[uuid.UUID, Json]]:
        if not self.tasks:
            return []
        events = Event.objects.filter(task_id__in=list(self.tasks), task_seq__gt=min(self.tasks.values()))
        rows = [
            event
            for event in events.order_by("task_seq")
            if event.task_id and (event.task_seq or 0) > self.tasks[event.task_id]
        ]
        for event in rows:
            if event.task_id:
                self.tasks[event.task_id] = max(self.tasks[event.task_id], event.task_seq or 0)
        wanted = {event.task_id for event in rows if event.task_id and event.type in TASK_EVENTS}
        shown = {row.pk: shapes.task(row) for row in Task.objects.filter(pk__in=wanted).select_related(*_TASK)}
        return [
            (event.pk, {"event_type": event.type, "payload": shown[event.task_id]})
            for event in rows
            if event.type in TASK_EVENTS and event.task_id in shown
        ]

    def _forget(self) -> None:
        """Follow only the tasks the worker still has or is offered."""
        live = Reservation.objects.filter(worker_id=self.worker.pk, status__in=Reservation.LIVE)
        held = set(live.values_list("task_id", flat=True))
        self.tasks = {task_id: seq for task_id, seq in self.tasks.items() if task_id in held}


_STATUS = {f"reservation.{status}": status for status in Reservation.Status.values} | {"reservation.wrapup": "wrapping"}


def start(grant: Grant) -> Feed:
    """A feed of what happens from now on."""
    seq = Worker.objects.values_list("event_seq", flat=True).get(pk=grant.worker.pk)
    live = Reservation.objects.filter(worker=grant.worker, status__in=Reservation.LIVE)
    tasks = dict(live.values_list("task_id", "task__event_seq"))
    return Feed(grant.worker, grant.account_sid, seq, tasks)
