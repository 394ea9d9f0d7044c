"""The visitor in Python against our real process: what a browser would meet, codes and restarts included."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator

import httpx
import pytest

from channels_adapters.webchat.simulator import Closed, Visitor
from tests.factories.conversations import PNG
from tests.support import live
from tests.support.live import Live

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Live]:
    with live.running("demo") as process:
        yield process


def visitor(demo: Live, origin: str = "") -> Visitor:
    return Visitor(demo.url, "demo-shop", origin=origin)


async def test_a_visitor_talks_with_the_bot(demo: Live) -> None:
    async with visitor(demo) as layla:
        ack = await layla.say("What are your opening hours?")
        answer = await layla.message(lambda frame: "Sunday" in frame["text"])

    assert ack["t"] == "ack"
    assert answer["from"]["type"] == "bot"
    assert [frame["seq"] for frame in layla.history()] == list(range(1, len(layla.history()) + 1))


async def test_a_send_repeated_after_a_lost_ack_is_one_message(demo: Live) -> None:
    layla = visitor(demo)
    await layla.connect()
    await layla.send({"t": "send", "cid": "once", "text": "Hello"})
    await layla.disconnect()

    await layla.connect()
    await layla.say("Hello", cid="once")
    await layla.say("Hello", cid="once")
    await layla.message(lambda frame: frame.get("cid") == "once")
    await layla.disconnect()
    welcome = await layla.connect(resume=False)
    await layla.disconnect()

    assert [frame.get("cid") for frame in welcome["history"] if frame["from"]["type"] == "visitor"] == ["once"]


async def test_a_restart_of_the_server_costs_a_reconnect_and_no_message() -> None:
    with live.running("demo") as server:
        layla = visitor(server)
        await layla.connect()
        await layla.say("before", cid="a")
        await layla.message(lambda frame: frame.get("cid") == "a")
        server.stop(signal.SIGTERM)
        assert await layla.closed() in (1000, 1001, 1006)
        server.start()

        again = Visitor(server.url, "demo-shop")
        again.token, again.cursor = layla.token, layla.cursor
        welcome = await again.connect()
        await again.say("after", cid="b")
        await again.message(lambda frame: frame.get("cid") == "b")
        await again.disconnect()

        assert welcome["resumed"] is True
        cids = [frame.get("cid") for frame in again.history() if frame["from"]["type"] == "visitor"]
        assert cids == ["b"]


async def test_files_go_up_and_come_back(demo: Live) -> None:
    async with visitor(demo) as layla:
        stored = await layla.upload("photo.png", PNG, "image/png")
        await layla.say("Look", files=(stored["key"],))
        message = await layla.message(lambda frame: bool(frame["attachments"]))
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(demo.url + message["attachments"][0]["url"])

    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_body_too_large_is_refused_by_its_length(demo: Live) -> None:
    async with visitor(demo) as layla:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await layla.upload("big.bin", b"x" * (12 * 1024 * 1024))

    assert refused.value.response.status_code == 413


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (json.dumps({"t": "hello", "site": "demo-shop", "pad": "x" * 70_000}), 4013),
        (json.dumps({"t": "hello", "site": "nope"}), 4003),
        (json.dumps({"t": "hello", "site": "demo-shop", "resume": {"token": "vt_guess"}}), 4009),
        (json.dumps({"t": "hello", "site": 5}), 4000),
        ("[" * 50_000, 4000),
        (b"\x00\xff", 4000),
    ],
)
async def test_a_browser_is_told_why_by_the_close_code(demo: Live, frame: str | bytes, code: int) -> None:
    other = visitor(demo)
    await other.open()
    await other.send(frame)

    assert await other.closed() == code


async def test_what_no_socket_should_carry_is_cut_by_the_server(demo: Live) -> None:
    other = visitor(demo)
    await other.open()
    try:
        await other.send("x" * 2**20)
        code = await other.closed()
    except Closed as closed:
        code = closed.code

    assert code in (1009, 1006)


async def test_a_foreign_page_is_kept_out(demo: Live) -> None:
    other = visitor(demo, origin="https://evil.example")
    with pytest.raises(Closed) as closed:
        await other.connect()

    assert closed.value.code == 4003


async def test_twenty_visitors_at_once_each_get_their_own_answers(demo: Live) -> None:
    async def talk(number: int) -> Visitor:
        one = visitor(demo)
        await one.connect()
        await one.say(f"I am number {number}")
        await one.message(lambda frame: frame["from"]["type"] == "bot", wait=30)
        await one.disconnect()
        return one

    all_of_them = await asyncio.gather(*(talk(number) for number in range(20)))

    for number, one in enumerate(all_of_them):
        mine = [frame["text"] for frame in one.history() if frame["from"]["type"] == "visitor"]
        assert mine == [f"I am number {number}"]
