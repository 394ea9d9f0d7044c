"""An office in which everything happens that an event tells, and what its wire form should say then."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from django.test import Client

from conversations.services import api_keys
from routing.models import Event, Reservation, Task, TaskQueue, Transfer, Worker
from routing.services import dispatch, reservations, transfers
from tests.factories import routing as make

NOW = make.NOW
Fields = dict[str, str]


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


class Scene:
    """An office with two queues and an agent, and a program with a key."""

    def __init__(self) -> None:
        self.workspace = make.workspace(reoffer_after=10_000)
        self.sales = make.queue(name="Sales")
        self.nobody = make.queue(name="Nobody", target_workers="1==0")
        self.workflow = make.workflow({"queue": self.sales}, name="Main")
        self.ada = make.worker(name="Ada", attributes={"skills": ["ä"]}, now=NOW)
        key, secret = api_keys.create(name="Test", scopes=["routing"], now=NOW)
        text = base64.b64encode(f"{key.sid}:{secret}".encode()).decode()
        self._client = Client(headers={"Authorization": f"Basic {text}"})
        self.router: dispatch.Router = make.route(NOW)
        Event.objects.all().delete()

    def ask(self, method: str, path: str = "", **values: Any) -> Any:
        """A request to the API, below the workspace unless the path begins with a slash."""
        below = f"/taskrouter/v1/Workspaces/{self.workspace.sid}"
        where = f"/taskrouter/v1{path}" if path.startswith("/") else f"{below}/{path}" if path else below
        answer = self._client.generic(method, where, json.dumps(values), content_type="application/json")
        assert answer.status_code < 300, answer.content
        return json.loads(answer.content) if answer.content else None

    # ---- what people do

    def task(self, **arguments: Any) -> Task:
        given = {"workflow": self.workflow, "attributes": {"kind": "bill"}, "priority": 7, **arguments}
        return make.task(now=NOW, **given)

    def offer(self) -> Reservation:
        task = self.task()
        self.router.tick(NOW)
        return Reservation.objects.select_related("task", "worker").get(task=task)

    def held(self) -> Reservation:
        return reservations.accept(self.offer(), by=self.ada, now=after(10))

    def asked(self, *, to: Worker | TaskQueue | None = None) -> tuple[Transfer, Reservation]:
        """Ada's task on its way to a colleague, who has been asked."""
        bob = make.worker(name="Bob", attributes={"bob": True}, now=NOW)
        held = self.held()
        begun = transfers.start(held, to=to or bob, by=self.ada, now=after(20))
        self.router.tick(after(20))
        return begun, Reservation.objects.get(task=held.task_id, worker=bob)

    # ---- what is expected of the wire

    def of_task(self, task: Task, status: str, *, age: int = 30, queue: TaskQueue | None = None, **more: str) -> Fields:
        return {
            "ResourceType": "task",
            "ResourceSid": task.sid,
            "TaskSid": task.sid,
            "TaskAttributes": '{"kind": "bill"}',
            "TaskAge": str(age),
            "TaskPriority": "7",
            "TaskAssignmentStatus": status,
            "TaskChannelUniqueName": "chat",
            "TaskQueueSid": (queue or self.sales).sid,
            "WorkflowSid": self.workflow.sid,
            **more,
        }

    def of_worker(self, worker: Worker | None = None) -> Fields:
        worker = Worker.objects.get(pk=(worker or self.ada).pk)
        return {
            "WorkerSid": worker.sid,
            "WorkerName": worker.friendly_name,
            "WorkerAttributes": json.dumps(worker.attributes, ensure_ascii=False),
            "WorkerActivitySid": worker.activity.sid,
            "WorkerActivityName": worker.activity.friendly_name,
        }

    def of_offer(self, offer: Reservation, status: str, *, age: int = 30) -> Fields:
        return {
            **self.of_task(offer.task, status, age=age),
            **self.of_worker(),
            "ResourceType": "reservation",
            "ResourceSid": offer.sid,
            "ReservationSid": offer.sid,
        }

    def of_worker_s_own(self, **more: str) -> Fields:
        version = str(Worker.objects.get(pk=self.ada.pk).version)
        about = {"ResourceType": "worker", "ResourceSid": self.ada.sid, "WorkerVersion": version}
        return {**self.of_worker(), **about, **more}


Story = Callable[[Scene], Fields]
STORIES: dict[str, Story] = {}


def story(type: str) -> Callable[[Story], Story]:
    """What is decorated causes the event, and returns what its form should say among other things."""

    def keep(tell: Story) -> Story:
        assert type not in STORIES
        STORIES[type] = tell
        return tell

    return keep
