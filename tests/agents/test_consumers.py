from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.db import database_sync_to_async

from agents.models import Draft, User
from contactcenter.lib import clock
from conversations.models import Conversation, Message
from conversations.services import participants
from routing.models import WorkerSocket
from routing.services import presence
from tests.agents import samples, scenes
from tests.agents.console import Closed, Tab, eventually
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]

do = database_sync_to_async


async def an_agent(**fields: Any) -> User:
    made: User = await do(factory.agent)(**fields)
    return made


async def held_by(agent: User) -> Conversation:
    made: Conversation = await do(scenes.conversation)(owner=agent)
    return made


# -- coming and going ----------------------------------------------------------------------------------


async def test_an_agent_is_welcomed() -> None:
    await do(factory.disposition)(label_ar="تم الحل")
    amira = await an_agent(name="Amira Nasser", language="ar")

    async with Tab(amira) as tab:
        samples.assert_same_shape(tab.welcome, samples.server_frame("welcome"))
        assert tab.welcome["user"] == {
            "sid": amira.sid,
            "name": "Amira Nasser",
            "username": amira.username,
            "language": "ar",
            "theme": "system",
            "is_supervisor": False,
        }
        assert tab.welcome["dispositions"] == [{"code": "resolved", "label": "Resolved", "label_ar": "تم الحل"}]


async def test_a_supervisor_without_a_worker_may_watch() -> None:
    sara = await do(factory.supervisor)()

    async with Tab(sara) as tab:
        assert tab.welcome["worker_sid"] is None
        assert (await tab.subscribe(worker=True))["type"] == "ok"
        assert {"type": "gone", "stream": "worker"} in tab.seen


async def test_the_router_hears_of_a_console_coming_and_going() -> None:
    amira = await an_agent()
    worker = await do(factory.worker_of)(amira)

    async with Tab(amira):
        assert await do(WorkerSocket.objects.filter(worker=worker).count)() == 1
    await do(worker.refresh_from_db)()

    assert await do(WorkerSocket.objects.count)() == 0
    assert worker.vanished_at is not None


async def test_a_frame_counts_as_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.consumers.HEARTBEAT_EVERY", 0)
    amira = await an_agent()
    async with Tab(amira) as tab:
        await do(WorkerSocket.objects.all().delete)()

        await tab.ask_ping()

        await eventually(lambda: WorkerSocket.objects.count() == 1)


@pytest.mark.parametrize("who", ["nobody", "no desk", "inactive"])
async def test_who_may_not_use_the_console_is_told_and_closed(who: str) -> None:
    user = None
    if who == "no desk":
        user = await do(factory.user)()
    elif who == "inactive":
        user = await an_agent(is_active=False)
    tab = Tab(user)

    assert await tab.connect() == {"type": "bye", "reason": "signed_out"}
    with pytest.raises(Closed) as closed:
        await tab.receive()
    assert closed.value.code == 4401
    await tab.disconnect()


@pytest.mark.parametrize(
    "origin", ["", "http://evil.example", "http://localhost:9999", "null", "http://localhost.evil.example"]
)
async def test_a_foreign_page_may_not_open_the_socket(origin: str) -> None:
    amira = await an_agent()

    with pytest.raises(Closed):
        await Tab(amira, origin=origin).connect()

    assert await do(WorkerSocket.objects.count)() == 0


# -- streams -------------------------------------------------------------------------------------------


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
    from agents import streams

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


async def test_doubled_and_reordered_hints_change_nothing() -> None:
    from contactcenter.lib import groups, push

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
    from contactcenter.lib import groups, push

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
    from contactcenter.lib import groups, push

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


# -- tabs ----------------------------------------------------------------------------------------------


async def test_two_tabs_of_one_agent_agree() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as one, Tab(amira) as other:
        for tab in (one, other):
            await tab.subscribe(conversation.sid, worker=True)
        reservation = await do(scenes.offer)(await do(routing.conversation)(), amira)
        await one.until_seq("worker", 2)
        await other.until_seq("worker", 2)

        await one.ask("message.send", conversation=conversation.sid, key="k", text="from one")
        await other.ask("reservation.reject", reservation=reservation.sid)
        await other.ask("message.send", conversation=conversation.sid, key="l", text="from the other")

        for stream in (conversation.sid, "worker"):
            last = max(tab.states[stream]["seq"] for tab in (one, other))  # type: ignore[index]
            assert await one.until_seq(stream, last) == await other.until_seq(stream, last)


