"""Two at once about one offer: senders who claim it, and a server whose answer meets the agent's. On PostgreSQL."""

from __future__ import annotations

import functools

import pytest

from routing.models import Callback, Reservation, Task, Worker, Workflow
from routing.services import callbacks, fold, reservations, tasks
from routing.services.instructions import Instruction
from tests.factories import routing as make
from tests.routing.racing import NOW, ROUNDS, after, assert_consistent, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def a_workflow() -> Workflow:
    made = make.workflow({"queue": make.queue()})
    made.assignment_callback_url = "https://shop.example/offers"
    made.save()
    return made


def offers(workflow: Workflow, worker: Worker, number: int = 1) -> list[Reservation]:
    made = [make.task(workflow=workflow, conversation=make.conversation(), now=NOW) for _ in range(number)]
    make.route(NOW)
    while fold.fold(NOW):
        pass
    return list(Reservation.objects.filter(task__in=made, worker=worker))


def test_every_offer_is_asked_about_by_one_sender() -> None:
    workflow = a_workflow()
    worker = make.worker(capacities={"chat": 50}, capacity=10_000, now=NOW)
    made = offers(workflow, worker, callbacks.AT_ONCE)

    claims = together(*[lambda: callbacks._claim(workflow.pk, now=after(1))] * callbacks.AT_ONCE)

    claimed = [claim.offer.pk for claim in claims if isinstance(claim, callbacks.Claim)]
    assert len(set(claimed)) == len(claimed)
    rest = [claim for _ in made if (claim := callbacks._claim(workflow.pk, now=after(2)))]
    assert {*claimed, *(claim.offer.pk for claim in rest)} == {offer.pk for offer in made}


@pytest.mark.parametrize("said", ["accept", "reject"])
@pytest.mark.parametrize("done", ["accept", "reject", "cancel"])
def test_the_servers_answer_and_somebody_elses_never_both_count(said: str, done: str) -> None:
    workflow = a_workflow()
    worker = make.worker(capacities={"chat": 50}, capacity=10_000, now=NOW)
    for _ in range(ROUNDS):
        (offer,) = offers(workflow, worker)
        claim = callbacks._claim(workflow.pk, now=after(1))
        assert claim is not None

        def meanwhile(offer: Reservation = offer) -> object:
            if done == "cancel":
                return tasks.cancel(offer.task, reason="left", now=after(2))
            return getattr(reservations, done)(offer, by=worker, now=after(2))

        together(functools.partial(callbacks.record, claim, Instruction(said), now=after(2)), meanwhile)

        assert_consistent()
        assert not Callback.objects.exists()
        offer.refresh_from_db()
        possible = {"accept": "accepted", "reject": "rejected", "cancel": "canceled"}
        assert offer.status in (possible[said], possible[done])
        task = Task.objects.get(pk=offer.task_id)
        if task.status == "assigned":
            tasks.complete(task, by=worker, now=after(3))
        elif task.status == "pending":
            tasks.cancel(task, reason="over", now=after(3))
