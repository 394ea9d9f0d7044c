"""Whom a conversation can be handed to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents import targets
from conversations.models import Conversation
from routing.models import Reservation, Workspace
from routing.services import presence, reservations, setup
from tests.agents.test_api import signed_in
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = pytest.mark.django_db


def serving(now: dt.datetime) -> tuple[Client, Conversation]:
    amira = factory.agent(name="Amira")
    conversation = routing.conversation(now=now)
    task = routing.task(conversation=conversation, now=now)
    routing.route(now)
    reservations.accept(Reservation.objects.get(task=task), by=factory.worker_of(amira), now=now)
    return signed_in(amira), conversation


def listed(client: Client, conversation: Conversation) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/api/conversations/{conversation.sid}/targets/").json()
    return answer


def test_colleagues_and_queues_with_what_decides_whether_they_can_be_asked(now: dt.datetime) -> None:
    client, conversation = serving(now)
    free = routing.worker(name="Basil", now=now)
    full = routing.worker(name="Chloe", capacities={"chat": 0}, now=now)
    away = routing.worker(name="Dalia", now=now)
    presence.set_activity(away, routing.activity("Break"), by=None, now=now)
    experts = routing.queue(name="Experts", target_workers="friendly_name == 'Basil'")

    found = listed(client, conversation)

    assert found["agents"] == [
        {"sid": free.sid, "name": "Basil", "activity": "Available", "available": True, "has_room": True},
        {"sid": full.sid, "name": "Chloe", "activity": "Available", "available": True, "has_room": False},
        {"sid": away.sid, "name": "Dalia", "activity": "Break", "available": False, "has_room": True},
    ]
    assert {queue["name"]: queue["available"] for queue in found["queues"]} == {"Everyone": 2, "Experts": 0}
    assert experts.sid in {queue["sid"] for queue in found["queues"]}


def test_the_number_of_queries_does_not_grow_with_the_house(now: dt.datetime) -> None:
    client, conversation = serving(now)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            listed(client, conversation)
        counts.append(len(queries))
        for _ in range(3):
            routing.worker(now=now)
            routing.queue()

    assert counts[0] == counts[1]


def test_nobody_of_another_workspace_and_nothing_for_who_takes_no_tasks(now: dt.datetime) -> None:
    conversation = serving(now)[1]
    team = factory.team(members=[])
    conversation.channel.team = team
    conversation.channel.save()
    supervisor = factory.supervisor(teams=[team])
    mine = factory.worker_of(factory.agent(name="Basil"))
    elsewhere = Workspace.objects.create(friendly_name="Elsewhere")

    assert listed(signed_in(supervisor), conversation) == {"agents": [], "queues": []}
    mine.workspace = elsewhere
    assert targets.find(mine, routing.worker(now=now).sid) is None
    assert targets.find(mine, "WK" + "0" * 32) is None
    assert setup.default_workspace() != elsewhere
