"""Rows -> what the engine is told. Plain tuples in few queries: this is read at every tick and for every restart."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Container, Iterable, Iterator
from typing import Any, NamedTuple

from routing import members, queries, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Held, TaskSpec, WorkerSpec
from routing.engine.workflow import Position
from routing.models import (
    Reservation,
    Task,
    TaskChannel,
    TaskQueue,
    Transfer,
    Worker,
    WorkerChannel,
    Workflow,
    Workspace,
)
from routing.services import entry, idleness

#: Rows read at a time.
BATCH = 5_000
STATE = {
    Task.Status.PENDING.value: "waiting",
    Task.Status.RESERVED.value: "offered",
    Task.Status.ASSIGNED.value: "held",
    Task.Status.WRAPPING.value: "held",
}
_TASK = (
    *(
        "id",
        "workspace_id",
        "version",
        "workflow_id",
        "queue_id",
        "task_channel_id",
        "status",
        "attributes",
        "priority",
    ),
    *("virtual_start_time", "filter_index", "target_index", "workflow_entered_at", "due_at", "expires_at", "declined"),
    *("assignment_count", "ignore_capacity", "routing_target", "created_at", "conversation_id"),
)
_WORKER = (
    *("id", "workspace_id", "friendly_name", "attributes", "activity_id", "activity__friendly_name"),
    *("activity__available", "capacity", "idle_since", "version", "load", "user_id", "activity_since", "idle_on"),
)
_CHANNEL = (
    *("worker_id", "task_channel_id", "task_channel__channel_optimized_routing"),
    *("task_channel__unique_name", "capacity", "load", "is_available"),
)


_TASKS = sql.Prepared(
    lambda ids: (
        Task.objects.filter(pk__in=ids, status__in=Task.LIVE).order_by("virtual_start_time", "id").values_list(*_TASK)
    )
)
_HELD = ("task_id", "id", "worker_id", "status", "due_at", "units", "weight", "role")
_RESERVATIONS = sql.Prepared(
    lambda ids: Reservation.objects.filter(task__in=ids, status__in=Reservation.LIVE).order_by("id").values_list(*_HELD)
)
_TRANSFER = ("task_id", "to_worker_id", "to_queue_id", "priority", "declined", "expires_at")
_TRANSFERS = sql.Prepared(
    lambda ids: (
        Transfer.objects.filter(task__in=ids, status=Transfer.Status.INITIATED)
        .order_by()
        .values_list(*_TRANSFER, "initiating_reservation__worker_id")
    )
)
_WORKERS = sql.Prepared(lambda ids: Worker.objects.filter(pk__in=ids).order_by("id").values_list(*_WORKER))
_CHANNELS = sql.Prepared(
    lambda ids: (
        WorkerChannel.objects.filter(worker__in=ids).order_by("task_channel__unique_name").values_list(*_CHANNEL)
    )
)


class Card:
    """A worker's row as of a version: what an event says about them, without asking the database."""

    __slots__ = ("capacity", "channels", "load", "row", "version")

    def __init__(self, row: tuple[Any, ...], capacity: int, load: int) -> None:
        #: the columns of ``queries.worker_shape`` up to the attributes
        self.row = row
        self.capacity = capacity
        self.load = load
        self.version = 0
        #: task channel id -> unique name, capacity, load, is it open; by name
        self.channels: dict[uuid.UUID, list[Any]] = {}

    def to_json(self) -> dict[str, Any]:
        (row_id, name, user_id, activity_id, activity, available, since, attributes) = self.row
        known = (row_id, name, user_id, activity_id, activity, available, since, attributes, self.load, self.capacity)
        shape = queries.worker_shape(*known)
        shape["channels"] = [queries.channel_shape(*channel) for channel in self.channels.values()]
        return shape


class Seat(NamedTuple):
    """To the engine, a held task that is being transferred is a second task: somebody is looked for beside (or in the
    place of) whoever has it. This is that second task's id."""

    task: uuid.UUID


