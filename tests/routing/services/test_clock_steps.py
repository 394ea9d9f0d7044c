"""The wall clock is set by an hour, either way: nothing is stuck, nobody is thrown out."""

from __future__ import annotations

import datetime as dt

import pytest

from routing.models import Reservation, Task, Worker, WorkerSocket
from routing.services import capacity, clocksteps, presence, reservations, tasks, transfers
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

HOUR = 3600


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def test_an_offer_made_by_the_clock_that_was_ahead_runs_out_in_its_own_time(now: dt.datetime) -> None:
    make.worker(now=now)
    router = make.route(after(now, HOUR))
    task = make.task(now=after(now, HOUR))
    router.tick(after(now, HOUR))

    router.tick(now)

    offer = Reservation.objects.get(task=task)
    assert (offer.status, offer.created_at, offer.due_at) == ("pending", now, after(now, 120))
    router.tick(after(now, 120))
    assert Reservation.objects.get(pk=offer.pk).status == "timeout"
    assert capacity.recount(now=now) == 0


def test_who_declined_by_the_clock_that_was_ahead_is_asked_again_in_time(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    router = make.route(after(now, HOUR))
    task = make.task(now=after(now, HOUR))
    router.tick(after(now, HOUR))
    reservations.reject(Reservation.objects.get(task=task), by=worker, now=after(now, HOUR))
    router.tick(after(now, HOUR))

    router.tick(now)
    router.tick(after(now, 29))
    assert len(make.offers(task)) == 1
    router.tick(after(now, 30))

    assert [status for _, status in make.offers(task)] == ["rejected", "pending"]


def test_steps_and_time_to_live_are_measured_from_the_new_time(now: dt.datetime) -> None:
    first, second = make.queue(target_workers="1==0"), make.queue(target_workers="1==0")
    workflow = make.workflow({"queue": first, "timeout": 60}, {"queue": second})
    router = make.route(after(now, HOUR))
    task = make.task(workflow=workflow, timeout=300, now=after(now, HOUR))
    router.tick(after(now, HOUR))

    router.tick(now)
    router.tick(after(now, 59))
    assert Task.objects.get(pk=task.pk).queue == first
    router.tick(after(now, 60))
    assert Task.objects.get(pk=task.pk).queue == second
    router.tick(after(now, 300))

    assert Task.objects.get(pk=task.pk).status == "canceled"


def test_a_wrap_up_and_a_transfer_end_in_their_own_time(now: dt.datetime) -> None:
    make.workspace(wrap_up_limit=30)
    giver, late = make.worker(now=now), after(now, HOUR)
    router = make.route(late)
    wrapped, given = make.task(now=late), make.task(now=late)
    router.tick(late)
    for task in (wrapped, given):
        reservations.accept(Reservation.objects.get(task=task), by=giver, now=late)
    tasks.wrap_up(wrapped, by=giver, now=late)
    nobody = make.queue(target_workers="1==0")
    transfer = transfers.start(Reservation.objects.get(task=given), to=nobody, by=giver, now=late)
    router.tick(late)

    router.tick(now)
    router.tick(after(now, 30))

    transfer.refresh_from_db()
    assert Task.objects.get(pk=wrapped.pk).status == "completed"
    assert transfer.expires_at == after(now, 86400)


def test_set_forward_offers_run_out_and_agents_who_are_there_stay(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    presence.connected(worker, "tab", now=now)
    held, router = make.task(conversation=make.conversation(), now=now), make.route(now)
    reservations.accept(Reservation.objects.get(task=held), by=worker, now=now)
    offered = make.task(now=now)
    router.tick(now)

    late = after(now, HOUR)
    presence.sweep(late)
    router.tick(late)
    assert presence.heartbeat("tab", late) is False
    presence.connected(worker, "tab", now=late)
    presence.sweep(after(late, 60))

    worker.refresh_from_db()
    assert (worker.activity.friendly_name, worker.vanished_at) == ("Available", None)
    assert Task.objects.get(pk=held.pk).status == "assigned"
    assert make.offers(offered)[0][1] == "timeout"


def test_dead_sockets_and_vanished_agents_are_noticed_after_a_step_back(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    presence.connected(worker, "tab", now=after(now, HOUR))
    Worker.objects.filter(pk=worker.pk).update(vanished_at=after(now, HOUR))

    clocksteps.mend(now)

    assert WorkerSocket.objects.get().seen_at == now
    assert Worker.objects.get(pk=worker.pk).vanished_at == now
    assert clocksteps.mend(now) == 0