async def test_a_draft_is_kept_and_shown_in_other_tabs_only() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as one, Tab(amira) as other:
        await one.ask("draft.save", conversation=conversation.sid, text="Dear")

        assert await other.until("draft") == {"type": "draft", "conversation": conversation.sid, "text": "Dear"}
        assert await one.nothing()
        assert await do(lambda: Draft.objects.get().text)() == "Dear"

        await other.ask("draft.save", conversation=conversation.sid, text=" ")

        assert (await one.until("draft"))["text"] == " "
        assert await do(Draft.objects.count)() == 0


async def test_reading_in_one_tab_is_known_in_the_other() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    await do(scenes.says)(conversation, "Hello")
    async with Tab(amira) as one, Tab(amira) as other:
        await other.subscribe(conversation.sid)

        await one.ask("conversation.read", conversation=conversation.sid, seq=500)

        assert await other.until("read") == {"type": "read", "conversation": conversation.sid, "seq": 1}


async def test_a_colleague_writing_is_shown_to_others_on_the_conversation() -> None:
    team = await do(factory.team)()
    amira, bob = await an_agent(name="Amira Nasser", teams=[team]), await an_agent(teams=[team])
    conversation = await do(scenes.conversation)(owner=amira, team=team)
    async with Tab(amira) as one, Tab(amira) as own_other, Tab(bob) as colleague:
        for tab in (one, own_other, colleague):
            await tab.subscribe(conversation.sid)

        await one.ask("typing", conversation=conversation.sid, active=True)

        assert await colleague.until("composing") == {
            "type": "composing",
            "conversation": conversation.sid,
            "user_sid": amira.sid,
            "name": "Amira Nasser",
            "active": True,
        }
        assert await own_other.nothing()


async def test_the_customer_learns_of_those_who_serve_them_and_not_of_watchers(drain: Any) -> None:
    team = await do(factory.team)()
    amira, bob = await an_agent(teams=[team]), await an_agent(teams=[team])
    conversation = await do(scenes.conversation)(owner=amira, team=team)
    await do(scenes.says)(conversation, "Hello")
    drain.clear()
    async with Tab(amira) as serving, Tab(bob) as watching:
        for tab in (watching, serving):
            await tab.ask("typing", conversation=conversation.sid, active=True)
            await tab.ask("conversation.read", conversation=conversation.sid, seq=1)

    assert [(job.name, job.kwargs["kind"], job.kwargs["data"]) for job in drain.waiting] == [
        ("conversations.jobs.notify", "typing", {"active": True, "name": await do(lambda: amira.display_name)()}),
        ("conversations.jobs.notify", "read", {"seq": 1}),
    ]


async def test_the_customer_writing_is_shown() -> None:
    from conversations import events

    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)

        await do(events.typing.send)(None, conversation_id=conversation.pk, active=True)

        frame = await tab.until("typing")
        assert (frame["conversation"], frame["who"], frame["active"]) == (conversation.sid, "customer", True)


# -- writing -------------------------------------------------------------------------------------------


async def test_the_same_key_is_the_same_message() -> None:
    amira = await an_agent()
    conversation = await held_by(amira)
    async with Tab(amira) as one, Tab(amira) as other:
        first = await one.ask("message.send", conversation=conversation.sid, key="k", text="Hi", seen_seq=0)
        again = await one.ask("message.send", conversation=conversation.sid, key="k", text="Hi", seen_seq=0)
        elsewhere = await other.ask("message.send", conversation=conversation.sid, key="k", text="Hi", seen_seq=0)

    assert first["message"] == again["message"] == elsewhere["message"]
    assert await do(Message.objects.count)() == 1


async def test_who_has_not_seen_a_colleagues_answer_is_asked() -> None:
    amira, bob = await an_agent(name="Amira Nasser"), await an_agent(name="Bob Miller")
    conversation = await held_by(amira)
    await do(participants.join)(conversation, bob, role="joining", now=clock.now())
    await do(scenes.says)(conversation, "Where is my order?")
    async with Tab(amira) as tab:
        await do(scenes.replies)(conversation, bob, "It is on its way.")

        refusal = await tab.ask("message.send", conversation=conversation.sid, key="k", text="I look it up", seen_seq=1)
        forced = await tab.ask(
            "message.send", conversation=conversation.sid, key="k", text="I look it up", seen_seq=1, force=True
        )
        seen = await tab.ask("message.send", conversation=conversation.sid, key="l", text="Anything else?", seen_seq=2)

    assert (refusal["type"], refusal["code"]) == ("refused", "conversation.answered_meanwhile")
    assert "Bob Miller" in refusal["message"]
    assert (forced["type"], seen["type"]) == ("ok", "ok")
    samples.assert_same_shape(forced, samples.server_frame("ok of message.send"))