def moment(at: float | None) -> dt.datetime | None:
    """The engine's time as a moment, exact to the microsecond both ways."""
    return None if at is None else dt.datetime.fromtimestamp(at, dt.UTC)


def configure(matcher: Matcher, workspace: Workspace) -> None:
    """Tell the engine the workspace's task channels, queues and workflows."""
    for channel in TaskChannel.objects.filter(workspace=workspace).order_by("id"):
        matcher.put_channel(
            channel.pk,
            channel.unique_name,
            channel.weight,
            interruptible=channel.is_interruptible,
            optimized=channel.channel_optimized_routing,
        )
    for queue in TaskQueue.objects.filter(workspace=workspace).order_by("id"):
        matcher.put_queue(
            queue.pk,
            members.target(queue.target_workers).node,
            max_reserved=min(max(queue.max_reserved_workers, 1), 50),
            newest_first=queue.task_order == "LIFO",
            about=queue.friendly_name,
        )
    for workflow in Workflow.objects.filter(workspace=workspace).order_by("id"):
        matcher.put_workflow(workflow.pk, entry.compiled(workflow), float(workflow.task_reservation_timeout))


def workers(worker_ids: Collection[uuid.UUID] | None = None) -> Iterator[tuple[uuid.UUID, WorkerSpec]]:
    """(workspace id, spec) of these workers, or of all of them, by age."""
    if worker_ids is None:
        rows: Any = Worker.objects.order_by("id").values_list(*_WORKER).iterator(chunk_size=BATCH)
        channel_rows: Any = WorkerChannel.objects.order_by("task_channel__unique_name").values_list(*_CHANNEL)
    else:
        rows = _WORKERS.rows(worker_ids)
        channel_rows = _CHANNELS.rows(worker_ids)
    channels: dict[uuid.UUID, dict[uuid.UUID, list[Any]]] = {}
    optimized: dict[uuid.UUID, list[uuid.UUID]] = {}
    for worker_id, channel_id, is_optimized, *channel in channel_rows:
        channels.setdefault(worker_id, {})[channel_id] = channel
        if is_optimized:
            optimized.setdefault(worker_id, []).append(channel_id)
    for row in rows:
        (row_id, workspace_id, name, attributes, activity_id, activity, available, capacity, idle, *rest) = row
        (version, load, user_id, since, idle_on) = rest
        mine = channels.get(row_id, {})
        card = Card((row_id, name, user_id, activity_id, activity, available, since, attributes), capacity, load)
        card.version, card.channels = version, mine
        yield (
            workspace_id,
            WorkerSpec(
                id=row_id,
                sid=f"WK{row_id.hex}",
                name=name,
                attributes=attributes if isinstance(attributes, dict) else {},
                activity_sid=f"WA{activity_id.hex}",
                activity_name=activity,
                available=available,
                capacity=capacity,
                idle_since=idle.timestamp(),
                channels={key: (channel[1], channel[3]) for key, channel in mine.items()},
                idle_on={
                    key: idle_on.get(key.hex, idle_on[idleness.OTHERS])
                    for key in (optimized.get(row_id, ()) if idle_on else ())
                },
                about=card,
            ),
        )


def waiting() -> list[uuid.UUID]:
    """All tasks that wait, in the order in which most queues serve them."""
    rows = Task.objects.filter(ended_at__isnull=True, status=Task.Status.PENDING)
    return list(rows.order_by("-priority", "virtual_start_time", "id").values_list("id", flat=True))


def taken() -> Iterator[tuple[uuid.UUID, TaskSpec]]:
    """(workspace id, spec) of every task somebody is offered or has, oldest first."""
    live = Task.objects.filter(ended_at__isnull=True).exclude(status=Task.Status.PENDING)
    rows = live.order_by("virtual_start_time", "id").values_list(*_TASK).iterator(chunk_size=BATCH)
    held = Reservation.objects.filter(status__in=Reservation.LIVE).order_by("id").values_list(*_HELD)
    return _specs(rows, _live_transfers(), held)


