"""Two at once, on a real PostgreSQL: whoever comes first wins, and nothing is counted twice or lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from django.db import transaction

from contactcenter.lib.errors import Refused
from conversations.models import Conversation
from routing.models import Change, Event, Lease, Reservation, Task, Worker
from routing.services import dispatch, leases, presence, reservations, tasks
from tests.factories import routing as make
from tests.routing.racing import NOW, ROUNDS, after, assert_consistent, offered, refusals, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_accepting_races_the_timeout() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)

        accepted, expired = together(
            partial(reservations.accept, offer, by=worker, now=after(120)),
            partial(reservations.expire, offer.pk, now=after(120)),
        )

        offer.refresh_from_db()
        assert offer.status == ("timeout" if expired else "accepted")
        assert isinstance(accepted, Refused) is expired
        assert_consistent()
        presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_two_tabs_accept_at_once() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)

        outcomes = together(*[partial(reservations.accept, offer, by=worker, now=NOW)] * 2)

        assert refusals(outcomes) == 0
        assert Event.objects.filter(reservation=offer, type="reservation.accepted").count() == 1
        assert Conversation.objects.get(tasks__reservations=offer).owner_version == 2
        assert_consistent()
        presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_accepting_races_the_customer_who_leaves() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)

        _, canceled = together(
            partial(reservations.accept, offer, by=worker, now=NOW),
            partial(tasks.cancel, Task(pk=offer.task_id), reason="left", now=NOW),
        )

        offer.refresh_from_db()
        assert offer.status == ("accepted" if isinstance(canceled, Refused) else "canceled")
        assert_consistent()
        presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_accepting_races_the_agents_own_disappearance() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)
        presence.connected(worker, worker.sid, now=NOW)
        presence.disconnected(worker.sid, NOW)

        together(
            partial(reservations.accept, offer, by=worker, now=after(30)),
            lambda: presence.sweep(after(30)),
        )

        offer.refresh_from_db()
        assert offer.status in ("accepted", "rescinded")
        assert_consistent()


def test_two_agents_accept_one_task_at_once() -> None:
    workflow = make.workflow({"queue": make.queue(max_reserved_workers=3)})
    for _ in range(ROUNDS):
        workers = [make.worker(now=NOW) for _ in range(3)]
        task = make.task(workflow=workflow, conversation=make.conversation(), now=NOW)
        make.route(NOW)
        offers = {offer.worker_id: offer for offer in Reservation.objects.filter(task=task)}

        outcomes = together(
            *[partial(reservations.accept, offers[worker.pk], by=worker, now=NOW) for worker in workers]
        )

        assert refusals(outcomes) == 2
        assert sorted(status for _, status in make.offers(task)) == ["accepted", "rescinded", "rescinded"]
        assert_consistent()
        for worker in workers:
            presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_completing_races_requeueing() -> None:
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        offer = offered(worker)
        reservations.accept(offer, by=worker, now=NOW)

        together(
            partial(tasks.complete, Task(pk=offer.task_id), by=worker, now=NOW),
            partial(tasks.requeue, Task(pk=offer.task_id), by=worker, now=NOW),
        )

        assert Task.objects.get(pk=offer.task_id).status in ("completed", "pending")
        assert_consistent()
        presence.set_activity(worker, make.activity("Offline"), by=None, now=NOW)


def test_fifty_creations_for_one_conversation_make_one_task() -> None:
    make.workspace()
    conversation = make.conversation()

    together(*[lambda: make.task(conversation=conversation, now=NOW)] * 20)

    assert Task.objects.count() == 1
    assert_consistent()


# ---- routers


@contextlib.contextmanager
def split_brain(monkeypatch: pytest.MonkeyPatch, count: int) -> Iterator[list[dispatch.Router]]:
    """Routers that all believe they lead, none fenced: only conditions and constraints stand between them."""
    monkeypatch.setattr(dispatch.Router, "_fence", lambda self: None)
    routers = []
    for number in range(count):
        router = dispatch.Router(f"router-{number}")
        router.memory.rebuild(NOW)
        router.epoch = 1
        routers.append(router)
    yield routers


def test_routers_that_all_lead_at_once_never_give_a_task_twice_nor_overfill(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = [make.worker(capacities={"chat": 3}, now=after(-number)) for number in range(5)]
    waiting = [make.task(now=after(number)) for number in range(50)]
    with split_brain(monkeypatch, 4) as routers:
        together(*[partial(router.tick, after(100)) for router in routers])

    assert Reservation.objects.count() == 15
    assert Reservation.objects.filter(task__in=[task.pk for task in waiting[:15]]).count() == 15
    assert {Worker.objects.get(pk=worker.pk).load for worker in workers} == {30}
    assert_consistent()


def make_and_tick(router: dispatch.Router) -> None:
    for _ in range(10):
        make.task(now=NOW)
        router.tick(NOW)


def test_fifty_offers_at_once_fill_a_capacity_of_three_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = make.worker(capacities={"chat": 3}, now=NOW)
    with split_brain(monkeypatch, 5) as routers:
        together(*[partial(make_and_tick, router) for router in routers])

    assert Reservation.objects.filter(worker=worker).count() == 3
    assert Task.objects.filter(status="pending").count() == 47
    assert_consistent()


def test_a_router_that_slept_past_its_lease_commits_nothing() -> None:
    worker = make.worker(now=NOW)
    zombie = make.route(NOW)
    Lease.objects.filter(name="router").update(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    successor = dispatch.Router("successor")
    assert successor.lead(NOW)
    task = make.task(now=NOW)

    with pytest.raises(dispatch.LeaseLost):
        zombie.tick(NOW)
    assert (make.offers(task), zombie.leads, Change.objects.exists()) == ([], False, True)
    successor.tick(NOW)

    assert make.offers(task) == [(worker.friendly_name, "pending")]
    assert zombie.lead(NOW) is False


def test_nobody_takes_over_while_a_batch_is_being_committed() -> None:
    epoch = leases.acquire("router", "leader", 0.2)
    assert epoch is not None
    order: list[str] = []
    held = threading.Event()

    def commit_slowly() -> None:
        with transaction.atomic():
            assert leases.hold("router", "leader", epoch, 0.01)
            held.set()
            threading.Event().wait(0.5)  # longer than the lease: the row's lock is what protects it
            order.append("committed")

    def take_over() -> None:
        held.wait(5)
        while leases.acquire("router", "successor", 5) is None:
            threading.Event().wait(0.01)
        order.append("taken over")

    together(commit_slowly, take_over)

    assert order == ["committed", "taken over"]


def test_an_offer_never_follows_the_agents_leaving() -> None:
    """Going on a break races being offered: the offer may come before, never after."""
    router = make.route(NOW)
    for _ in range(ROUNDS):
        worker = make.worker(now=NOW)
        router.tick(NOW)
        task = make.task(now=NOW)

        together(
            partial(presence.set_activity, worker, make.activity("Break"), by=None, now=NOW),
            lambda: router.tick(NOW),
        )
        router.tick(NOW)

        stream = list(Event.objects.filter(worker=worker).order_by("worker_seq").values_list("type", flat=True))
        assert stream in (
            ["worker.created", "worker.activity.update"],
            ["worker.created", "reservation.created", "worker.activity.update"],
        )
        assert_consistent()
        tasks.cancel(task, reason="", now=NOW)


def test_no_news_is_lost_while_many_write_and_one_reads() -> None:
    """Rows commit in another order than they are numbered; taking them away by deleting loses none."""
    for number in range(6):
        make.worker(capacities={"chat": 4}, now=after(-number))
    router = make.route(NOW)
    done = threading.Event()

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(8):
            task = make.task(now=NOW)
            if dice.random() < 0.3:
                with contextlib.suppress(Refused):
                    tasks.cancel(task, reason="", now=NOW)

    def read() -> None:
        while not done.is_set():
            router.tick(NOW)

    def write_all() -> None:
        try:
            together(*[partial(write, seed) for seed in range(6)])
        finally:
            done.set()

    together(write_all, read)
    router.tick(NOW)

    free = 24 - Reservation.objects.filter(status="pending").count()
    assert Task.objects.filter(status="pending").count() == 0 or free == 0
    assert not Change.objects.exists()
    assert_consistent()