async def test_who_only_watches_cannot_write_but_can_note() -> None:
    team = await do(factory.team)()
    amira, bob = await an_agent(), await an_agent(teams=[team])
    conversation = await do(scenes.conversation)(owner=amira, team=team)
    async with Tab(bob) as tab:
        assert (await tab.ask("conversation.watch", conversation=conversation.sid))["type"] == "ok"

        refusal = await tab.ask("message.send", conversation=conversation.sid, key="k", text="psst")
        note = await tab.ask("note.add", conversation=conversation.sid, key="n", text="Offer a discount")
        assert (await tab.ask("conversation.unwatch", conversation=conversation.sid))["type"] == "ok"

    assert (refusal["type"], refusal["code"]) == ("refused", "conversation.not_participant")
    assert note["message"]["direction"] == "note"


# -- the work ------------------------------------------------------------------------------------------


async def accepted(agent: User, tab: Tab) -> Conversation:
    conversation: Conversation = await do(routing.conversation)()
    reservation = await do(scenes.offer)(conversation, agent)
    await tab.ask("reservation.accept", reservation=reservation.sid)
    return conversation


async def test_wrapping_up_and_completing_closes_the_conversation_with_the_disposition_and_the_note() -> None:
    await do(factory.disposition)("resolved")
    amira = await an_agent()
    async with Tab(amira) as tab:
        await tab.subscribe(worker=True)
        conversation = await accepted(amira, tab)
        await tab.ask("draft.save", conversation=conversation.sid, text="never mind")

        assert (await tab.ask("task.wrapup", conversation=conversation.sid))["type"] == "ok"
        unknown = await tab.ask("task.complete", conversation=conversation.sid, disposition="whatever")
        for _ in range(2):
            await tab.ask("task.complete", conversation=conversation.sid, disposition="resolved", note="Refunded")

        assert (unknown["type"], unknown["code"]) == ("refused", "console.unknown_disposition")
        await do(conversation.refresh_from_db)()
        assert (conversation.status, conversation.disposition) == ("closed", "resolved")
        assert await do(lambda: [m.text for m in Message.objects.filter(direction="note")])() == ["Refunded"]
        assert await do(Draft.objects.count)() == 0
        state = await tab.until_seq("worker", 5)
        assert state["reservations"] == []


async def test_returning_a_conversation_to_the_queue_leaves_the_note() -> None:
    amira = await an_agent()
    async with Tab(amira) as tab:
        conversation = await accepted(amira, tab)

        answer = await tab.ask("conversation.requeue", conversation=conversation.sid, note="Speaks French")

        assert answer["type"] == "ok"
        await do(conversation.refresh_from_db)()
        assert conversation.owner == "queue"
        assert await do(lambda: [m.text for m in Message.objects.filter(direction="note")])() == ["Speaks French"]


async def test_a_colleague_joins_and_the_giver_leaves() -> None:
    amira = await an_agent(name="Amira Nasser")
    async with Tab(amira) as tab:
        conversation = await accepted(amira, tab)
        bob = await an_agent(name="Bob Miller", worker={"capacity": 50})
        to = await do(factory.worker_of)(bob)

        started = await tab.ask("transfer.start", conversation=conversation.sid, to=to.sid, mode="WARM", note="Refund?")
        again = await tab.ask("transfer.start", conversation=conversation.sid, to=to.sid, mode="WARM")
        canceled = await tab.ask("transfer.cancel", conversation=conversation.sid)
        await tab.ask("transfer.start", conversation=conversation.sid, to=to.sid, mode="WARM", note="Refund?")
        await do(routing.route)(clock.now())
        async with Tab(bob) as other:
            await other.subscribe(worker=True)
            offer = (await other.until_seq("worker", 1))["reservations"][0]
            assert (offer["role"], offer["transfer"]["note"], offer["transfer"]["direction"]) == (
                "joining",
                "Refund?",
                "incoming",
            )
            await other.ask("reservation.accept", reservation=offer["sid"])
            left = await tab.ask("conversation.leave", conversation=conversation.sid)

    assert (started["type"], again["code"], canceled["type"], left["type"]) == (
        "ok",
        "routing.wrong_state",
        "ok",
        "ok",
    )
    await do(conversation.refresh_from_db)()
    assert conversation.owner_sid == to.sid
    assert await do(lambda: [m.text for m in Message.objects.filter(direction="note")])() == ["Refund?"]


