"""Who hands a task on to whom, for the tests of transfers."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Sum

from conversations.models import Conversation, Participant
from routing.models import Event, Reservation, Task, TaskQueue, Transfer, Worker, WorkerChannel
from routing.services import reservations, transfers
from tests.factories import agents as people
from tests.factories import routing as make


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


class Scene:
    """Amira has a customer; Basil and Chloe are free; a router."""

    def __init__(self, now: dt.datetime, **queue: Any) -> None:
        self.now = now
        self.amira = self.agent("Amira", languages=["ar"])
        self.conversation = make.conversation()
        self.task = make.task(conversation=self.conversation, now=now)
        self.router = make.route(now)
        self.held = Reservation.objects.get(task=self.task)
        reservations.accept(self.held, by=self.amira, now=now)
        self.basil = self.agent("Basil")
        self.chloe = self.agent("Chloe")
        self.queue = make.queue(name="Experts", **queue)
        self.router.tick(now)

    def agent(self, name: str, **attributes: Any) -> Worker:
        return make.worker(name=name, user=people.user(name=name), attributes=attributes, now=self.now)

    def at(self, seconds: float) -> dt.datetime:
        return after(self.now, seconds)

    def transfer(self, to: Worker | TaskQueue, mode: str = "WARM", **arguments: Any) -> Transfer:
        made = transfers.start(self.held, to=to, mode=mode, by=self.amira, now=self.now, **arguments)
        self.router.tick(self.now)
        return made

    def offer(self, worker: Worker) -> Reservation:
        return Reservation.objects.get(task=self.task, worker=worker, status="pending")

    def reservations(self) -> list[tuple[str, str, str]]:
        rows = Reservation.objects.filter(task=self.task).order_by("id")
        return [(row.worker.friendly_name, row.role, row.status) for row in rows]

    def people(self) -> list[tuple[str, str]]:
        rows = Participant.objects.filter(conversation=self.conversation, left_at=None).order_by("id")
        return [(row.user.first_name, row.role) for row in rows]

    def owner(self) -> str:
        return Conversation.objects.get(pk=self.conversation.pk).owner_name

    def status(self) -> str:
        return Task.objects.get(pk=self.task.pk).status

    def events(self) -> list[str]:
        rows = Event.objects.filter(task=self.task, type__startswith="task.transfer").order_by("task_seq")
        return [str(type) for type in rows.values_list("type", flat=True)]


def assert_counted() -> None:
    """Every load is the sum of what is live."""
    for worker in Worker.objects.all():
        live = Reservation.objects.filter(worker=worker, status__in=Reservation.LIVE)
        assert worker.load == (live.aggregate(sum=Sum("weight"))["sum"] or 0)
        units = live.filter(task__task_channel__unique_name="chat").aggregate(sum=Sum("units"))["sum"] or 0
        assert WorkerChannel.objects.get(worker=worker, task_channel__unique_name="chat").load == units
