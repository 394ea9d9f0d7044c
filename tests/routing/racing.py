"""Two at once: what the race tests share. Everything here wants a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from django.db import IntegrityError, connection
from django.db.models import ProtectedError, Sum

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from routing.models import Event, Reservation, Task, Transfer, Worker, WorkerChannel
from routing.services import capacity, dispatch
from tests.factories import routing as make

NOW = make.NOW
ROUNDS = 8


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def together(*doings: Callable[[], object]) -> list[object]:
    """Run all at the same moment, each on a connection of its own. What each returned, or the refusal it met."""
    barrier = threading.Barrier(len(doings))
    outcomes: list[object] = [None] * len(doings)
    bugs: list[BaseException] = []

    def run(index: int, doing: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            outcomes[index] = doing()
        except (Refused, dispatch.LeaseLost, ProtectedError, IntegrityError, Task.DoesNotExist) as refusal:
            outcomes[index] = refusal
        except BaseException as bug:
            bugs.append(bug)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not bugs, bugs
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def assert_consistent() -> None:
    """What must hold whatever happened: loads are sums, states agree, numbers have no gaps."""
    for worker in Worker.objects.all():
        live = Reservation.objects.filter(worker=worker, status__in=Reservation.LIVE)
        assert worker.load == (live.aggregate(sum=Sum("weight"))["sum"] or 0)
        for channel in WorkerChannel.objects.filter(worker=worker):
            mine = live.filter(task__task_channel=channel.task_channel).aggregate(sum=Sum("units"))["sum"] or 0
            assert channel.load == mine <= channel.capacity
        numbers = Event.objects.filter(worker=worker).order_by("worker_seq").values_list("worker_seq", flat=True)
        assert list(numbers) == list(range(1, worker.event_seq + 1))
    for task in Task.objects.all():
        seated = [
            (row.role, row.status) for row in task.reservations.filter(status__in=Reservation.LIVE).order_by("role")
        ]
        owned = [status for role, status in seated if role == "owner"]
        expected = {
            "pending": [],
            "reserved": ["pending"],
            "assigned": ["accepted"],
            "wrapping": ["wrapping"],
            "completed": [],
            "canceled": [],
        }[task.status]
        assert owned == expected, (task.status, seated)
        second = [status for role, status in seated if role == "joining"]
        transfer = Transfer.objects.filter(task=task, status="initiated").first()
        assert len(second) <= 1, seated
        assert not second or task.status == "assigned"
        assert second != ["pending"] or transfer is not None
        assert transfer is None or task.status in ("pending", "reserved", "assigned")
        numbers = Event.objects.filter(task=task).order_by("task_seq").values_list("task_seq", flat=True)
        assert list(numbers) == list(range(1, task.event_seq + 1))
        if task.conversation is not None:
            owner = {"pending": "queue", "reserved": "queue", "assigned": "worker", "wrapping": "worker"}
            closed = task.conversation.status == Conversation.Status.CLOSED
            assert closed == (task.status in ("completed", "canceled"))
            assert closed or task.conversation.owner == owner[task.status]
    assert capacity.recount(now=NOW) == 0


def offered(worker: Worker) -> Reservation:
    task = make.task(conversation=make.conversation(), now=NOW)
    make.route(NOW)
    return Reservation.objects.get(task=task, worker=worker)


def refusals(outcomes: list[object]) -> int:
    return sum(isinstance(outcome, Refused) for outcome in outcomes)
