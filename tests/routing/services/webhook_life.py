"""Events on their way to a receiver, for the tests of webhooks."""

from __future__ import annotations

import datetime as dt

from routing.models import Delivery, Event, Reservation, Workspace
from routing.services import fold, presence, reservations, tasks, webhooks
from tests.factories import routing as make

NOW = make.NOW


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def fold_all(now: dt.datetime = NOW) -> None:
    while fold.fold(now):
        pass


def forget_the_past() -> None:
    """What making the workspace itself was worth."""
    fold_all()
    Delivery.objects.all().delete()


def one_task_s_life() -> list[str]:
    """A task that is offered, taken and done; its events' types in order."""
    forget_the_past()
    worker = make.worker(now=NOW)
    task = make.task(now=NOW)
    make.route(NOW)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=after(1))
    tasks.complete(task, by=worker, now=after(2))
    presence.set_activity(worker, make.activity("Offline"), by=None, now=after(3))
    fold_all(after(3))
    return list(Event.objects.filter(task=task).order_by("task_seq").values_list("type", flat=True))


def send_all(workspace: Workspace, start: dt.datetime, *, step: float = 60, most: int = 200) -> dt.datetime:
    """Send until nothing is due any more, the clock going on between the jobs. When that was."""
    now = start
    for _ in range(most):
        webhooks.send(workspace.pk, now=now)
        if not Delivery.objects.filter(status="due").exists():
            return now
        now += dt.timedelta(seconds=step)
    raise AssertionError("still not sent")