async def test_refusals_speak_the_agents_language(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import translation

    spoken: list[str] = []

    def listen(*args: Any) -> Any:
        spoken.append(translation.get_language())
        raise AssertionError

    monkeypatch.setattr("agents.actions.visibility.get", listen)
    for language in ("ar", "en"):
        async with Tab(await an_agent(language=language)) as tab:
            await tab.ask("conversation.watch", conversation="CH" + "0" * 32)

    assert spoken == ["ar", "en"]


async def test_an_offer_to_somebody_else_does_not_exist_for_me() -> None:
    amira, bob = await an_agent(), await an_agent()
    reservation = await do(scenes.offer)(await do(routing.conversation)(), bob)
    async with Tab(amira) as tab:
        for command in ("reservation.accept", "reservation.reject"):
            refusal = await tab.ask(command, reservation=reservation.sid)
            assert (refusal["type"], refusal["code"]) == ("refused", "not_found")


async def test_a_supervisor_completes_a_stuck_task_of_the_team() -> None:
    team = await do(factory.team)()
    amira, sara = await an_agent(), await do(factory.supervisor)(teams=[team])
    async with Tab(amira) as tab:
        conversation = await accepted(amira, tab)
    conversation.channel.team = team
    await do(conversation.channel.save)()

    async with Tab(sara) as tab:
        assert (await tab.ask("task.complete", conversation=conversation.sid, disposition=""))["type"] == "ok"

    await do(conversation.refresh_from_db)()
    assert conversation.status == "closed"


# -- who may be here -----------------------------------------------------------------------------------


@pytest.fixture
def quick_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.pulse.PERIOD", 0.1)
    monkeypatch.setattr("agents.pulse.ACCESS_EVERY", 1)


def sign_out_everywhere(user: User) -> None:
    from django.contrib.sessions.models import Session

    Session.objects.all().delete()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User) -> None:
    user.set_password("another one")
    user.save()


def take_the_desk(user: User) -> None:
    factory.worker_of(user).delete()


@pytest.mark.usefixtures("quick_pulse")
@pytest.mark.parametrize("end", [sign_out_everywhere, deactivate, change_password, take_the_desk])
async def test_whose_session_ends_is_out_within_seconds(end: Any) -> None:
    amira = await an_agent()
    tab = Tab(amira)
    await tab.connect()

    await do(end)(amira)

    assert await tab.until("bye") == {"type": "bye", "reason": "signed_out"}
    with pytest.raises(Closed) as closed:
        await tab.receive()
    assert closed.value.code == 4401
    await tab.disconnect()


async def test_signing_out_closes_every_tab_of_that_session_at_once(client: Any) -> None:
    amira = await an_agent()
    tab, elsewhere = Tab(amira), Tab(amira)
    await tab.connect()
    await elsewhere.connect()
    client.cookies["sessionid"] = tab.session

    await do(client.post)("/accounts/logout/")

    assert (await tab.until("bye"))["reason"] == "signed_out"
    assert await elsewhere.nothing()
    await tab.disconnect()
    await elsewhere.disconnect()


@pytest.mark.usefixtures("quick_pulse")
async def test_who_leaves_the_team_loses_its_conversations() -> None:
    team = await do(factory.team)()
    amira = await an_agent(teams=[team])
    conversation = await do(scenes.conversation)(team=team)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)

        await do(team.members.clear)()

        assert await tab.until("gone") == {"type": "gone", "stream": conversation.sid}
        await do(scenes.says)(conversation, "secret")
        assert await tab.nothing()


async def test_nothing_is_read_after_the_team_is_left_even_before_the_pulse_notices() -> None:
    team = await do(factory.team)()
    amira = await an_agent(teams=[team])
    conversation = await do(scenes.conversation)(team=team)
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)
        await do(team.members.clear)()

        await do(scenes.says)(conversation, "secret")

        assert await tab.nothing()


