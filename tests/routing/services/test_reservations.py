"""What becomes of an offer: first come wins, and says so to whoever comes second."""

from __future__ import annotations

import datetime as dt

import pytest

from agents.models import User
from conversations.models import Conversation, Participant
from routing.errors import NotYours, ReservationOver
from routing.models import Event, Reservation, Task, Worker, WorkerChannel
from routing.services import reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def offered(now: dt.datetime, worker: Worker | None = None) -> tuple[Reservation, Worker]:
    worker = worker or make.worker(now=now)
    task = make.task(conversation=make.conversation(), now=now)
    make.route(now)
    return Reservation.objects.get(task=task), worker


def test_accepting_makes_the_conversation_the_agents(now: dt.datetime) -> None:
    user = User.objects.create(username="amira", first_name="Amira")
    offer, worker = offered(now, make.worker(user=user, now=now))

    reservations.accept(offer, by=worker, now=after(now, 4))

    task = Task.objects.get(pk=offer.task_id)
    conversation = Conversation.objects.get(tasks=task)
    offer.refresh_from_db()
    assert (offer.status, offer.accepted_at) == ("accepted", after(now, 4))
    assert (task.status, task.assigned_at, task.due_at) == ("assigned", after(now, 4), None)
    assert (conversation.owner, conversation.owner_sid, conversation.owner_user) == ("worker", worker.sid, user)
    assert Participant.objects.get(conversation=conversation, left_at=None).user == user
    assert Worker.objects.get(pk=worker.pk).idle_since == after(now, 4)


def test_accepting_twice_changes_nothing_the_second_time(now: dt.datetime) -> None:
    offer, worker = offered(now)
    reservations.accept(offer, by=worker, now=now)
    version = Conversation.objects.get(tasks=offer.task_id).owner_version

    again = reservations.accept(offer, by=worker, now=after(now, 1))

    assert again.accepted_at == now
    assert Conversation.objects.get(tasks=offer.task_id).owner_version == version
    assert Event.objects.filter(type="reservation.accepted").count() == 1


def test_nobody_accepts_or_rejects_an_offer_made_to_another(now: dt.datetime) -> None:
    offer, _ = offered(now)
    stranger = make.worker(now=now)

    for answer in (reservations.accept, reservations.reject):
        with pytest.raises(NotYours):
            answer(offer, by=stranger, now=now)


def test_a_rejected_offer_cannot_be_accepted_any_more(now: dt.datetime) -> None:
    offer, worker = offered(now)
    reservations.reject(offer, by=worker, now=now)
    reservations.reject(offer, by=worker, now=now)

    with pytest.raises(ReservationOver):
        reservations.accept(offer, by=worker, now=now)

    assert Worker.objects.get(pk=worker.pk).load == 0
    assert Event.objects.filter(type="reservation.rejected").count() == 1


def test_an_accepted_offer_cannot_be_rejected(now: dt.datetime) -> None:
    offer, worker = offered(now)
    reservations.accept(offer, by=worker, now=now)

    with pytest.raises(ReservationOver):
        reservations.reject(offer, by=worker, now=now)


def test_an_offer_of_a_canceled_task_cannot_be_accepted(now: dt.datetime) -> None:
    offer, worker = offered(now)
    tasks.cancel(Task.objects.get(pk=offer.task_id), reason="left", now=now)

    with pytest.raises(ReservationOver) as refused:
        reservations.accept(offer, by=worker, now=now)

    assert refused.value.message == "This conversation no longer needs anybody."


def test_rejecting_can_take_the_agent_to_another_activity(now: dt.datetime) -> None:
    offer, worker = offered(now)

    reservations.reject(offer, by=worker, activity=make.activity("Break"), now=now)

    assert Worker.objects.get(pk=worker.pk).activity.friendly_name == "Break"


def test_an_offer_runs_out_only_when_its_time_is_over(now: dt.datetime) -> None:
    offer, _ = offered(now)

    assert reservations.expire(offer.pk, now=after(now, 119)) is False
    assert reservations.expire(offer.pk, now=after(now, 120)) is True
    assert reservations.expire(offer.pk, now=after(now, 121)) is False


def test_an_offer_that_ran_out_leaves_the_agent_where_they_are_by_default(now: dt.datetime) -> None:
    offer, worker = offered(now)

    reservations.expire(offer.pk, now=after(now, 120))

    worker.refresh_from_db()
    assert (worker.activity.friendly_name, worker.idle_since) == ("Available", after(now, 120))


def test_an_offer_that_ran_out_takes_the_agent_to_the_timeout_activity(now: dt.datetime) -> None:
    offer, worker = offered(now)
    make.workspace(timeout_activity=make.activity("Offline"))

    reservations.expire(offer.pk, now=after(now, 120))

    assert Worker.objects.get(pk=worker.pk).activity.friendly_name == "Offline"


def test_of_several_offers_the_first_accepted_rescinds_the_others(now: dt.datetime) -> None:
    first, second, third = (make.worker(name=name, now=now) for name in ("One", "Two", "Three"))
    queue = make.queue(max_reserved_workers=2)
    task = make.task(workflow=make.workflow({"queue": queue}), now=now)
    router = make.route(now)
    assert make.offers(task) == [("One", "pending"), ("Two", "pending")]

    reservations.accept(Reservation.objects.get(task=task, worker=second), by=second, now=now)
    router.tick(now)

    assert make.offers(task) == [("One", "rescinded"), ("Two", "accepted")]
    assert [Worker.objects.get(pk=worker.pk).load for worker in (first, second, third)] == [0, 10, 0]


def test_of_several_offers_one_rejected_leaves_the_task_offered(now: dt.datetime) -> None:
    first, second = (make.worker(name=name, now=now) for name in ("One", "Two"))
    task = make.task(workflow=make.workflow({"queue": make.queue(max_reserved_workers=2)}), now=now)
    make.route(now)

    reservations.reject(Reservation.objects.get(task=task, worker=first), by=first, now=now)
    assert Task.objects.get(pk=task.pk).status == "reserved"
    reservations.reject(Reservation.objects.get(task=task, worker=second), by=second, now=now)

    assert Task.objects.get(pk=task.pk).status == "pending"


def test_a_queue_that_accepts_by_itself_needs_no_click(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    queue = make.queue(auto_accept=True)
    task = make.task(workflow=make.workflow({"queue": queue}), conversation=make.conversation(), now=now)

    make.route(now)

    assert make.offers(task) == [(worker.friendly_name, "accepted")]
    assert Conversation.objects.get(tasks=task).owner == "worker"


def test_capacity_comes_back_with_every_ending(now: dt.datetime) -> None:
    worker = make.worker(capacities={"chat": 1}, now=now)
    router = make.route(now)
    for ending in ("reject", "expire", "cancel", "complete"):
        task = make.task(now=now)
        router.tick(now)
        offer = Reservation.objects.get(task=task)
        if ending == "reject":
            reservations.reject(offer, by=worker, now=now)
            tasks.cancel(task, reason="", now=now)
        elif ending == "expire":
            reservations.expire(offer.pk, now=after(now, 120))
            tasks.cancel(task, reason="", now=now)
        elif ending == "cancel":
            tasks.cancel(task, reason="", now=now)
        else:
            reservations.accept(offer, by=worker, now=now)
            tasks.complete(task, by=worker, now=now)
        router.tick(now)
        channel = WorkerChannel.objects.get(worker=worker, task_channel__unique_name="chat")
        assert (channel.load, Worker.objects.get(pk=worker.pk).load) == (0, 0), ending
