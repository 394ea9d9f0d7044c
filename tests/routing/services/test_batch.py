"""What a batch writes is what the rows say, whether it was read back or known from memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db.models import F
from structlog.testing import capture_logs

from routing import queries
from routing.models import Event, Reservation, Task, TaskChannel, Worker, WorkerChannel
from routing.services import dispatch, presence, reservations
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def offered(worker: Worker) -> Event:
    return Event.objects.filter(worker=worker, type="reservation.created").order_by("-worker_seq")[:1].get()


@pytest.mark.parametrize("has_conversation", [False, True])
def test_an_offers_event_shows_worker_and_reservation_as_their_rows_are(
    has_conversation: bool, now: dt.datetime
) -> None:
    worker = make.worker(attributes={"languages": ["ar", 'a "quoted" \\ one\n']}, now=now)
    conversation = make.conversation() if has_conversation else None
    task = make.task(attributes={"text": "tab\tand ünï"}, conversation=conversation, priority=3, now=now)

    make.route(now)

    event, reservation = offered(worker), Reservation.objects.get(task=task)
    assert event.data == {
        "reservation": queries.reservation_json(reservation),
        "worker": queries.worker_json(worker),
    }
    worker.refresh_from_db()
    task.refresh_from_db()
    assert (event.worker_seq, event.task_seq, event.reservation_id) == (
        *(worker.event_seq, task.event_seq, reservation.pk),
    )


def test_it_stays_so_over_many_offers_and_what_others_change_meanwhile(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    router = make.route(now)
    for number in range(3):
        at = now + dt.timedelta(seconds=number)
        task = make.task(now=at)
        if number == 1:
            presence.update_attributes(worker, {"level": number}, now=at)
        router.tick(at)
        assert offered(worker).data["worker"] == queries.worker_json(worker)
        reservations.accept(Reservation.objects.get(task=task), by=worker, now=at)


def test_a_change_the_router_has_not_heard_of_is_not_overwritten_in_the_event(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    router = make.route(now)
    Worker.objects.filter(pk=worker.pk).update(friendly_name="Renamed", version=41)  # no news left
    make.task(now=now)

    router.tick(now)

    assert offered(worker).data["worker"] == queries.worker_json(worker)
    assert offered(worker).data["worker"]["name"] == "Renamed"


def test_a_call_interrupts_chats_and_the_ceiling_falls_with_it(now: dt.datetime) -> None:
    make.workspace()
    TaskChannel.objects.filter(unique_name="chat").update(is_interruptible=True)
    worker = make.worker(capacities={"chat": 3, "voice": 1}, capacity=30, now=now)
    router = make.route(now)
    for _ in range(3):
        make.task(now=now)
    router.tick(now)
    call = make.task(task_channel="voice", now=now)
    router.tick(now)

    assert make.offers(call) == [(worker.friendly_name, "pending")]
    assert Worker.objects.values_list("load", "ceiling").get() == (60, 60)

    reservations.reject(Reservation.objects.get(task=call), by=worker, now=now)
    assert Worker.objects.values_list("load", "ceiling").get() == (30, 30)
    assert WorkerChannel.objects.get(worker=worker, task_channel__unique_name="voice").load == 0


def refusals(router: dispatch.Router, now: dt.datetime) -> int:
    """How many batches are refused in a tick."""
    with capture_logs() as logs:
        router.tick(now)
    return sum(one["event"] == "router.refused" for one in logs)


@pytest.mark.parametrize("has_conversation", [False, True])
def test_a_task_that_changed_unheard_of_is_read_again_and_offered(has_conversation: bool, now: dt.datetime) -> None:
    task = make.task(conversation=make.conversation() if has_conversation else None, now=now)
    router = make.route(now)
    Task.objects.filter(pk=task.pk).update(version=F("version") + 1)  # no news left
    worker = make.worker(now=now)

    assert refusals(router, now) == 1
    assert make.offers(task) == [(worker.friendly_name, "pending")]


def goes_away(worker: Worker) -> None:
    Worker.objects.filter(pk=worker.pk).update(activity=make.activity("Break"))


def takes_less(worker: Worker) -> None:
    WorkerChannel.objects.filter(worker=worker).update(capacity=0)


def is_closed(worker: Worker) -> None:
    WorkerChannel.objects.filter(worker=worker).update(is_available=False)


@pytest.mark.parametrize("has_conversation", [False, True])
@pytest.mark.parametrize("changes", [goes_away, takes_less, is_closed])
def test_a_worker_who_changed_unheard_of_is_read_again_and_left_alone(
    changes: Callable[[Worker], None], has_conversation: bool, now: dt.datetime
) -> None:
    worker = make.worker(now=now)
    router = make.route(now)
    changes(worker)
    task = make.task(conversation=make.conversation() if has_conversation else None, now=now)

    assert refusals(router, now) == 1
    assert make.offers(task) == []
    assert Worker.objects.get(pk=worker.pk).load == 0
