"""What routing looks like from outside: the JSON of worker streams, places in a queue, the supervisor's overview."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import FilteredRelation, Q

from contactcenter.lib import ids
from routing import sql
from routing.models import Activity, Reservation, Task, Transfer, Worker

Json = dict[str, Any]

_RESERVATION = (
    *("id", "status", "role", "created_at", "due_at", "accepted_at", "moving__id"),
    *("task__id", "task__status", "task__priority", "task__attributes", "task__created_at", "task__wrapping_at"),
    *("task__queue__id", "task__queue__friendly_name", "task__task_channel__unique_name"),
    *("task__conversation__id", "task__conversation__last_message_text", "task__conversation__last_message_at"),
    *("task__conversation__channel__id", "task__conversation__channel__type", "task__conversation__channel__name"),
    *("task__conversation__identity__contact__id", "task__conversation__identity__contact__name"),
    *("task__conversation__identity__contact__is_vip", "task__conversation__identity__contact__language"),
)
_WORKER = (
    *("id", "friendly_name", "user_id", "activity__id", "activity__friendly_name", "activity__available"),
    *("activity_since", "attributes", "load", "capacity", "channels__task_channel__unique_name"),
    *("channels__capacity", "channels__load", "channels__is_available"),
)
_MOVING = FilteredRelation("task__transfers", condition=Q(task__transfers__status=Transfer.Status.INITIATED))
_RESERVATIONS = sql.Prepared(
    lambda ids: (
        Reservation.objects.annotate(moving=_MOVING).filter(pk__in=ids).order_by("id").values_list(*_RESERVATION)
    )
)
_TRANSFERS = sql.Prepared(lambda ids: Transfer.objects.filter(pk__in=ids).order_by())
_LIVE_TASKS = sql.Prepared(lambda ids: Task.objects.filter(conversation__in=ids, status__in=Task.LIVE).order_by("id"))
_WORKERS = sql.Prepared(
    lambda ids: (
        Worker.objects.filter(pk__in=ids).order_by("id", "channels__task_channel__unique_name").values_list(*_WORKER)
    )
)


def iso(at: dt.datetime | None) -> str | None:
    """A moment as JSON shows it: ISO 8601, UTC."""
    if at is None:
        return None
    return at.isoformat() if at.tzinfo is dt.UTC else at.astimezone(dt.UTC).isoformat()


def reservations_json(reservation_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Json]:
    """Reservations in the worker stream's shape, by id. One query, and a few for each transfer under way."""
    rows = _RESERVATIONS.rows(reservation_ids)
    moving = {row.pk: row for row in _TRANSFERS.objects({row[6] for row in rows if row[6] is not None})}
    return {row[0]: reservation_shape(row, moving.get(row[6])) for row in rows}


def transfer_json(transfer: Transfer) -> Json:
    """A transfer as the giver's and the taker's streams show it."""
    giver = Worker.objects.get(reservations=transfer.initiating_reservation_id)
    to = transfer.to_worker or transfer.to_queue
    return {
        "sid": transfer.sid,
        "mode": transfer.mode,
        "status": transfer.status,
        "reason": transfer.reason,
        "note": transfer.note,
        "from": {"sid": giver.sid, "name": giver.friendly_name},
        "to": None
        if to is None
        else {"kind": "worker" if transfer.to_worker_id else "queue", "sid": to.sid, "name": to.friendly_name},
        "created_at": iso(transfer.created_at),
    }


def reservation_json(reservation: Reservation) -> Json:
    return reservations_json([reservation.pk])[reservation.pk]


def reservation_shape(row: tuple[Any, ...], transfer: Transfer | None = None) -> Json:
    """The columns of ``_RESERVATION`` in the worker stream's shape."""
    (row_id, status, role, created_at, due_at, accepted_at, _, *rest) = row
    (task_id, task_status, priority, attributes, task_created_at, wrapping_at, *rest) = rest
    (queue_id, queue_name, task_channel, conversation_id, last_text, last_at, *rest) = rest
    (channel_id, channel_type, channel_name, contact_id, contact_name, is_vip, language) = rest
    conversation_sid = ids.to_sid("CH", conversation_id) if conversation_id else None
    queue = queue_shape(queue_id, queue_name) if queue_id else None
    task = _task(
        *(ids.to_sid("WT", task_id), task_status, priority, attributes, queue, task_channel),
        *(iso(task_created_at), conversation_sid),
    )
    expires_at = iso(due_at) if status == Reservation.Status.PENDING else None
    shape = _reservation(ids.to_sid("WR", row_id), status, role, iso(created_at), expires_at, task)
    shape["accepted_at"] = iso(accepted_at)
    shape["wrapping_at"] = iso(wrapping_at) if status == Reservation.Status.WRAPPING else None
    if transfer is not None:
        direction = "outgoing" if transfer.initiating_reservation_id == row_id else "incoming"
        shape["transfer"] = {"direction": direction, **transfer_json(transfer)}
    if conversation_sid is not None:
        shape["conversation"] = {
            "sid": conversation_sid,
            "channel": {"sid": ids.to_sid("CL", channel_id), "type": channel_type, "name": channel_name},
            "contact": {
                "sid": ids.to_sid("CO", contact_id),
                "name": contact_name,
                "is_vip": is_vip,
                "language": language,
            },
            "last_message_text": last_text,
            "last_message_at": iso(last_at),
        }
    return shape