def tasks(task_ids: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, TaskSpec]]:
    """(workspace id, spec) of those of these tasks that are live, oldest first."""
    rows = _TASKS.rows(task_ids)
    moving = _TRANSFERS.rows([row[0] for row in rows if row[6] == Task.Status.ASSIGNED])
    held = _RESERVATIONS.rows([row[0] for row in rows if row[6] != Task.Status.PENDING])
    return _specs(rows, moving, held)


def _specs(
    rows: Iterable[tuple[Any, ...]], transfers: Iterable[tuple[Any, ...]], rows_held: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[uuid.UUID, TaskSpec]]:
    moving = {row[0]: row for row in transfers}
    held, seats = _held(rows_held, moving)
    for row in rows:
        if row[0] in moving and row[6] == Task.Status.ASSIGNED:
            yield row[1], _seat(row, moving[row[0]], seats.get(row[0], ()))
        yield row[1], _task(row, held.get(row[0], ()))


def _live_transfers() -> Any:
    live = Transfer.objects.filter(status=Transfer.Status.INITIATED, task__status=Task.Status.ASSIGNED).order_by()
    return live.values_list(*_TRANSFER, "initiating_reservation__worker_id")


_Held = dict[uuid.UUID, tuple[Held, ...]]


def _held(rows: Iterable[tuple[Any, ...]], moving: Container[uuid.UUID]) -> tuple[_Held, _Held]:
    """The live reservations of tasks, and the offers of second seats, by task."""
    held: _Held = {}
    seats: _Held = {}
    for task_id, row_id, worker_id, status, due_at, units, weight, role in rows:
        is_offer = status == Reservation.Status.PENDING
        due = due_at.timestamp() if due_at is not None and is_offer else None
        kind = seats if is_offer and role == Reservation.Role.JOINING and task_id in moving else held
        kind[task_id] = (*kind.get(task_id, ()), Held(row_id, worker_id, not is_offer, due, units, weight))
    return held, seats


def _seat(row: tuple[Any, ...], transfer: tuple[Any, ...], offers: tuple[Held, ...]) -> TaskSpec:
    (task_id, to_worker, to_queue, priority, declined, expires_at, giver) = transfer
    spec = _task(row, offers)
    spec.id = Seat(task_id)
    spec.state, spec.wrap_due = "offered" if offers else "waiting", None
    spec.queue = to_queue or spec.queue
    spec.priority = spec.priority if priority is None else priority
    spec.direct, spec.only_worker = True, f"WK{to_worker.hex}" if to_worker else ""
    spec.not_worker = f"WK{giver.hex}"
    spec.expires = expires_at.timestamp() if expires_at is not None and not offers else None
    spec.declined, spec.assignments, spec.ignore_capacity = _declined(declined), 0, False
    return spec


def _task(row: tuple[Any, ...], held: tuple[Held, ...]) -> TaskSpec:
    (row_id, _, version, workflow_id, queue_id, channel_id, status, attributes, priority, *rest) = row
    (start, filter_index, target_index, entered, due_at, expires_at, declined, count, ignores, *rest) = rest
    (target, created_at, conversation_id) = rest
    return TaskSpec(
        id=row_id,
        queue=queue_id,
        channel=channel_id,
        workflow=workflow_id,
        state=STATE[status],
        attributes=attributes if isinstance(attributes, dict) else {},
        priority=priority,
        start=start.timestamp(),
        position=Position(filter_index, target_index),
        entered=entered.timestamp(),
        expires=expires_at.timestamp() if expires_at is not None else None,
        wrap_due=due_at.timestamp() if due_at is not None and status == Task.Status.WRAPPING else None,
        declined=_declined(declined) if declined else {},
        assignments=count,
        ignore_capacity=ignores,
        only_worker=target if target.startswith("WK") else "",
        direct=target[:2] in ("WK", "WQ"),
        reservations=held,
        version=version,
        about=(queries.iso(created_at), conversation_id),
    )


def _declined(declined: dict[str, str]) -> dict[uuid.UUID, float]:
    return {uuid.UUID(hex=worker): dt.datetime.fromisoformat(at).timestamp() for worker, at in declined.items()}
