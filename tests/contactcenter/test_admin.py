"""The supervisors' admin: every list at a constant number of queries, every page answering, nobody else's rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents.models import User
from channels_adapters.contract import Malformed
from conversations.models import InboundEvent, Message, Payload, Team, Transmission
from conversations.services import api_keys
from flows.models import Execution, Flow, Revision
from routing.models import Change, Delivery, Event, Reservation, Task, Worker
from tests.factories import adapters, agents, conversations, routing

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
OURS = {"conversations", "routing", "flows", "agents"}
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in OURS), key=lambda model: model._meta.label
)


@pytest.fixture(autouse=True)
def _echo_adapter() -> Iterator[None]:
    with adapters.installed():
        yield


def furnish(team: Team, number: int) -> None:
    """One row of everything that has a page, all of it belonging to ``team``."""
    person = agents.user(name=f"Agent {number}", teams=[team])
    worker = routing.worker(name=f"Worker {team.name} {number}", user=person, attributes={"languages": ["en"]})
    channel = conversations.channel(type="echo", team=team)
    talk = conversations.conversation(channel=channel, owner=person)
    message = Message.objects.create(
        conversation=talk,
        channel=channel,
        seq=1,
        direction="out",
        author="user",
        user=person,
        text="Hi",
        status="failed",
    )
    Transmission.objects.create(
        message=message, conversation=talk, channel=channel, due_at=NOW, status="failed", error="blocked"
    )
    payload = Payload.objects.create(
        connection=channel.connection,
        digest=hashlib.sha256(f"{team.pk}{number}".encode()).hexdigest(),
        body=b"{broken",
        status="failed",
    )
    InboundEvent.objects.create(
        payload=payload,
        connection=channel.connection,
        channel=channel,
        lane=f"{team.pk}-{number}",
        key=f"key-{number}",
        kind=Malformed.__name__,
        body={},
        at=NOW,
        status="failed",
    )
    flow = Flow.objects.create(friendly_name=f"Flow {team.name} {number}")
    revision = Revision.objects.create(flow=flow, number=1, definition={"states": [], "initial_state": "Trigger"})
    flow.published = revision
    flow.save()
    Execution.objects.create(flow=flow, revision=revision, conversation=talk)
    queue = routing.queue(team=team)
    flowchart = routing.workflow({"queue": queue})
    task = Task.objects.create(
        workspace=routing.workspace(),
        workflow=flowchart,
        queue=queue,
        task_channel=routing.workspace().task_channels.get(unique_name="chat"),
        conversation=talk,
    )
    Reservation.objects.create(task=task, worker=worker)
    event = Event.objects.create(
        workspace=routing.workspace(), type="task.created", task_id=task.pk, queue_id=queue.pk, created_at=NOW
    )
    Delivery.objects.create(
        event=event, workspace_id=event.workspace_id, stream=task.pk, created_at=NOW, due_at=NOW, status="dead"
    )
    api_keys.create(name=f"Key {team.name} {number}", scopes=["routing"], now=NOW)
    agents.canned_reply(team=team)
    agents.disposition(code=f"d-{team.pk.hex}-{number}", label=f"Done {number}")


def sign_in(**fields: Any) -> Client:
    person = agents.user(is_staff=True, **fields)
    client = Client()
    client.force_login(person)
    return client


def queries_of(client: Client, url: str) -> int:
    client.get(url)  # warm caches that live longer than a request (content types ...)
    with CaptureQueriesContext(connection) as seen:
        response = client.get(url)
    assert response.status_code == 200
    return len(seen)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_takes_as_many_queries_with_one_row_as_with_four(model: Any) -> None:
    client = sign_in(is_superuser=True)
    team = agents.team("North")
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    furnish(team, 1)
    with_one = queries_of(client, url)
    for number in (2, 3, 4):
        furnish(team, number)

    with_four = queries_of(client, url)

    assert with_four == with_one


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_row_has_a_page_that_answers(model: Any) -> None:
    client = sign_in(is_superuser=True)
    furnish(agents.team("North"), 1)
    row = model._default_manager.first()

    response = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]))

    assert response.status_code == 200


@pytest.mark.parametrize(
    "model",
    [
        m
        for m in MODELS
        if m.__name__ in {"Conversation", "Transmission", "Payload", "InboundEvent", "Task", "Execution"}
    ],
    ids=lambda model: model._meta.label,
)
def test_a_supervisor_sees_no_row_of_another_team(model: Any) -> None:
    team, foreign = agents.team("North"), agents.team("South")
    client = sign_in(teams=[team])
    User.objects.get(pk=client.session["_auth_user_id"]).user_permissions.set(Permission.objects.all())
    furnish(foreign, 1)
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    listed = client.get(reverse(f"{base}_changelist"))
    opened = client.get(reverse(f"{base}_change", args=[model.objects.get().pk]))

    assert listed.context["cl"].result_count == 0
    assert opened.status_code == 302  # Django's admin sends who asks for a row that is not there back to the start


def test_the_first_page_says_what_is_going_on_in_a_constant_number_of_queries() -> None:
    client = sign_in(is_superuser=True)
    team = agents.team("North")
    furnish(team, 1)
    with_one = queries_of(client, reverse("admin:index"))
    for number in (2, 3, 4):
        furnish(team, number)

    with_four = queries_of(client, reverse("admin:index"))
    response = client.get(reverse("admin:index"))

    assert with_four == with_one
    assert {card["label"]: card["value"] for card in response.context["cards"]}["Waiting"] == 4


def test_a_channel_s_secret_is_never_shown_and_stays_when_its_field_is_left_empty() -> None:
    client = sign_in(is_superuser=True)
    made = conversations.connection(type="echo", secret="s3cret-in-the-vault")
    url = reverse("admin:conversations_connection_change", args=[made.pk])

    page = client.get(url)
    client.post(url, {"name": "Renamed", "is_active": "on", "setting_secret": ""})

    made.refresh_from_db()
    assert b"s3cret-in-the-vault" not in page.content
    assert made.name == "Renamed"
    assert made.secrets() == {"secret": "s3cret-in-the-vault"}


def test_an_agent_s_skills_are_edited_as_words_and_the_router_is_told() -> None:
    client = sign_in(is_superuser=True)
    worker = routing.worker(name="Dalia", attributes={"languages": ["en"], "contact_uri": "client:dalia"})
    Change.objects.all().delete()
    channels = list(worker.channels.order_by("pk"))
    form = {
        "friendly_name": "Dalia",
        "activity": worker.activity_id,
        "capacity": 100,
        "languages": "ar, en",
        "skills": "billing",
        "departments": "",
        "attributes": '{"contact_uri": "client:dalia"}',
        "channels-TOTAL_FORMS": len(channels),
        "channels-INITIAL_FORMS": len(channels),
        "channels-MIN_NUM_FORMS": 0,
        "channels-MAX_NUM_FORMS": 1000,
    }
    for index, channel in enumerate(channels):
        form[f"channels-{index}-id"] = str(channel.pk)
        form[f"channels-{index}-worker"] = str(worker.pk)
        form[f"channels-{index}-capacity"] = 7
        form[f"channels-{index}-is_available"] = "on"

    response = client.post(reverse("admin:routing_worker_change", args=[worker.pk]), form)

    stored = Worker.objects.get(pk=worker.pk)
    assert response.status_code == 302
    assert stored.attributes == {
        "contact_uri": "client:dalia",
        "languages": ["ar", "en"],
        "skills": ["billing"],
        "departments": [],
    }
    assert {channel.capacity for channel in stored.channels.all()} == {7}
    assert Change.objects.filter(kind="worker", subject=worker.pk).exists()


def test_a_queue_with_a_malformed_expression_is_refused_with_the_reason() -> None:
    client = sign_in(is_superuser=True)
    routing.workspace()

    response = client.post(
        reverse("admin:routing_taskqueue_add"),
        {
            "friendly_name": "Broken",
            "target_workers": "languages HAS",
            "task_order": "FIFO",
            "max_reserved_workers": 1,
        },
    )

    assert response.status_code == 200
    assert "target_workers" in response.context["adminform"].form.errors
