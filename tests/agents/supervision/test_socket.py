"""The live view's socket: the state, then what changed, to whom may see it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings

from agents.models import User
from contactcenter.lib import clock, groups
from routing.models import Workspace
from routing.services import presence, tasks, workspaces
from tests.agents.console import do, sign_in
from tests.factories import agents as factory
from tests.factories import routing as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.supervision.overview.FRESH", 0)
    monkeypatch.setattr("agents.supervision.overview.PATIENCE", 0)
    monkeypatch.setattr("agents.supervision.consumer.EVERY", 0.05)
    monkeypatch.setattr("agents.supervision.consumer.GATHER", 0.01)
    monkeypatch.setattr("agents.receivers.HINT_EVERY", 0)


class View:
    """``async with View(user) as view``: an open live view."""

    def __init__(self, user: User | None, origin: str = "http://localhost", query: str = "") -> None:
        self.user = user
        self.origin = origin
        self.path = f"/ws/supervision/{query}"

    async def __aenter__(self) -> View:
        from contactcenter.asgi import application

        session = await do(sign_in)(self.user) if self.user else ""
        cookie = f"{settings.SESSION_COOKIE_NAME}={session}".encode()
        headers = [(b"host", b"localhost"), (b"cookie", cookie), (b"origin", self.origin.encode())]
        self.wire = WebsocketCommunicator(application, self.path, headers=headers)
        self.accepted, _ = await self.wire.connect(timeout=10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.disconnect(timeout=10)

    async def receive(self) -> dict[str, Any]:
        message = await self.wire.receive_output(timeout=10)
        if message["type"] == "websocket.close":
            return {"type": "closed", "code": message["code"]}
        frame: dict[str, Any] = json.loads(message["text"])
        return frame


async def a_supervisor(**fields: Any) -> User:
    await do(make.workspace)()
    made: User = await do(factory.user)(is_staff=True, **{"is_superuser": True, **fields})
    return made


async def test_first_comes_the_state_and_then_what_changed() -> None:
    sara = await a_supervisor()
    ann = await do(make.worker)(name="Ann")
    await do(make.worker)(name="Bob")

    async with View(sara) as view:
        state = await view.receive()
        activity = await do(make.activity)("Break")
        await do(presence.set_activity)(ann, activity, by=None, now=clock.now())
        changes = await view.receive()

    assert state["type"] == "state"
    assert [row["name"] for row in state["agents"]] == ["Ann", "Bob"]
    assert changes["type"] == "changes"
    assert [row["name"] for row in changes["agents"]["changed"]] == ["Ann"]
    assert changes["agents"]["changed"][0]["activity"]["name"] == "Break"
    assert changes["agents"]["gone"] == []
    assert changes["totals"] == {"agents": 2, "available": 1}


async def test_what_is_over_is_gone() -> None:
    sara = await a_supervisor()
    task = await do(make.task)()

    async with View(sara) as view:
        state = await view.receive()
        await do(tasks.cancel)(task, reason="", now=clock.now())
        changes = await view.receive()

    assert [row["sid"] for row in state["tasks"]] == [task.sid]
    assert changes["tasks"] == {"changed": [], "gone": [task.sid]}


async def an_other_workspace() -> Workspace:
    made: Workspace = await do(workspaces.create)(friendly_name="Elsewhere", template="FIFO", now=clock.now())
    return made


async def test_the_workspace_asked_for_is_shown_and_what_changes_in_it() -> None:
    sara, there = await a_supervisor(), await an_other_workspace()
    await do(make.worker)(name="Ann")

    async with View(sara, query=f"?workspace={there.sid}") as view:
        state = await view.receive()
        await do(make.worker)(name="Bob")
        await do(workspaces.create_activity)(there, friendly_name="Lunch", now=clock.now())
        await do(tasks.create)(
            workflow=await do(there.workflows.get)(), attributes={}, task_channel="chat", now=clock.now()
        )
        changes: dict[str, Any] = {}
        while not {"activities", "tasks"} <= changes.keys():  # the next look may come between two of them
            changes |= await view.receive()

    assert ([row["name"] for row in state["queues"]], state["agents"], state["tasks"]) == (["Sample Queue"], [], [])
    assert "agents" not in changes
    assert [row["name"] for row in changes["activities"]] == ["Offline", "Available", "Unavailable", "Lunch"]
    assert len(changes["tasks"]["changed"]) == 1


@pytest.mark.parametrize("sid", ["WS1", "WK" + "0" * 32, "WS" + "0" * 32, "%ff"])
async def test_a_workspace_that_is_none_is_refused_by_name(sid: str) -> None:
    async with View(await a_supervisor(), query=f"?workspace={sid}") as view:
        assert await view.receive() == {"type": "bye", "reason": "no_workspace"}
        assert await view.receive() == {"type": "closed", "code": 4404}


async def test_a_workspace_that_is_deleted_is_refused_at_the_next_look() -> None:
    sara, there = await a_supervisor(), await an_other_workspace()

    async with View(sara, query=f"?workspace={there.sid}") as view:
        await view.receive()
        await do(workspaces.delete)(there, now=clock.now())

        assert await view.receive() == {"type": "bye", "reason": "no_workspace"}


async def test_frames_come_no_more_often_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.supervision.consumer.EVERY", 0.4)
    loop = asyncio.get_running_loop()
    seen: set[str] = set()
    frames = 0

    async with View(await a_supervisor()) as view:
        await view.receive()
        started = loop.time()
        for _ in range(6):
            await do(make.task)()
        while len(seen) < 6:
            seen |= {row["sid"] for row in (await view.receive()).get("tasks", {"changed": []})["changed"]}
            frames += 1
        took = loop.time() - started

    assert frames <= took / 0.4 + 1


async def test_a_ping_is_answered() -> None:
    async with View(await a_supervisor()) as view:
        await view.receive()
        await view.wire.send_to(text_data='{"type":"ping"}')

        assert await view.receive() == {"type": "pong"}


@pytest.mark.parametrize("who", ["nobody", "an agent", "staff without permissions"])
async def test_who_may_not_look_is_told_and_closed(who: str) -> None:
    await do(make.workspace)()
    user = None if who == "nobody" else await do(factory.agent)()
    if who == "staff without permissions":
        user = await do(factory.user)(is_staff=True)

    async with View(user) as view:
        assert await view.receive() == {"type": "bye", "reason": "signed_out"}
        assert await view.receive() == {"type": "closed", "code": 4401}


async def test_who_loses_the_right_is_closed_at_the_next_look() -> None:
    sara = await a_supervisor()

    async with View(sara) as view:
        await view.receive()
        await do(User.objects.filter(pk=sara.pk).update)(is_active=False)
        await do(make.worker)()

        assert (await view.receive())["type"] == "bye"


async def test_a_foreign_page_is_refused() -> None:
    async with View(await a_supervisor(), origin="https://evil.example") as view:
        assert not view.accepted


@pytest.mark.django_db
def test_hints_go_to_supervisors_held_back_to_a_few_a_second(
    pushes: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.receivers.HINT_EVERY", 60)
    monkeypatch.setattr("agents.receivers._hinted_at", -1000.0)
    for _ in range(3):
        make.worker()

    assert [group for group, _ in pushes if group == groups.supervisors()] == [groups.supervisors()]
