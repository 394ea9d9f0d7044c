"""What people at consoles see of each other: tabs, drafts, reading, typing, and who writes first."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Draft
from contactcenter.lib import clock
from conversations.models import Message
from conversations.services import participants
from tests.agents import samples, scenes
from tests.agents.console import Tab, an_agent, do, held_by
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


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
            last = max(state["seq"] for tab in (one, other) if (state := tab.states[stream]) is not None)
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
