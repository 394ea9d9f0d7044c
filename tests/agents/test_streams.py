"""What a console follows: snapshots, events, what was missed, and hints that are lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from agents import streams
from agents.protocol import WORKER
from contactcenter.lib import clock, groups, push
from conversations.services import participants
from routing.models import Event, Worker
from tests.agents import samples, scenes
from tests.agents.console import Tab, an_agent, do, held_by
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


async def test_a_new_console_gets_snapshots() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    await do(scenes.says)(conversation, "Hello")

    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid, worker=True)

        assert {frame["stream"]: frame["type"] for frame in tab.seen if "stream" in frame} == {
            "worker": "snapshot",
            conversation.sid: "snapshot",
        }
        for name, stream in (("snapshot of the worker", "worker"), ("snapshot of a conversation", conversation.sid)):
            frame = next(frame for frame in tab.seen if frame.get("stream") == stream)
            samples.assert_same_shape(frame, samples.server_frame(name))
        state = tab.states[conversation.sid]
        assert state is not None
        assert [message["text"] for message in state["messages"]] == ["Hello"]


async def test_what_happens_arrives_as_events() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)

        await do(scenes.says)(conversation, "Hello")

        frame = await tab.until("event")
        assert frame["event"] == "message.added"
        assert frame["data"]["message"]["text"] == "Hello"
        samples.assert_same_shape(frame, samples.server_frame("event, message.added"))


async def test_reconnecting_replays_exactly_what_was_missed() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)
        await do(scenes.says)(conversation, "before")
        held = (await tab.until("event"))["seq"]
        session = tab.session
    for text in ("one", "two", "three"):
        await do(scenes.says)(conversation, text)

    async with Tab(amira, session=session) as tab:
        await tab.send("subscribe", conversations={conversation.sid: held})
        missed = [await tab._wire.receive_json_from() for _ in range(4)]

    assert [(frame["type"], frame.get("seq")) for frame in missed] == [
        ("event", held + 1),
        ("event", held + 2),
        ("event", held + 3),
        ("ok", None),
    ]
    assert [frame["data"]["message"]["text"] for frame in missed[:3]] == ["one", "two", "three"]


@pytest.mark.parametrize("held", ["too little", "more than there is"])
async def test_a_console_that_cannot_be_caught_up_gets_a_snapshot(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.streams.MAX_REPLAY", 3)
    amira = await an_agent()
    conversation = await held_by(amira)
    for text in "abcdef":
        await do(scenes.says)(conversation, text)

    async with Tab(amira) as tab:
        number = 1 if held == "too little" else 9999
        await tab.subscribe(conversation.sid, worker=True, held={conversation.sid: number, "worker": 9999})

        assert [frame["type"] for frame in tab.seen if "stream" in frame] == ["snapshot", "snapshot"]


async def test_a_longer_replay_than_one_read_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    amira = await an_agent()
    first, second = await held_by(amira), await held_by(amira)
    for text in "abc":
        await do(scenes.says)(first, text)
        await do(scenes.says)(second, text)
    monkeypatch.setattr("agents.streams.MAX_REPLAY", 4)
    monkeypatch.setattr("agents.pulse.PERIOD", 60)

    async with Tab(amira) as tab:
        tab.states = {first.sid: {"seq": 1, "messages": []}, second.sid: {"seq": 1, "messages": []}}
        await tab.subscribe(first.sid, second.sid, held={first.sid: 1, second.sid: 1})

        for one in (first, second):
            state = await tab.until_seq(one.sid, 4)
            assert [message["text"] for message in state["messages"]] == ["a", "b", "c"]


async def test_what_happens_while_the_snapshot_is_read_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.pulse.PERIOD", 60)
    start_for = streams.start_for
    amira = await an_agent()
    conversation = await held_by(amira)

    def start_and_then_something_happens(*args: Any) -> streams.Reading:
        reading = start_for(*args)
        scenes.says(conversation, "in between")
        return reading

    monkeypatch.setattr("agents.streams.start_for", start_and_then_something_happens)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)

        state = await tab.until_seq(conversation.sid, 2)
        assert state["messages"][-1]["text"] == "in between"


def test_what_is_committed_between_two_reads_is_an_event_and_no_snapshot() -> None:
    amira = factory.agent()
    worker = Worker.objects.get(user=amira)
    conversation = routing.conversation()
    offered: list[Any] = []

    def somebody_is_quicker(execute: Any, statement: str, *about: Any) -> Any:
        if '"event_seq" > ' in statement and not offered:  # no events were found; are there any?
            offered.append(None)
            offered.append(scenes.offer(conversation, amira))
        return execute(statement, *about)

    with connection.execute_wrapper(somebody_is_quicker):
        reading = streams.proceed(amira.pk, worker.pk, {WORKER: worker.event_seq}, [WORKER])

    assert len(offered) == 2
    assert [frame.type for frame in reading.frames] == ["event"]


def test_events_that_are_no_longer_kept_are_made_up_for_by_a_snapshot() -> None:
    amira = factory.agent()
    worker = Worker.objects.get(user=amira)
    scenes.offer(routing.conversation(), amira)
    Event.objects.filter(worker=worker).delete()  # as the sweep does after a month

    reading = streams.proceed(amira.pk, worker.pk, {WORKER: worker.event_seq}, [WORKER])

    assert [frame.type for frame in reading.frames] == ["snapshot"]


async def test_doubled_and_reordered_hints_change_nothing() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)
        await do(scenes.says)(conversation, "once")
        for seq in (99, 2, 1, 2, 2):
            push.send(groups.conversation(conversation.pk), {"type": "look", "stream": conversation.sid, "seq": seq})

        await tab.until("event")

        assert await tab.nothing()


async def test_an_event_that_comes_along_with_its_hint_is_shown_without_reading_its_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    amira = await an_agent()
    async with Tab(amira) as tab:
        await tab.subscribe(worker=True)
        monkeypatch.setattr("agents.streams.proceed", None)

        await do(scenes.offer)(await do(routing.conversation)(), amira)

        state = await tab.until_seq("worker", 2)
        assert [reservation["status"] for reservation in state["reservations"]] == ["pending"]


async def test_pushed_events_that_are_doubled_early_or_late_change_nothing() -> None:
    amira = await an_agent()
    async with Tab(amira) as tab:
        await tab.subscribe(worker=True)
        await do(scenes.offer)(await do(routing.conversation)(), amira)
        await tab.until_seq("worker", 2)
        for seq in (1, 2, 2, 99):
            event: dict[str, Any] = {
                "stream": "worker",
                "seq": seq,
                "event": "reservation.created",
                "data": {},
                "at": "2026-01-01",
            }
            push.send(groups.worker(amira.worker.pk), {"type": "event", **event})

        assert await tab.nothing()


async def test_a_lost_hint_costs_seconds_not_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.pulse.PERIOD", 0.1)
    monkeypatch.setattr("contactcenter.lib.push.send", lambda group, frame: None)
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid, worker=True)

        await do(scenes.says)(conversation, "unheard")
        await do(scenes.offer)(await do(routing.conversation)(), amira)

        state = await tab.until_seq(conversation.sid, 2)
        assert state["messages"][-1]["text"] == "unheard"
        await tab.until_seq("worker", 2)


async def forget_groups() -> None:
    """What a layer may lose: the memory layer its groups, Redis its data and its subscribers' connections."""
    from channels.layers import get_channel_layer
    from django.conf import settings

    if settings.REDIS_URL:
        import redis

        with redis.Redis.from_url(settings.REDIS_URL) as server:
            server.flushall()
            server.client_kill_filter(_type="pubsub")
    else:
        get_channel_layer()._groups.clear()


