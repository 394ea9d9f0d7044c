"""The worker SDK's commands: ``{method, url, params}`` as a worker, answered with what it asked for.

Each is a small copy of the REST resource of that path, limited to what is the worker's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rest_framework import exceptions, serializers

from contactcenter.lib import clock
from routing import actor
from routing.api import auth, base, errors, fields, forms, reservations, tasks, worker_channels, workers
from routing.api.bridge.shapes import RELATED, TRANSFER_RELATED, Shapes, under_way
from routing.models import Activity, Reservation, Task, TaskQueue, Transfer, Worker, WorkerChannel
from routing.services import tokens, transfers

Json = dict[str, Any]
MAX_PAGE = 1000
DEFAULT_PAGE = 100
#: Of one worker, all their tabs together.
COMMANDS_PER_TEN_SECONDS = 200


class PageParams(serializers.Serializer[Any]):
    page_size = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, required=False)
    after_sid = serializers.CharField(max_length=34, required=False)
    active = serializers.BooleanField(required=False)
    friendly_name = serializers.CharField(max_length=64, required=False)


class TransferParams(serializers.Serializer[Any]):
    reservation_sid = fields.Sid("WR")
    task_sid = fields.Sid("WT", required=False)
    to = fields.Sid("WK", "WQ")
    attributes = fields.JsonObject(required=False)
    mode = serializers.ChoiceField(("WARM", "COLD"), required=False)
    priority = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class TransferChange(serializers.Serializer[Any]):
    task_sid = fields.Sid("WT", required=False)
    transfer_status = serializers.ChoiceField(("canceled", "CANCELED"))


class Commands:
    """One request of one worker."""

    def __init__(self, grant: tokens.Grant, params: Json, if_version: int | None) -> None:
        self.grant = grant
        self.worker = grant.worker
        self.workspace = grant.worker.workspace
        self.params = params
        self.if_version = if_version
        self.now = clock.now()
        self.shapes = Shapes(grant.account_sid, self.now)

    # ---- reading -------------------------------------------------------------------------------------------------

    def get_worker(self, sid: str) -> Json:
        return self.shapes.worker(base.find(workers.rows_of(self.workspace), sid))

    def list_workers(self) -> Json:
        return self._page(workers.rows_of(self.workspace), self.shapes.worker)

    def list_activities(self) -> Json:
        rows = Activity.objects.filter(workspace=self.workspace)
        return self._page(rows, lambda row: self.shapes.activity(row, self.workspace.sid))

    def list_queues(self) -> Json:
        rows = TaskQueue.objects.filter(workspace=self.workspace)
        return self._page(rows, lambda row: self.shapes.queue(row, self.workspace.sid))

    def get_queue(self, sid: str) -> Json:
        row = base.find(TaskQueue.objects.filter(workspace=self.workspace), sid)
        return self.shapes.queue(row, self.workspace.sid)

    def list_channels(self, sid: str) -> Json:
        self._must_be_me(sid)
        accepted = worker_channels.assigned(self.worker)
        rows = WorkerChannel.objects.filter(worker=self.worker).select_related("task_channel")
        return self._page(rows, lambda row: self.shapes.channel(row, self.worker, accepted))

    def list_reservations(self, sid: str) -> Json:
        self._must_be_me(sid)
        rows = self._mine()
        if self._asked(PageParams).get("active"):
            rows = rows.filter(status__in=Reservation.LIVE)
        moving = under_way(rows.filter(status__in=Reservation.LIVE).values_list("task", flat=True))
        return self._page(rows, lambda row: self.shapes.reservation(row, moving.get(row.task_id, ())))

    def get_reservation(self, sid: str, reservation_sid: str) -> Json:
        self._must_be_me(sid)
        row = base.find(self._mine(), reservation_sid)
        return self.shapes.reservation(row, under_way([row.task_id]).get(row.task_id, ()))

    def get_task(self, sid: str) -> Json:
        return self.shapes.task(self._task(sid))

    # ---- changing ------------------------------------------------------------------------------------------------

    def change_worker(self, sid: str) -> Json:
        if sid != self.worker.sid and not self.grant.is_supervisor:
            raise errors.ApiError(403, errors.FORBIDDEN, "Only a supervisor may change other workers.")
        row = base.find(workers.rows_of(self.workspace), sid)
        asked = self._asked(workers.WorkerUpdate)
        asked.pop("friendly_name", None)  # not a worker's to choose
        workers.change(row, asked, if_version=self.if_version, now=self.now)
        return self.get_worker(sid)

    def change_reservation(self, sid: str, reservation_sid: str) -> Json:
        self._must_be_me(sid)
        row = base.find(self._mine(), reservation_sid)
        asked = self._asked(reservations.ReservationUpdate)
        reservations.change(row, asked, if_version=self.if_version, by=self.worker)
        return self.get_reservation(sid, reservation_sid)

    def change_task(self, sid: str) -> Json:
        row = self._task(sid)
        tasks.change(row, self._asked(tasks.TaskUpdate), if_version=self.if_version, now=self.now, by=self.worker)
        return self.get_task(sid)

    def create_task(self) -> Json:
        made = tasks.create(self.workspace, self._asked(tasks.TaskCreate), self.now)
        return self.shapes.task(base.find(tasks.rows_of(self.workspace), made.sid))

    def start_transfer(self, sid: str) -> Json:
        self._must_be_me(sid)
        asked = self._asked(TransferParams)
        given = base.find(self._mine(), asked["reservation_sid"])
        rows: Any = Worker.objects.select_related("activity") if asked["to"].startswith("WK") else TaskQueue.objects
        to = base.named_row(rows.filter(workspace=self.workspace), asked["to"], "To")
        made = transfers.start(
            given,
            to=to,
            mode=asked.get("mode", "WARM"),
            by=self.worker,
            attributes=asked.get("attributes"),
            priority=asked.get("priority"),
            now=self.now,
        )
        return self._transfer(made.sid)

    def change_transfer(self, sid: str, transfer_sid: str) -> Json:
        self._must_be_me(sid)
        self._asked(TransferChange)
        row = base.find(Transfer.objects.filter(initiating_reservation__worker=self.worker), transfer_sid)
        transfers.cancel(row, by=self.worker, now=self.now)
        return self._transfer(transfer_sid)

    # ---- parts ---------------------------------------------------------------------------------------------------

    def _transfer(self, sid: str) -> Json:
        return self.shapes.transfer(base.find(Transfer.objects.select_related(*TRANSFER_RELATED), sid))

    def _mine(self) -> Any:
        return Reservation.objects.filter(worker=self.worker).select_related(*RELATED)

    def _task(self, sid: str) -> Task:
        """A task the worker has or is offered; others do not exist for them."""
        mine = Reservation.objects.filter(worker=self.worker).values("task")
        found: Task = base.find(tasks.rows_of(self.workspace).filter(pk__in=mine), sid)
        return found

    def _must_be_me(self, sid: str) -> None:
        if sid != self.worker.sid:
            raise errors.not_found(sid)

    def _asked(self, form: forms.Form) -> Json:
        given = {name: value if isinstance(value, list) else [value] for name, value in self.params.items()}
        return forms.values(given, form)

    def _page(self, rows: Any, shape: Callable[[Any], Json]) -> Json:
        asked = self._asked(PageParams)
        size = asked.get("page_size", DEFAULT_PAGE)
        if "friendly_name" in asked:
            rows = rows.filter(friendly_name=asked["friendly_name"])
        if "after_sid" in asked:
            after = rows.model.id_from_sid(asked["after_sid"])
            if after is None:
                raise errors.invalid("AfterSid", "This is no place in this list.")
            rows = rows.filter(pk__gt=after)
        found = list(rows.order_by("id")[: size + 1])
        after_sid = found[size - 1].sid if len(found) > size else None
        return {"contents": [shape(row) for row in found[:size]], "after_sid": after_sid}


_SID = r"([A-Z]{2}[0-9a-f]{32})"
_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Json]]] = [
    (method, re.compile(path.replace("*", _SID)), function)
    for method, path, function in (
        ("GET", "Activities", Commands.list_activities),
        ("GET", "TaskQueues", Commands.list_queues),
        ("GET", "TaskQueues/*", Commands.get_queue),
        ("GET", "Workers", Commands.list_workers),
        ("GET", "Workers/*", Commands.get_worker),
        ("POST", "Workers/*", Commands.change_worker),
        ("GET", "Workers/*/WorkerChannels", Commands.list_channels),
        ("GET", "Workers/*/Reservations", Commands.list_reservations),
        ("GET", "Workers/*/Reservations/*", Commands.get_reservation),
        ("POST", "Workers/*/Reservations/*", Commands.change_reservation),
        ("POST", "Workers/*/Transfers", Commands.start_transfer),
        ("POST", "Workers/*/Transfers/*", Commands.change_transfer),
        ("POST", "Tasks", Commands.create_task),
        ("GET", "Tasks/*", Commands.get_task),
        ("POST", "Tasks/*", Commands.change_task),
    )
]


def run(token: Any, method: Any, url: Any, params: Any, if_version: int | None) -> Json:
    """Do what a worker's SDK asks. Raises ``BadToken``, and as the REST resources do."""
    grant = tokens.verify(token, now=clock.now())
    if auth.count(grant.worker.sid, "bridge", 10) > COMMANDS_PER_TEN_SECONDS:
        raise exceptions.Throttled(wait=10)
    path = str(url)[:400].strip("/")
    prefix = f"Workspaces/{grant.worker.workspace.sid}/"
    if path.startswith(prefix) and (params is None or isinstance(params, dict)):
        for known, pattern, function in _ROUTES:
            if known == method and (match := pattern.fullmatch(path.removeprefix(prefix))):
                with actor.acting(grant.worker.sid):
                    return function(Commands(grant, params or {}, if_version), *match.groups())
    raise errors.not_found(path)