def offer_shape(
    sid: str,
    created_at: str | None,
    expires_at: str | None,
    task_sid: str,
    priority: int,
    attributes: Any,
    queue: Json,
    task_channel: str,
    task_created_at: str | None,
) -> Json:
    """A reservation that was just made, of a task without a conversation; moments as ``iso`` shows them."""
    task = _task(task_sid, "reserved", priority, attributes, queue, task_channel, task_created_at, None)
    return _reservation(sid, "pending", "owner", created_at, expires_at, task)


def queue_shape(row_id: uuid.UUID, name: str) -> Json:
    """A queue as a reservation's task shows it."""
    return {"sid": ids.to_sid("WQ", row_id), "name": name}


def _reservation(sid: str, status: str, role: str, created_at: str | None, expires_at: str | None, task: Json) -> Json:
    return {
        "sid": sid,
        "status": status,
        "role": role,
        #: under way: given by this reservation's worker, or what brings them the task
        "transfer": None,
        "created_at": created_at,
        "expires_at": expires_at,
        "accepted_at": None,
        "wrapping_at": None,
        "task": task,
        "conversation": None,
    }


def _task(
    sid: str,
    status: str,
    priority: int,
    attributes: Any,
    queue: Json | None,
    task_channel: str,
    created_at: str | None,
    conversation_sid: str | None,
) -> Json:
    return {
        "sid": sid,
        "status": status,
        "priority": priority,
        "attributes": attributes,
        "queue": queue,
        "task_channel": task_channel,
        "created_at": created_at,
        "conversation_sid": conversation_sid,
    }


def workers_json(worker_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Json]:
    """Workers in the worker stream's shape, by id. One query."""
    found: dict[uuid.UUID, Json] = {}
    for row in _WORKERS.rows(worker_ids):
        worker = found.get(row[0])
        if worker is None:
            worker = found[row[0]] = worker_shape(*row[:10])
        if row[10] is not None:
            worker["channels"].append(channel_shape(*row[10:]))
    return found


def worker_shape(
    row_id: uuid.UUID,
    name: str,
    user_id: uuid.UUID | None,
    activity_id: uuid.UUID,
    activity_name: str,
    available: bool,
    since: dt.datetime,
    attributes: Any,
    load: int,
    capacity: int,
) -> Json:
    """A worker's columns in the worker stream's shape, without channels."""
    return {
        "sid": ids.to_sid("WK", row_id),
        "name": name,
        "user_sid": ids.to_sid("US", user_id) if user_id else None,
        "activity": {"sid": ids.to_sid("WA", activity_id), "name": activity_name, "available": available},
        "activity_since": iso(since),
        "attributes": attributes,
        "channels": [],
        "load": load,
        "capacity": capacity,
    }


def channel_shape(name: str, capacity: int, load: int, is_open: bool) -> Json:
    """A worker channel's columns in the worker stream's shape."""
    return {"task_channel": name, "capacity": capacity, "load": load, "available": is_open}


def worker_json(worker: Worker) -> Json:
    return workers_json([worker.pk])[worker.pk]


def activities_json(workspace_id: uuid.UUID) -> list[Json]:
    """The activities an agent can choose from, in the menu's order."""
    rows = Activity.objects.filter(workspace_id=workspace_id).order_by("position", "friendly_name")
    return [{"sid": row.sid, "name": row.friendly_name, "available": row.available} for row in rows]


def worker_snapshot(worker: Worker) -> Json:
    """A worker's stream as of now: ``{seq, worker, reservations, activities}``.

    The number is read first: an event that commits meanwhile is then replayed onto a state that already has it, which
    changes nothing, instead of being missed.
    """
    seq = Worker.objects.values_list("event_seq", flat=True).get(pk=worker.pk)
    live = Reservation.objects.filter(worker=worker, status__in=Reservation.LIVE).order_by("id")
    return {
        "seq": seq,
        "worker": worker_json(worker),
        "reservations": list(reservations_json(list(live.values_list("pk", flat=True))).values()),
        "activities": activities_json(worker.workspace_id),
    }


_AHEAD = """
    SELECT count(*) FROM routing_task AS t JOIN routing_taskqueue AS q ON q.id = t.queue_id
    WHERE t.queue_id = %s AND t.status IN ('pending', 'reserved') AND t.ended_at IS NULL AND CASE q.task_order
        WHEN 'LIFO' THEN (t.virtual_start_time, t.id) > (%s, %s)
        ELSE t.priority > %s OR (t.priority = %s AND (t.virtual_start_time, t.id) < (%s, %s)) END
"""


def waiting_ahead(task: Task) -> int:
    """How many tasks of the same queue are served before this one; 0 when it is next or no longer waits."""
    if task.queue_id is None or task.status not in Task.WAITING:
        return 0
    place = [sql.time(task.virtual_start_time), sql.id(task.pk)]
    [[ahead]] = sql.execute(_AHEAD, [sql.id(task.queue_id), *place, task.priority, task.priority, *place])
    return int(ahead)


def live_task(conversation_id: uuid.UUID) -> Task | None:
    """The conversation's live task; there is at most one."""
    found = _LIVE_TASKS.objects([conversation_id])
    return found[0] if found else None
