"""What consoles are promised: applying the events to the old state gives exactly what a fresh snapshot says."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from conversations import queries
from conversations.models import Conversation, Event
from tests.agents import reducer
from tests.conversations.scene import Scene

pytestmark = pytest.mark.django_db

TYPES = {
    "conversation.opened",
    "message.added",
    "message.updated",
    "owner.changed",
    "participant.changed",
    "conversation.updated",
    "conversation.closed",
}


ACTIONS = [name for name, member in vars(Scene).items() if not name.startswith("_") and callable(member)]


def _after(scene: Scene, state: dict[str, Any]) -> dict[str, Any]:
    """The old state with the new events applied, as a console does it."""
    for row in scene.conversation.events.filter(seq__gt=state["seq"]).order_by("seq"):
        event = {"seq": row.seq, "event": row.type, "data": row.data, "at": queries.iso(row.created_at)}
        new = reducer.apply(state, {"type": "event", "stream": scene.conversation.sid, **event})
        assert new is not None
        state = new
    return state


def _happens(scene: Scene, action: str) -> None:
    before = queries.snapshot(scene.conversation)
    getattr(scene, action)()
    assert _after(scene, before) == queries.snapshot(scene.conversation)


@pytest.mark.parametrize("action", ACTIONS)
def test_applying_what_happened_equals_a_fresh_snapshot(action: str, scene: Scene) -> None:
    for earlier in ("customer_writes", "bot_writes", "messages_go_out", "customer_sends_a_file", "amira_takes_over"):
        getattr(scene, earlier)()

    _happens(scene, action)


@pytest.mark.parametrize("seed", range(3))
def test_it_holds_in_whatever_order_things_happen(seed: int, scene: Scene) -> None:
    order = random.Random(seed).sample(ACTIONS, len(ACTIONS))
    order.remove("it_is_closed")

    for action in [*order, "it_is_closed", "another_app_writes", "customer_gets_and_reads", "contact_is_edited"]:
        scene.now += dt.timedelta(seconds=90)
        _happens(scene, action)


def test_every_event_type_is_among_them(scene: Scene) -> None:
    for action in ACTIONS:
        getattr(scene, action)()

    assert set(Event.objects.values_list("type", flat=True)) == TYPES


def test_an_events_data_holds_whole_parts_of_the_snapshot(scene: Scene) -> None:
    for action in ACTIONS:
        getattr(scene, action)()

    assert {key for event in Event.objects.all() for key in event.data} == {
        "conversation",
        "message",
        "participants",
    }


def test_event_numbers_have_no_gaps_and_are_announced_on_commit(scene: Scene) -> None:
    from conversations import events

    heard: list[int] = []

    def listen(conversation_id: object, seq: int, **_: object) -> None:
        if conversation_id == scene.conversation.pk:
            heard.append(seq)

    events.event_recorded.connect(listen)
    try:
        start = Conversation.objects.get(pk=scene.conversation.pk).event_seq
        for action in ACTIONS:
            getattr(scene, action)()
    finally:
        events.event_recorded.disconnect(listen)

    numbers = list(scene.conversation.events.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(heard) == numbers[start:]
