"""The socket holds what is too much, too big or meant to hurt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels_adapters import gateway
from channels_adapters.webchat import consumer
from conversations.models import Channel, InboundEvent
from tests.channels_adapters.webchat.tab import Tab, here
from tests.support.jobs import JobQueue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_thread")]


SAMPLES = Path(consumer.__file__).parent / "samples"


async def test_too_many_frames_are_asked_to_wait(shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "FRAMES", 3)
    async with Tab() as tab:
        await tab.hello()
        for number in range(3):
            await tab.send({"t": "send", "cid": f"c{number}", "text": "x"})
        error = await tab.frame("error")

    assert (error["code"], error["cid"]) == ("rate_limited", "c2")
    assert 0 < error["retry_ms"] <= 10_000
    assert await here(InboundEvent.objects.count) == 2


async def test_the_fifth_bad_frame_in_a_minute_closes(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.hello()
        for _ in range(5):
            await tab.send("{")
        assert await tab.closed() == 4008
    assert [frame["code"] for frame in tab.seen if frame["t"] == "error"] == ["bad_json"] * 5


async def test_a_message_that_is_too_long_costs_nobody_the_socket(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.hello()
        for number in range(6):
            await tab.send({"t": "send", "cid": str(number), "text": "x" * 4001})
            assert (await tab.frame("error"))["code"] == "too_long"
        await tab.send({"t": "ping"})
        await tab.frame("pong")


async def test_a_frame_that_is_too_big_closes(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.hello()
        await tab.send(json.dumps({"t": "send", "cid": "a", "text": "x" * 70_000}))
        assert await tab.closed() == 4013


async def test_nothing_is_done_before_hello(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.send({"t": "send", "cid": "x", "text": "hi"})
        assert (await tab.frame("error"))["code"] == "hello_first"
        await tab.hello()
    assert await here(InboundEvent.objects.count) == 0


async def test_a_second_hello_is_an_error(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "hello", "site": "shop"})
        assert (await tab.frame("error"))["code"] == "bad_frame"


HOSTILE = {path.stem: path.read_bytes() for path in SAMPLES.iterdir() if not path.name.endswith(".expected.json")}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_no_frame_takes_the_socket_down(shop: Channel, drain: JobQueue, name: str) -> None:
    content = HOSTILE[name]
    async with Tab() as tab:
        await tab.hello()
        try:
            await tab.send(content.decode())
        except UnicodeDecodeError:
            await tab.send(content)
        await tab.send({"t": "send", "cid": "after", "text": "still here"})
        while (await tab.frame("ack"))["cid"] != "after":
            pass
        await here(drain)

    assert "try_again" not in {frame.get("code") for frame in tab.seen}
    failed = await here(lambda: list(InboundEvent.objects.filter(status="failed").values_list("error", flat=True)))
    assert failed == []


async def test_the_fourth_tab_replaces_the_first(shop: Channel) -> None:
    async with Tab() as one:
        await one.hello()
        tabs = [Tab() for _ in range(3)]
        for tab in tabs:
            await tab.__aenter__()
            await tab.hello(resume={"token": one.token})
        assert await one.closed() == 4010
        for tab in tabs:
            await tab.send({"t": "ping"})
            await tab.frame("pong")
            await tab.__aexit__()


async def test_when_the_database_is_away_the_visitor_is_asked_to_try_again(
    shop: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def broken(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    async with Tab() as tab:
        await tab.hello()
        monkeypatch.setattr(gateway, "submit", broken)
        await tab.send({"t": "send", "cid": "a", "text": "Hello"})
        error = await tab.frame("error")
        monkeypatch.undo()
        await tab.send({"t": "send", "cid": "a", "text": "Hello"})
        ack = await tab.frame("ack")

    assert error["code"] == "try_again"
    assert ack["cid"] == "a"