async def test_another_teams_conversation_does_not_exist() -> None:
    amira = await an_agent()
    conversation = await do(scenes.conversation)()
    message = await do(scenes.says)(conversation, "secret")
    commands: dict[str, dict[str, Any]] = {
        "message.send": {"key": "k", "text": "x"},
        "note.add": {"key": "k", "text": "x"},
        "typing": {"active": True},
        "conversation.read": {"seq": 1},
        "draft.save": {"text": "x"},
        "conversation.requeue": {},
        "task.wrapup": {},
        "task.complete": {"disposition": ""},
        "transfer.start": {"to": "WK" + "0" * 32, "mode": "WARM"},
        "transfer.cancel": {},
        "conversation.leave": {},
        "conversation.watch": {},
        "conversation.unwatch": {},
    }
    async with Tab(amira) as tab:
        await tab.subscribe(conversation.sid)
        assert {"type": "gone", "stream": conversation.sid} in tab.seen

        for command, fields in commands.items():
            answer = await tab.ask(command, conversation=conversation.sid, **fields)
            assert (command, answer["type"], answer["code"]) == (command, "refused", "not_found")
        answer = await tab.ask("message.retry", message=message.sid)
        assert answer["code"] == "not_found"

    assert await do(Message.objects.count)() == 1


# -- what is no command ----------------------------------------------------------------------------------


async def test_frames_that_are_no_command_get_a_named_error_and_the_console_goes_on() -> None:
    amira = await an_agent()
    async with Tab(amira) as tab:
        for sample in samples.load("bad"):
            await tab.send_raw(sample["text"])
            assert ((await tab.receive())["type"], tab.seen[-1]["code"]) == ("error", "bad_frame"), sample["name"]
        await tab.send_raw(data=b"\x00\x01")
        assert (await tab.receive())["code"] == "bad_frame"
        await tab.send_raw('{"type":"ping","pad":"' + "x" * 70_000 + '"}')
        assert (await tab.receive())["code"] == "bad_frame"

        assert await tab.ask_ping() == {"type": "pong"}


async def test_a_crash_of_ours_is_a_named_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("bug")

    amira = await an_agent()
    async with Tab(amira) as tab:
        monkeypatch.setattr("agents.actions.carry_out", crash)

        answer = await tab.ask("activity.set", activity="WA" + "0" * 32)

        assert (answer["type"], answer["code"]) == ("refused", "internal_error")
        assert await tab.ask_ping() == {"type": "pong"}


async def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.consumers.RATE", 5)
    amira = await an_agent()
    tab = Tab(amira)
    await tab.connect()

    for _ in range(6):
        await tab.send_raw('{"type":"ping"}')

    assert (await tab.until("bye"))["reason"] == "too_fast"
    with pytest.raises(Closed) as closed:
        await tab.receive()
    assert closed.value.code == 4429
    await tab.disconnect()


async def test_a_silent_client_is_poked_and_then_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.pulse.PERIOD", 0.05)
    monkeypatch.setattr("agents.consumers.POKE_AFTER", 0.2)
    monkeypatch.setattr("agents.consumers.CLOSE_AFTER", 1.0)
    amira = await an_agent()
    tab = Tab(amira)
    await tab.connect()

    assert await tab.receive() == {"type": "poke"}
    assert (await tab.receive())["reason"] == "silent"
    with pytest.raises(Closed) as closed:
        await tab.receive()
    assert closed.value.code == 4408
    await tab.disconnect()


async def test_a_reader_too_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's send never returns: nothing more than the queue's limit is kept for it."""
    from agents import consumers
    from agents.protocol import frames

    sent: list[Any] = []
    stuck = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "websocket.send":
            await stuck.wait()

    monkeypatch.setattr(consumers, "QUEUE_LIMIT", 10)
    consumer = consumers.ConsoleConsumer()
    consumer.base_send = send
    consumer.user_id = (await an_agent()).pk
    consumer._is_open = True
    consumer._start(consumer._write())
    for _ in range(20):
        consumer._put(frames.Pong())
        await asyncio.sleep(0)

    await asyncio.sleep(0.05)

    assert [message["type"] for message in sent] == ["websocket.send", "websocket.close"]
    assert sent[-1]["code"] == 4413


async def test_presence_comes_back_after_being_swept() -> None:
    amira = await an_agent()
    worker = await do(factory.worker_of)(amira)
    async with Tab(amira):
        await do(presence.sweep)(clock.now())
        await do(worker.refresh_from_db)()
        assert worker.vanished_at is None
