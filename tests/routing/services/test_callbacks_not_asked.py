"""Which server is asked about which offer, and when none is."""

from __future__ import annotations

from typing import Any

import pytest

from routing.models import Callback, CallbackReceiver, Task, Workflow
from routing.services import callbacks, reservations, transfers
from tests.factories import routing as make
from tests.routing.services.callback_offers import ACCEPT, NOW, after, failures, note, offer
from tests.support.receiver import WebhookReceiver

pytestmark = pytest.mark.django_db


def test_an_offer_that_has_ended_is_not_asked_about(workflow: Workflow, server: WebhookReceiver) -> None:
    worker = make.worker(now=NOW)
    answered = offer(workflow, worker=worker)
    gone = offer(workflow, worker=worker)
    open_ = offer(workflow, worker=worker)
    reservations.accept(answered, by=worker, now=after(4))
    gone.task.delete()

    assert callbacks.send(workflow.pk, now=after(5)) == 1

    assert [got.form["ReservationSid"] for got in server.got] == [open_.sid]
    assert not Callback.objects.exists()


def test_another_address_is_asked_though_the_one_before_is_left_alone(
    workflow: Workflow, server: WebhookReceiver, spare: WebhookReceiver
) -> None:
    worker = make.worker(capacities={"chat": 50}, capacity=10_000, now=NOW)
    for _ in range(6):
        offer(workflow, worker=worker)
    server.answer = lambda got: 503
    callbacks.send(workflow.pk, now=after(4))
    assert failures()[-1] == ("11200", "It is left alone after 5 failures. Last: It answered 503.")
    workflow.assignment_callback_url = spare.url
    workflow.save()
    offer(workflow, worker=worker)

    callbacks.send(workflow.pk, now=after(5))

    assert len(spare.got) == 1
    known = CallbackReceiver.objects.get()
    assert (known.url, known.failures, known.error) == (spare.url, 0, "")


def test_without_a_key_to_sign_with_nothing_is_asked(server: WebhookReceiver) -> None:
    workflow = make.workflow({"queue": make.queue()})
    workflow.assignment_callback_url = server.url
    workflow.save()
    offer(workflow)

    callbacks.send(workflow.pk, now=after(4))

    assert server.got == []
    assert failures() == [("11200", "There is no API key for routing to sign with. Make one.")]


def test_an_address_inside_the_house_is_not_asked(workflow: Workflow, server: WebhookReceiver, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = []
    offer(workflow)

    callbacks.send(workflow.pk, now=after(4))

    assert server.got == []
    assert failures()[0][1].startswith("AddressRefused")


def test_a_workflow_without_an_address_leaves_nothing_to_ask(workflow: Workflow, server: WebhookReceiver) -> None:
    other = make.workflow({"queue": make.queue()})
    offer(other)
    assert not Callback.objects.exists()

    offer(workflow)
    workflow.assignment_callback_url = ""
    workflow.save()
    assert callbacks.send(workflow.pk, now=after(4)) == 0
    assert not Callback.objects.exists()


def test_an_offer_that_is_gone_before_it_is_noted_stops_nobody(workflow: Workflow, server: WebhookReceiver) -> None:
    make.worker(now=NOW)
    make.task(workflow=workflow, now=NOW)
    make.route(NOW)
    Task.objects.all().delete()

    note()

    assert callbacks.send(workflow.pk, now=after(4)) == 0
    assert not Callback.objects.exists()


def test_who_is_asked_to_take_over_is_asked_about_too(workflow: Workflow, server: WebhookReceiver) -> None:
    giver, taker = make.worker(name="Giver", now=NOW), make.worker(name="Taker", now=after(1))
    held = offer(workflow, worker=giver)
    reservations.accept(held, by=giver, now=after(3))
    transfers.start(held, to=taker, by=giver, now=after(4))
    make.route(after(4))
    note()
    server.answer = lambda got: ACCEPT

    assert callbacks.send(workflow.pk, now=after(5)) == 1

    assert server.got[0].form["WorkerSid"] == taker.sid
    assert make.offers(held.task) == [("Giver", "accepted"), ("Taker", "accepted")]
