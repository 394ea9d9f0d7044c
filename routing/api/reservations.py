"""Reservations on the wire, under their task and under their worker."""

from __future__ import annotations

import functools
from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib import clock
from routing.api import base, errors, fields, forms, paging
from routing.api.base import Json, Links, date
from routing.api.schema import operation
from routing.models import Activity, Reservation, Task, Worker
from routing.services import locks, reservations, seats, tasks

PATH = (("sid", "WR", "The reservation."),)
STATUS = tuple(Reservation.Status.values)
INSTRUCTIONS = ("accept", "reject", "dequeue", "call", "conference", "redirect", "supervise")


class ReservationOut(serializers.Serializer[Any]):
    """A task's offer to a worker."""

    sid = fields.Sid("WR", help_text="The reservation's id.")
    account_sid = fields.Sid("AC", help_text="The installation's id.")
    workspace_sid = fields.Sid("WS", help_text="Its workspace.")
    task_sid = fields.Sid("WT", help_text="Which task is offered.")
    worker_sid = fields.Sid("WK", help_text="To whom.")
    worker_name = serializers.CharField(max_length=64, help_text="That worker's name.")
    reservation_status = serializers.ChoiceField(STATUS, help_text="What became of the offer.")
    date_created = serializers.DateTimeField(help_text="When it was made.")
    date_updated = serializers.DateTimeField(help_text="When it last moved on.")
    url = serializers.CharField(help_text="This resource.")
    links = serializers.DictField(child=serializers.CharField(), help_text="Related resources.")

    class Meta:
        ref_name = "Reservation"


class ReservationUpdate(serializers.Serializer[Any]):
    reservation_status = serializers.ChoiceField(
        STATUS, required=False, help_text="accepted, rejected, wrapping or completed; others cannot be set."
    )
    worker_activity_sid = fields.Sid("WA", required=False, help_text="Where the worker goes who rejects.")
    instruction = serializers.ChoiceField(
        INSTRUCTIONS, required=False, help_text="accept or reject; those for phone calls are refused."
    )


class ReservationFilter(serializers.Serializer[Any]):
    reservation_status = serializers.ChoiceField(STATUS, required=False, help_text="Only those in this state.")


class TaskReservationFilter(ReservationFilter):
    worker_sid = fields.Sid("WK", required=False, help_text="Only the offers to this worker.")


def wire(row: Reservation, links: Links, *, below: str = "Tasks") -> Json:
    """The reservation as clients get it; ``below``: by which of its two paths."""
    workspace = links.url("Workspaces", row.worker.workspace.sid)
    task, worker = f"{workspace}/Tasks/{row.task.sid}", f"{workspace}/Workers/{row.worker.sid}"
    moved = (row.created_at, row.accepted_at, row.ended_at)
    return {
        "sid": row.sid,
        "account_sid": links.account_sid,
        "workspace_sid": row.worker.workspace.sid,
        "task_sid": row.task.sid,
        "worker_sid": row.worker.sid,
        "worker_name": row.worker.friendly_name,
        "reservation_status": row.status,
        "date_created": date(row.created_at),
        "date_updated": date(max(at for at in moved if at is not None)),
        "url": f"{task if below == 'Tasks' else worker}/Reservations/{row.sid}",
        "links": {"workspace": workspace, "task": task, "worker": worker},
    }


def change(row: Reservation, asked: Json, *, if_version: int | None, by: Worker | None = None) -> None:
    """Answer an offer, or end work. ``by``: who does it, the reservation's worker if not said.

    Raises 412 when the reservation is not in version ``if_version``.
    """
    now = clock.now()
    by = by or row.worker
    status = asked.get("reservation_status") or _of_instruction(asked.get("instruction"))
    with transaction.atomic():
        locks.task(row.task_id)
        row = Reservation.objects.select_related("task", "worker").get(pk=row.pk)
        base.check_version(if_version, row.version)
        if status is None or status == row.status:
            return
        if status == Reservation.Status.ACCEPTED:
            reservations.accept(row, by=by, now=now)
        elif status == Reservation.Status.REJECTED:
            activity = None
            if "worker_activity_sid" in asked:
                activities = Activity.objects.filter(workspace_id=row.worker.workspace_id)
                activity = base.named_row(activities, asked["worker_activity_sid"], "WorkerActivitySid")
            reservations.reject(row, by=by, activity=activity, now=now)
        elif status == Reservation.Status.WRAPPING and row.status == Reservation.Status.ACCEPTED:
            tasks.wrap_up(row.task, by=by, now=now)
        elif status == Reservation.Status.COMPLETED and row.status in ("accepted", "wrapping"):
            if not seats.leave_to_other(row.task, by=by, now=now):
                tasks.complete(row.task, by=by, reason=asked.get("reason") or "", now=now)
        else:
            raise errors.invalid("ReservationStatus", f"A reservation that is {row.status} cannot be made {status}.")


