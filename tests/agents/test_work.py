"""An agent's work over the socket: accepting, transferring, wrapping up, completing."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Draft, User
from contactcenter.lib import clock
from conversations.models import Conversation, Message
from tests.agents import scenes
from tests.agents.console import Tab, an_agent, do
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


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
