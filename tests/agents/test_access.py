"""Who may be at a console, and what they may see there."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import User
from conversations.models import Message
from tests.agents import scenes
from tests.agents.console import Closed, Tab, an_agent, do
from tests.factories import agents as factory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


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
