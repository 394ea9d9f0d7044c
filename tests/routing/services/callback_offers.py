"""Offers a workflow's server is asked about, for the tests of callbacks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from routing import event_wire
from routing.models import Event, Reservation, Worker, Workflow
from routing.services import fold
from tests.factories import routing as make
from tests.support.receiver import Reply

NOW = make.NOW
ACCEPT = Reply(b'{"instruction": "accept"}')


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def offer(workflow: Workflow, *, worker: Worker | None = None, **arguments: Any) -> Reservation:
    """A task of the workflow, offered to a worker and noted to be asked about."""
    worker = worker or make.worker(now=NOW)
    task = make.task(workflow=workflow, now=NOW, **arguments)
    make.route(after(3))
    note()
    return Reservation.objects.get(task=task)


def note() -> None:
    while fold.fold(after(3)):
        pass


def failures() -> list[tuple[str, str]]:
    """(error code, message) of what operators were told, in order."""
    events = Event.objects.filter(type="reservation.failed").order_by("id")
    shown = [event_wire.form(event, account_sid="AC1") for event in events]
    return [(form["ErrorCode"], form["ErrorMessage"]) for form in shown]
