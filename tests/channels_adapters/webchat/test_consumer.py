"""The socket, through the real front door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from channels.testing import WebsocketCommunicator

from channels_adapters import gateway
from channels_adapters.webchat import consumer, session
from channels_adapters.webchat.consumer import VisitorConsumer
from channels_adapters.webchat.models import VisitorToken
from conversations.models import Channel, Conversation, InboundEvent, Message
from conversations.services import lifecycle
from tests.factories import conversations as rows
from tests.factories import webchat as make
from tests.factories.webchat import NOW, ORIGIN
from tests.support.jobs import JobQueue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_thread")]

SAMPLES = Path(consumer.__file__).parent / "samples"
Json = dict[str, Any]


async def here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Database work of the test, in the thread the sockets' work is done in."""
    return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*args, **kwargs))


class Tab:
    """``async with Tab() as tab``: connected; ``hello`` says hello."""

    def __init__(self, *, origin: str | None = ORIGIN, site: str = "shop", address: str = "192.0.2.1") -> None:
        from contactcenter.asgi import application

        headers = [(b"host", b"desk.example")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.site = site
        self.wire = WebsocketCommunicator(application, "/channels/webchat/ws?v=1", headers, subprotocols=["chat.v1"])
        self.wire.scope["client"] = [address, 1]
        self.token = ""
        self.seen: list[Json] = []

    async def __aenter__(self) -> Self:
        connected, subprotocol = await self.wire.connect(timeout=5)
        assert connected
        assert subprotocol == "chat.v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.disconnect(timeout=5)

    async def send(self, frame: Json | str | bytes) -> None:
        if isinstance(frame, bytes):
            await self.wire.send_to(bytes_data=frame)
        else:
            await self.wire.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def next(self) -> Json:
        output = await self.wire.receive_output(timeout=5)
        if output["type"] == "websocket.close":
            return {"t": "close", "code": output["code"]}
        frame: Json = json.loads(output["text"])
        self.seen.append(frame)
        return frame

    async def frame(self, kind: str) -> Json:
        while (frame := await self.next())["t"] != kind:
            assert frame["t"] != "close", frame
        return frame

    async def closed(self) -> int:
        while (frame := await self.next())["t"] != "close":
            pass
        code: int = frame["code"]
        return code

    async def hello(self, **fields: Any) -> Json:
        await self.send({"t": "hello", "v": 1, "site": self.site, **fields})
        welcome = await self.frame("welcome")
        self.token = welcome["visitor_token"] or self.token
        return welcome


@pytest.fixture
def shop() -> Channel:
    return make.channel("shop")


# -- hello ------------------------------------------------------------------------------------------------------------


async def test_a_new_visitor_is_welcomed(shop: Channel) -> None:
    async with Tab() as tab:
        welcome = await tab.hello(locale="ar-SA")

    assert {key: welcome[key] for key in ("conversation", "seq", "resumed", "history", "max_text", "ping")} == {
        "conversation": None,
        "seq": 0,
        "resumed": False,
        "history": [],
        "max_text": 4000,
        "ping": 25,
    }
    assert welcome["visitor_token"].startswith("vt_")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
async def test_a_foreign_page_is_told_to_stay_away(shop: Channel, origin: str | None) -> None:
    async with Tab(origin=origin) as tab:
        await tab.send({"t": "hello", "site": "shop"})
        assert await tab.closed() == 4003
    assert await here(VisitorToken.objects.count) == 0


async def test_an_unknown_site_is_closed(shop: Channel) -> None:
    async with Tab(site="nope") as tab:
        await tab.send({"t": "hello", "site": "nope"})
        assert await tab.closed() == 4003


async def test_a_token_that_is_unknown_is_told_so(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.send({"t": "hello", "site": "shop", "resume": {"token": "vt_old", "last_seq": 3}})
        assert await tab.closed() == 4009


async def test_who_says_nothing_is_closed(shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "HELLO_SECONDS", 0.05)
    async with Tab() as tab:
        assert await tab.closed() == 4001


async def test_a_broken_hello_is_closed(shop: Channel) -> None:
    async with Tab() as tab:
        await tab.send({"t": "hello", "site": 5})
        assert (await tab.frame("error"))["code"] == "bad_frame"
        assert await tab.closed() == 4000


async def test_hellos_are_counted_by_network(shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "HELLOS_PER_MINUTE", 2)
    for _ in range(2):
        async with Tab() as tab:
            await tab.hello()
    async with Tab() as tab:
        await tab.send({"t": "hello", "site": "shop"})
        assert await tab.closed() == 4008
    async with Tab(address="198.51.100.9") as tab:
        await tab.hello()


async def test_the_token_is_in_no_log(shop: Channel, caplog: pytest.LogCaptureFixture) -> None:
    async with Tab() as tab:
        await tab.hello()
        token = tab.token
        await tab.send({"t": "send", "cid": "a", "text": "very private words"})
        await tab.frame("ack")
    async with Tab(origin="https://evil.example") as tab:
        await tab.send({"t": "hello", "site": "shop", "resume": {"token": token}})
        await tab.closed()

    assert token not in caplog.text
    assert "very private words" not in caplog.text


# -- talk -------------------------------------------------------------------------------------------------------------


async def test_a_message_is_acked_and_comes_back_to_every_tab(shop: Channel, drain: JobQueue) -> None:
    async with Tab() as one, Tab() as two:
        await one.hello()
        await two.hello(resume={"token": one.token})
        await one.send({"t": "send", "cid": "a", "text": "Hello"})
        ack = await one.frame("ack")
        await here(drain)
        mine, theirs = await one.frame("message"), await two.frame("message")

    assert ack["cid"] == "a"
    assert mine == theirs
    assert (mine["cid"], mine["seq"], mine["text"]) == ("a", 1, "Hello")


async def test_an_answer_arrives_and_is_confirmed(shop: Channel, drain: JobQueue) -> None:
    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "send", "cid": "a", "text": "Hello"})
        await tab.frame("ack")
        await here(drain)
        conversation = await here(Conversation.objects.select_related("channel", "identity").get)
        await here(rows.sent, conversation, text="Hello back", author_name="Helper")
        await here(drain)
        while (answer := await tab.frame("message"))["from"]["type"] == "visitor":
            pass
        await tab.send({"t": "read", "conversation": answer["conversation"], "seq": answer["seq"]})
        await tab.send({"t": "ping"})
        await tab.frame("pong")
        await here(drain)

    assert (answer["text"], answer["from"]["name"]) == ("Hello back", "Helper")
    assert (await here(Message.objects.get, direction="out")).status == "read"