async def test_groups_forgotten_by_the_layer_are_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.pulse.PERIOD", 0.05)
    monkeypatch.setattr("agents.pulse.JOIN_EVERY", 2)
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)
        await forget_groups()

        # Nothing in the rows says that a colleague is writing: it comes through the group or not at all.
        frame = {"type": "composing", "conversation": conversation.sid, "user_sid": "US", "name": "B", "active": True}
        for _ in range(200):
            push.send(groups.conversation(conversation.pk), frame)
            if not await tab.nothing(0.05):
                break

        assert await tab.receive() == frame


async def test_events_and_snapshots_tell_the_same_story() -> None:
    amira, bob = await an_agent(name="Amira Nasser"), await an_agent(name="Bob Miller")
    conversation = await held_by(amira)
    offered = await do(routing.conversation)()

    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid, worker=True)
        await do(scenes.says)(conversation, "Hello")
        await tab.ask("message.send", conversation=conversation.sid, key="k1", text="Hi")
        await tab.ask("note.add", conversation=conversation.sid, key="k2", text="A regular")
        await tab.ask("conversation.read", conversation=conversation.sid, seq=2)
        await do(participants.join)(conversation, bob, now=clock.now())
        await do(scenes.hand_over)(conversation, bob)
        await do(participants.leave)(conversation, amira, now=clock.now())
        reservation = await do(scenes.offer)(offered, amira)
        assert (await tab.ask("reservation.accept", reservation=reservation.sid)) == {
            "type": "ok",
            "id": "5",
            "conversation": offered.sid,
        }
        offline = await do(routing.activity)("Offline")
        await tab.ask("activity.set", activity=offline.sid)
        for stream in (conversation.sid, "worker"):
            async with Tab(amira) as fresh:
                await fresh.subscribe(conversation.sid, worker=True)
                expected = fresh.states[stream]
                assert expected is not None
                assert await tab.until_seq(stream, expected["seq"]) == expected
        assert len({frame["event"] for frame in tab.seen if frame["type"] == "event"}) >= 6