def _of_instruction(instruction: str | None) -> str | None:
    if instruction is None:
        return None
    answers = {"accept": "accepted", "reject": "rejected"}
    if instruction not in answers:
        raise errors.ApiError(
            400, errors.NO_CALL, f"Instruction: {instruction} needs a phone call, and the task has none."
        )
    return answers[instruction]


RELATED = ("task", "worker__workspace")


class _Reservations(base.WireView):
    below = "Tasks"

    def _rows(self, workspace_sid: str, owner_sid: str) -> Any:
        owners: Any = Task if self.below == "Tasks" else Worker
        owner = base.find(owners.objects.filter(workspace=self.workspace(workspace_sid)), owner_sid)
        return owner.reservations.select_related(*RELATED)

    def _list(self, request: Request, rows: Any, asked: Json) -> Response:
        if "reservation_status" in asked:
            rows = rows.filter(status=asked["reservation_status"])
        if "worker_sid" in asked:
            rows = rows.filter(worker=Worker.id_from_sid(asked["worker_sid"]))
        page = paging.page(request, rows, key="reservations")
        return self.page(page, functools.partial(wire, below=self.below))

    def _answer(self, row: Reservation) -> Response:
        return self.versioned(row, functools.partial(wire, below=self.below))

    def _update(self, request: Request, rows: Any, sid: str) -> Response:
        row = base.find(rows, sid)
        change(row, forms.body(request, ReservationUpdate), if_version=base.expected_version(request))
        return self._answer(base.find(rows, sid))


class TaskReservations(_Reservations):
    @operation(
        "ListTaskReservation",
        "List a task's reservations.",
        answer=ReservationOut,
        listed="reservations",
        query=TaskReservationFilter,
    )
    def get(self, request: Request, workspace_sid: str, task_sid: str) -> Response:
        asked = forms.query(request, TaskReservationFilter)
        return self._list(request, self._rows(workspace_sid, task_sid), asked)


class OneTaskReservation(_Reservations):
    @operation("FetchTaskReservation", "Fetch a task's reservation.", answer=ReservationOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, task_sid: str, sid: str) -> Response:
        return self._answer(base.find(self._rows(workspace_sid, task_sid), sid))

    @operation(
        "UpdateTaskReservation",
        "Answer an offer, or end work.",
        answer=ReservationOut,
        body=ReservationUpdate,
        path=PATH,
        if_match=True,
    )
    def post(self, request: Request, workspace_sid: str, task_sid: str, sid: str) -> Response:
        return self._update(request, self._rows(workspace_sid, task_sid), sid)


class WorkerReservations(_Reservations):
    below = "Workers"

    @operation(
        "ListWorkerReservation",
        "List a worker's reservations.",
        answer=ReservationOut,
        listed="reservations",
        query=ReservationFilter,
    )
    def get(self, request: Request, workspace_sid: str, worker_sid: str) -> Response:
        asked = forms.query(request, ReservationFilter)
        return self._list(request, self._rows(workspace_sid, worker_sid), asked)


class OneWorkerReservation(_Reservations):
    below = "Workers"

    @operation("FetchWorkerReservation", "Fetch a worker's reservation.", answer=ReservationOut, path=PATH)
    def get(self, request: Request, workspace_sid: str, worker_sid: str, sid: str) -> Response:
        return self._answer(base.find(self._rows(workspace_sid, worker_sid), sid))

    @operation(
        "UpdateWorkerReservation",
        "Answer an offer, or end work.",
        answer=ReservationOut,
        body=ReservationUpdate,
        path=PATH,
        if_match=True,
    )
    def post(self, request: Request, workspace_sid: str, worker_sid: str, sid: str) -> Response:
        return self._update(request, self._rows(workspace_sid, worker_sid), sid)
