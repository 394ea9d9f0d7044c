"""What consoles are promised: applying the events to the old state gives exactly what a fresh snapshot says."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest

from conversations import queries
from conversations.models import Conversation, Event, Message
from conversations.services import contacts
from tests.agents import reducer
from tests.conversations.scene import Scene
from tests.factories import conversations as make

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


def _shape(value: Any) -> Any:
    """Which keys an object has, all the way down; lists by their first item; what varies by nature left out."""
    free = {"attributes", "data", "reactions", "media", "attachments"}
    if isinstance(value, dict):
        return {key: None if key in free else _shape(part) for key, part in sorted(value.items())}
    return [_shape(value[0])] if isinstance(value, list) and value else None


def test_a_snapshot_looks_as_the_front_end_was_told(scene: Scene) -> None:
    from tests.agents import samples

    for action in ("customer_writes", "agent_writes", "amira_reads"):
        getattr(scene, action)()

    told = samples.server_frame("snapshot of a conversation")["state"]
    assert _shape(queries.snapshot(scene.conversation)) == _shape(told)


def test_the_reply_window_is_in_the_snapshot(now: dt.datetime) -> None:
    windowed = make.conversation(channel=make.channel(type="window"), last_customer_at=now)

    shown = queries.conversation_json(windowed)["reply_window"]

    assert shown == {
        "closes_at": (now + dt.timedelta(hours=24)).isoformat(),
        "human_closes_at": (now + dt.timedelta(days=7)).isoformat(),
    }
    assert queries.conversation_json(make.conversation())["reply_window"] == {
        "closes_at": None,
        "human_closes_at": None,
    }


def _cost(function: Callable[[], Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        function()
    return len(captured)


def test_lists_cost_the_same_however_long_they_are(scene: Scene) -> None:
    user, contact = scene.amira, scene.conversation.identity.contact
    lists = {
        "snapshot": lambda: queries.snapshot(scene.conversation),
        "messages": lambda: queries.messages_before(scene.conversation, before=10_000),
        "timeline": lambda: queries.timeline(contact, user=user),
        "list": lambda: [queries.conversation_json(row) for row in queries.conversations(user)],
        "search": lambda: [queries.conversation_json(row) for row in queries.conversations(user, q="words")],
        "unread": lambda: queries.unread(queries.conversations(user), user),
    }
    scene.customer_sends_a_file()
    scene.bob_watches()
    short = {name: _cost(function) for name, function in lists.items()}

    for number in range(4):
        scene.customer_writes()
        scene.customer_sends_a_file()
        scene.agent_writes()
        make.received(scene.line, sender=make.sender(f"other-{number}"), text="words")
    long = {name: _cost(function) for name, function in lists.items()}

    assert long == short
    assert max(short.values()) <= 4


def test_pages_follow_each_other_without_gap_or_double(now: dt.datetime, scene: Scene) -> None:
    for number in range(7):
        make.received(scene.line, sender=make.sender(f"other-{number}"), now=now)  # all at the same moment
    seen: list[Any] = []
    before: tuple[dt.datetime, Any] | None = None
    while page := queries.conversations(scene.amira, before=before, limit=3):
        seen += [row.pk for row in page]
        assert page[-1].last_message_at is not None
        before = (page[-1].last_message_at, page[-1].pk)

    assert len(seen) == len(set(seen)) == 8


def test_older_messages_come_page_by_page(scene: Scene) -> None:
    for _ in range(5):
        scene.customer_writes()

    last = queries.messages_before(scene.conversation, limit=2)
    older = queries.messages_before(scene.conversation, before=last[0]["seq"], limit=2)

    assert [message["seq"] for message in older + last] == [2, 3, 4, 5]


def test_the_timeline_runs_across_channels_newest_first(now: dt.datetime, scene: Scene) -> None:
    other = make.channel(team=scene.line.team)
    hidden = make.channel()
    scene.customer_writes()
    for line in (other, hidden):
        elsewhere = make.received(line, sender=make.sender(f"me at {line.address}")).conversation
        contacts.merge(scene.conversation.identity.contact, elsewhere.identity.contact, now=now)
    scene.customer_writes()

    rows = queries.timeline(scene.conversation.identity.contact, user=scene.bob)

    assert [row["channel"]["sid"] for row in rows] == [scene.line.sid, other.sid, scene.line.sid]
    before = Message.id_from_sid(rows[0]["message"]["sid"])
    assert queries.timeline(scene.conversation.identity.contact, user=scene.bob, before=before) == rows[1:]


def test_searching_for_nonsense_finds_nothing_and_harms_nobody(scene: Scene) -> None:
    for q in ("%", "_", "'; DROP TABLE x; --", "\x00", "\ud800", "a" * 10_000, "\\"):
        assert isinstance(queries.conversations(scene.amira, q=q), list)


def test_unread_counts_are_those_after_the_last_read(scene: Scene) -> None:
    scene.amira_takes_over()
    scene.customer_writes()
    scene.amira_reads()
    scene.customer_writes()
    rows = queries.conversations(scene.amira)

    assert queries.unread(rows, scene.amira) == {scene.conversation.pk: 1}
    assert queries.unread(rows, scene.bob) == {scene.conversation.pk: 0}
