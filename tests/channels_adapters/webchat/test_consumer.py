"""The socket, through the real front door."""

from __future__ import annotations

import pytest

from channels_adapters.webchat import consumer, session
from channels_adapters.webchat.consumer import VisitorConsumer
from channels_adapters.webchat.models import VisitorToken
from conversations.models import Channel, Conversation, Message
from conversations.services import lifecycle
from tests.channels_adapters.webchat.tab import Tab, here
from tests.factories import conversations as rows
from tests.factories.webchat import NOW
from tests.support.jobs import JobQueue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_thread")]


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


def test_the_door_is_where_the_widget_knocks() -> None:
    from channels_adapters import registry

    [route] = registry.get("webchat").websocket_urls()
    assert str(route.pattern) == "ws"
    assert route.callback.consumer_class is VisitorConsumer
