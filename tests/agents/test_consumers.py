"""A console's connection: coming and going, and what is no command."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contactcenter.lib import clock
from routing.models import WorkerSocket
from routing.services import presence
from tests.agents import samples
from tests.agents.console import Closed, Tab, an_agent, do, eventually
from tests.factories import agents as factory
from tests.support import waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs")]


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
        await asyncio.sleep(0)  # the writer's turn

    async def is_closed() -> bool:
        return sent[-1:] != [] and sent[-1]["type"] == "websocket.close"

    await waiting.soon(is_closed)

    assert [message["type"] for message in sent] == ["websocket.send", "websocket.close"]
    assert sent[-1]["code"] == 4413


async def test_presence_comes_back_after_being_swept() -> None:
    amira = await an_agent()
    worker = await do(factory.worker_of)(amira)
    async with Tab(amira):
        await do(presence.sweep)(clock.now())
        await do(worker.refresh_from_db)()
        assert worker.vanished_at is None