async def test_after_a_break_exactly_what_was_missed_arrives_in_order(shop: Channel, drain: JobQueue) -> None:
    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "send", "cid": "a", "text": "one"})
        await tab.frame("ack")
        await here(drain)
        last = await tab.frame("message")
        token = tab.token
    conversation = await here(Conversation.objects.select_related("channel", "identity").get)
    for text in ("two", "three", "four"):
        await here(rows.sent, conversation, text=text)
    await here(drain)

    async with Tab() as again:
        welcome = await again.hello(
            resume={"token": token, "conversation": last["conversation"], "last_seq": last["seq"]}
        )
        missed = [(await again.frame("message"))["text"] for _ in range(3)]

    assert welcome["resumed"] is True
    assert missed == ["two", "three", "four"]
    assert [frame["text"] for frame in again.seen if frame["t"] == "message"] == missed


async def test_a_lost_wake_up_costs_time_and_nothing_else(
    shop: Channel, drain: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contactcenter.lib import push

    monkeypatch.setattr(consumer, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(push, "send", lambda group, frame: None)
    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "send", "cid": "a", "text": "Hello"})
        await tab.frame("ack")
        await here(drain)
        assert (await tab.frame("message"))["text"] == "Hello"


async def test_typing_and_the_queue_reach_the_tab(shop: Channel, drain: JobQueue) -> None:
    from conversations.services import notices, ownership

    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "send", "cid": "a", "text": "Hello"})
        await tab.frame("ack")
        await here(drain)
        conversation = await here(Conversation.objects.select_related("channel", "identity").get)
        await here(ownership.change, conversation, owner="queue", owner_sid="WQ" + "0" * 32, now=NOW)
        await here(notices.show, conversation, "queue", {"ahead": 2, "wait_seconds": None})
        await here(notices.show, conversation, "typing", {"active": True, "name": "Sara"})
        await here(drain)
        typing = await tab.frame("typing")
        while not (state := await tab.frame("state"))["queue"]:
            pass

    assert typing == {"t": "typing", "on": True, "name": "Sara"}
    assert state["queue"] == {"ahead": 2, "wait_seconds": None}


async def test_earlier_messages_come_by_the_page(
    shop: Channel, drain: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PAGE", 3)
    async with Tab() as tab:
        await tab.hello()
        for number in range(5):
            await tab.send({"t": "send", "cid": str(number), "text": str(number)})
            await tab.frame("ack")
        await here(drain)
        token = tab.token
    async with Tab() as again:
        welcome = await again.hello(resume={"token": token})
        first = welcome["history"][0]
        await again.send({"t": "older", "conversation": first["conversation"], "before": first["seq"]})
        older = await again.frame("history")

    assert [m["text"] for m in welcome["history"]] == ["2", "3", "4"]
    assert welcome["more"] is True
    assert [m["text"] for m in older["messages"]] == ["0", "1"]
    assert older["more"] is False


async def test_a_closed_conversation_is_told_and_the_next_message_opens_another(shop: Channel, drain: JobQueue) -> None:
    async with Tab() as tab:
        await tab.hello()
        await tab.send({"t": "send", "cid": "a", "text": "one"})
        await tab.frame("ack")
        await here(drain)
        await here(lifecycle.close, await here(Conversation.objects.get), now=NOW)
        while (state := await tab.frame("state"))["open"]:
            pass
        await tab.send({"t": "send", "cid": "b", "text": "two"})
        await tab.frame("ack")
        await here(drain)
        while (message := await tab.frame("message"))["cid"] != "b":
            pass

    assert message["seq"] == 1
    assert message["conversation"] > state["conversation"]


# -- limits and hostility ---------------------------------------------------------------------------------------------


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


def test_the_door_is_where_the_widget_knocks() -> None:
    from channels_adapters import registry

    [route] = registry.get("webchat").websocket_urls()
    assert str(route.pattern) == "ws"
    assert route.callback.consumer_class is VisitorConsumer
