"""What a transfer looks like to the customer, and in the conversation."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation, Message
from routing.models import Event, Reservation
from routing.services import reservations, seats
from tests.routing.services.transfer_scene import Scene

pytestmark = pytest.mark.django_db


def lines(scene: Scene) -> list[tuple[str, dict[str, str]]]:
    rows = Message.objects.filter(conversation=scene.conversation, direction="system").order_by("seq")
    return [(row.kind, row.data) for row in rows]


def test_the_conversation_tells_its_story(scene: Scene) -> None:
    scene.transfer(scene.basil)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.at(1))
    seats.leave(scene.task, by=scene.amira, now=scene.at(2))
    scene.held = Reservation.objects.get(task=scene.task, worker=scene.basil)
    scene.amira, scene.basil = scene.basil, scene.amira
    scene.transfer(scene.queue, "COLD")

    assert lines(scene) == [
        ("accepted", {"name": "Amira"}),
        ("joined", {"name": "Basil"}),
        ("taken_over", {"name": "Basil", "before": "Amira"}),
        ("handed_over", {"name": "Basil", "queue": "Experts"}),
    ]
    assert Conversation.objects.get(pk=scene.conversation.pk).last_message_text == ""


def test_the_customer_is_shown_who_answers_from_now_on(scene: Scene, drain: Any) -> None:
    scene.transfer(scene.basil, "COLD")
    drain.clear()

    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.at(1))

    shown = [job.kwargs for job in drain.waiting if job.name == "conversations.jobs.notify"]
    assert [(notice["kind"], notice["data"]) for notice in shown] == [("agent", {"name": "Basil"})]


@pytest.mark.parametrize("mode", ["WARM", "COLD"])
def test_taking_what_a_colleague_had_is_no_end_of_the_customers_waiting(scene: Scene, mode: str) -> None:
    scene.transfer(scene.basil, mode)
    reservations.accept(scene.offer(scene.basil), by=scene.basil, now=scene.at(3600))

    first, second = Event.objects.filter(task=scene.task, type="reservation.accepted").order_by("task_seq")
    assert first.facts == {"waited": 0, "queued": 0}
    assert not second.facts
