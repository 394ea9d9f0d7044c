"""The pages of events and webhooks: looking, and sending again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from routing.models import Delivery, Event, Receiver
from routing.services import fold, webhooks
from tests.factories import agents
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

NOW = make.NOW
EVENTS, WEBHOOKS = "/admin/routing/event/", "/admin/routing/delivery/"


@pytest.fixture
def operator() -> Client:
    make.workspace(event_callback_url="https://shop.example/events")
    return sign_in(is_superuser=True)


def sign_in(**fields: Any) -> Client:
    client = Client()
    client.force_login(agents.user(is_staff=True, **fields))
    return client


def test_events_are_found_by_whom_they_are_about(operator: Client) -> None:
    first, other = make.task(now=NOW), make.task(now=NOW)

    page = operator.get(EVENTS, {"q": first.sid}).content.decode()

    assert first.sid in page
    assert other.sid not in page
    assert operator.get(EVENTS, {"about": "task-queue"}).status_code == 200


def test_an_event_is_shown_as_it_is_sent(operator: Client) -> None:
    task = make.task(attributes={"name": "<b>Ada</b>"}, now=NOW)
    event = Event.objects.get(type="task.created")

    page = operator.get(f"{EVENTS}{event.pk}/change/").content.decode()

    assert f"Task {task.sid} created" in page
    assert "&lt;b&gt;Ada" in page


def test_chosen_events_are_sent_again(operator: Client) -> None:
    make.task(now=NOW)
    chosen = list(Event.objects.filter(type__startswith="task").values_list("pk", flat=True))

    operator.post(EVENTS, {"action": "send_again", "_selected_action": [str(pk) for pk in chosen]})

    assert {row.event_id for row in Delivery.objects.all()} == set(chosen)
    assert all(row.is_replay for row in Delivery.objects.all())


def test_everything_since_a_moment_is_sent_again(operator: Client) -> None:
    make.task(now=NOW)
    make.task(now=NOW + dt.timedelta(hours=1))
    moment = {"since_0": "2026-03-02", "since_1": "09:30:00"}

    answer = operator.post(f"{EVENTS}send-again/", moment)

    assert answer.status_code == 302
    assert Delivery.objects.count() == 4
    assert "from" in operator.get(f"{EVENTS}send-again/").content.decode()


def test_without_a_callback_the_page_says_why_nothing_is_sent(operator: Client) -> None:
    make.workspace(event_callback_url="")

    answer = operator.post(f"{EVENTS}send-again/", {"since_0": "2026-03-02", "since_1": "09:30:00"})

    assert "The workspace has no callback URL." in answer.content.decode()


def test_what_was_given_up_is_seen_and_sent_after_all(operator: Client) -> None:
    make.task(now=NOW)
    while fold.fold(NOW):
        pass
    webhooks.give_up_old(NOW + dt.timedelta(days=4))
    dead = Delivery.objects.filter(status="dead")
    assert "given up" in operator.get(WEBHOOKS).content.decode()
    assert f"{WEBHOOKS}?status__exact=dead" in operator.get("/admin/").content.decode()

    keys = [str(pk) for pk in dead.values_list("pk", flat=True)]
    operator.post(WEBHOOKS, {"action": "send_again", "_selected_action": keys})

    assert not dead.exists()
    assert f"{WEBHOOKS}?status__exact=dead" not in operator.get("/admin/").content.decode()
    assert Delivery.objects.filter(status="due").count() == len(keys)


def test_the_workspaces_page_says_how_its_receiver_answers(operator: Client) -> None:
    workspace = make.workspace()
    Receiver.objects.create(workspace=workspace, failures=7, error="It answered 503.")

    page = operator.get(f"/admin/routing/workspace/{workspace.pk}/change/").content.decode()

    assert "Failures in a row: 7. Last: It answered 503." in page


@pytest.mark.parametrize("page", [EVENTS, WEBHOOKS, f"{EVENTS}send-again/"])
def test_only_superusers_see_everybodys_events(page: str) -> None:
    make.workspace()

    assert sign_in().get(page).status_code == 403
