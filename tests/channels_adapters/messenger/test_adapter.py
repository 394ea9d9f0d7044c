"""Messenger's handshake, sending, notices, probe and profile, against the simulated Graph API."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import httpx
import pytest

from channels_adapters.contract import Health, Notice, Profile, SendReceipt, WebhookRequest
from channels_adapters.errors import ChannelMisconfigured, ContentRejected, TransientSendError, WindowClosed
from channels_adapters.messenger import failures
from channels_adapters.messenger.adapter import MessengerAdapter
from channels_adapters.messenger.config import ChannelConfig, ConnectionConfig
from tests.factories import messenger as make

ADAPTER = MessengerAdapter()


def handshake(*, connection: Any = None, **query: Any) -> tuple[int, bytes, str]:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "test-verify-token", "hub.challenge": "1158201444"}
    asked |= {name.replace("_", ".", 1): value for name, value in query.items()}
    request = WebhookRequest("GET", "/hooks/x/", {k: v for k, v in asked.items() if v != "absent"}, {}, b"", make.NOW)
    answer = ADAPTER.handshake(request, make.line().connection if connection is None else connection)
    return answer.status, answer.body, answer.content_type


def last_body(fake: Any) -> dict[str, Any]:
    """The body of the last request the fake Graph API got."""
    body = json.loads(fake.state()["log"][-1]["body"])
    assert isinstance(body, dict)
    return body


# -- handshake --------------------------------------------------------------------------------------------------------


def test_the_handshake_returns_exactly_the_challenge_as_plain_text() -> None:
    assert handshake() == (200, b"1158201444", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub_verify_token": "guess"},
        {"hub_verify_token": "tést"},
        {"hub_verify_token": ""},
        {"hub_verify_token": "absent"},
        {"hub_mode": "unsubscribe"},
        {"hub_mode": "absent"},
        {"hub_challenge": "absent"},
        {"hub_challenge": ""},
        {"hub_challenge": "9" * 257},
        {"hub_challenge": "a\nb"},
        {"hub_challenge": "é"},
    ],
)
def test_a_wrong_handshake_is_refused_without_a_word(wrong: dict[str, str]) -> None:
    status, body, _type = handshake(**wrong)

    assert (status, body) == (403, b"")


def test_an_empty_verify_token_verifies_nobody() -> None:
    assert handshake(connection={"verify_token": ""}, hub_verify_token="")[0] == 403


# -- send -------------------------------------------------------------------------------------------------------------


def test_a_text_goes_out_as_a_response_with_our_reference_and_the_token_in_the_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"recipient_id": make.LINA, "message_id": "m_1"})

    context = make.context(make.graph(), http=httpx.Client(transport=httpx.MockTransport(answer)))
    receipt = ADAPTER.send(make.outbound(), context)

    assert receipt == SendReceipt("m_1")
    assert str(seen[0].url) == f"https://graph.example/v25.0/{make.PAGE}/messages"
    assert seen[0].headers["authorization"] == "Bearer test-page-token"
    assert json.loads(seen[0].content) == {
        "recipient": {"id": make.LINA},
        "messaging_type": "RESPONSE",
        "message": {"text": "Hello Lina", "metadata": "cc:TX0192"},
    }


def test_the_person_gets_what_was_sent() -> None:
    fake = make.graph()

    receipt = ADAPTER.send(make.outbound(reply_to="m_theirs", quick_replies=("Yes", "No")), make.context(fake))

    (bubble,) = fake.chat(make.LINA)
    assert (bubble.id, bubble.text, bubble.reply_to, bubble.is_mine) == (
        receipt.external_id,
        "Hello Lina",
        "m_theirs",
        False,
    )
    assert [reply["title"] for reply in bubble.quick_replies] == ["Yes", "No"]


def test_a_long_quick_reply_is_cut_to_twenty_characters_and_comes_back_whole() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    ADAPTER.send(make.outbound(quick_replies=("I would like to speak to a live agent",)), make.context(fake))
    (reply,) = fake.chat(make.LINA)[0].quick_replies

    fake.act(make.LINA, "text", {"text": reply["title"], "payload": reply["payload"]})

    assert len(reply["title"]) == 20
    request = WebhookRequest("POST", "/", {}, {}, posted[-1][1], make.NOW)
    (message,) = ADAPTER.parse(request, make.line().connection)
    assert getattr(message, "text", None) == "I would like to speak to a live agent"


def test_a_file_is_uploaded_with_its_name_type_and_bytes() -> None:
    fake = make.graph()

    ADAPTER.send(make.outbound(text="", attachment=make.attachment()), make.context(fake))

    (bubble,) = fake.chat(make.LINA)
    assert (bubble.files[0].kind, bubble.files[0].name) == ("file", "Rechnung ä.pdf")
    assert fake.media(bubble.files[0].url.split("/")[-2]) == ("application/pdf", b"%PDF-1.7 invoice")


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [("image/png", "image"), ("video/mp4", "video"), ("audio/ogg", "audio"), ("text/csv", "file"), ("", "file")],
)
def test_a_file_is_declared_as_what_it_is(content_type: str, kind: str) -> None:
    fake = make.graph()

    ADAPTER.send(make.outbound(text="", attachment=make.attachment(content_type=content_type)), make.context(fake))

    assert fake.chat(make.LINA)[0].files[0].kind == kind


def test_what_messenger_cannot_carry_is_refused_with_the_reason_before_it_is_sent() -> None:
    fake = make.graph()

    for impossible in (
        make.outbound(text="x" * 2001),
        make.outbound(text="both", attachment=make.attachment()),
        make.outbound(text="", attachment=make.attachment(size=26 * 1024 * 1024)),
    ):
        with pytest.raises(ContentRejected):
            ADAPTER.send(impossible, make.context(fake))
    assert fake.state()["log"] == []


def test_after_the_window_a_person_s_answer_carries_the_human_agent_tag() -> None:
    fake = make.graph()
    closed_at = make.NOW - dt.timedelta(hours=3)

    ADAPTER.send(make.outbound(window_closed_at=closed_at), make.context(fake))

    assert last_body(fake)["messaging_type"] == "MESSAGE_TAG"
    assert last_body(fake)["tag"] == "HUMAN_AGENT"


@pytest.mark.parametrize(
    ("origin", "is_allowed", "closed_for"),
    [
        ("automatic", True, dt.timedelta(hours=1)),
        ("human", False, dt.timedelta(hours=1)),
        ("human", True, dt.timedelta(days=6, seconds=1)),
    ],
)
def test_nothing_else_goes_out_after_the_window(origin: str, is_allowed: bool, closed_for: dt.timedelta) -> None:
    fake = make.graph()
    line = make.line(channel={"page_access_token": "test-page-token", "human_agent_allowed": is_allowed})
    message = make.outbound(origin=origin, window_closed_at=make.NOW - closed_for)

    with pytest.raises(WindowClosed):
        ADAPTER.send(message, make.context(fake, line=line))
    assert fake.state()["log"] == []


def test_a_refused_tag_says_that_the_window_is_closed() -> None:
    fake = make.graph()
    fake.arm("rejected")
    message = make.outbound(window_closed_at=make.NOW - dt.timedelta(hours=1))

    with pytest.raises(WindowClosed):
        ADAPTER.send(message, make.context(fake))


def test_the_proof_of_the_secret_is_sent_when_asked_for_and_right() -> None:
    fake = make.graph()
    line = make.line()
    asked = make.line(connection={**line.connection, "requires_proof": True})

    ADAPTER.send(make.outbound(), make.context(fake, line=asked))

    assert len(fake.chat(make.LINA)) == 1
    wrong = make.line(connection={**asked.connection, "app_secret": "another"})
    with pytest.raises(ContentRejected):
        ADAPTER.send(make.outbound(), make.context(fake, line=wrong))


@pytest.mark.parametrize("token", ["", "  ", "of another page"])
def test_without_the_right_token_the_channel_is_misconfigured(token: str) -> None:
    line = make.line(channel={"page_access_token": token})

    with pytest.raises(ChannelMisconfigured):
        ADAPTER.send(make.outbound(), make.context(make.graph(), line=line))


def test_a_token_no_header_can_carry_is_reported_without_being_quoted() -> None:
    line = make.line(channel={"page_access_token": "broken\ntoken-é"})
    context = make.context(make.graph(), line=line, http=httpx.Client())

    with pytest.raises(ChannelMisconfigured) as caught:
        ADAPTER.send(make.outbound(), context)
    assert "broken" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_address_that_is_none_is_reported() -> None:
    for base in ("graph.example", "ftp://graph.example", "https://graph.example:port"):
        line = make.line(connection={**make.line().connection, "graph_base": base})
        context = make.context(make.graph(), line=line, http=httpx.Client())

        with pytest.raises(ChannelMisconfigured):
            ADAPTER.send(make.outbound(), context)


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_a_throttled_request_says_how_long_to_wait() -> None:
    fake = make.graph()
    fake.arm("throttled")

    with pytest.raises(TransientSendError) as caught:
        ADAPTER.send(make.outbound(), make.context(fake))
    assert caught.value.retry_after == 5.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "Thu, 05 Nov 2026 12:02:00 GMT"}, 120.0),
        ({"retry-after": "Thu, 05 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Thu, 05 Nov 2026 12:02:00"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"x-business-use-case-usage": '{"1": [{"estimated_time_to_regain_access": 2}]}'}, 120.0),
        ({"x-business-use-case-usage": '{"1": [{"estimated_time_to_regain_access": 0}]}'}, None),
        ({"x-business-use-case-usage": '{"1": [{"estimated_time_to_regain_access": "2"}]}'}, None),
        ({"x-business-use-case-usage": "[1]"}, None),
        ({"x-business-use-case-usage": "{"}, None),
    ],
)
def test_the_wait_is_read_from_whatever_says_it(headers: dict[str, str], seconds: float | None) -> None:
    assert failures.retry_after(headers, make.NOW) == seconds


# -- notices, probe, profile ------------------------------------------------------------------------------------------


def test_typing_and_reading_are_shown_to_the_person() -> None:
    fake = make.graph()
    fake.act(make.LINA, "text", {"text": "Hello?"})
    context = make.context(fake)

    ADAPTER.notify(Notice("typing", make.LINA, {"active": True, "name": "Sam"}), context)
    assert fake.state()["personas"][0]["typing"] is True
    ADAPTER.notify(Notice("typing", make.LINA, {"active": False, "name": "Sam"}), context)
    assert fake.state()["personas"][0]["typing"] is False
    ADAPTER.notify(Notice("read", make.LINA, {"seq": 1, "external_id": "m_1"}), context)
    assert fake.chat(make.LINA)[0].status == "seen"


def test_notices_messenger_has_no_words_for_cost_no_request() -> None:
    fake = make.graph()

    ADAPTER.notify(Notice("queue", make.LINA, {"ahead": 2, "wait_seconds": None}), make.context(fake))
    ADAPTER.notify(Notice("agent", make.LINA, {"name": "Sam"}), make.context(fake))

    assert fake.state()["log"] == []


def test_probe_is_happy_with_a_live_token_and_a_subscription() -> None:
    assert ADAPTER.probe(make.context(make.graph())) == Health(ok=True)


def test_probe_tells_a_lost_subscription_and_connect_mends_it() -> None:
    fake = make.graph()
    fake.is_subscribed = False

    assert ADAPTER.probe(make.context(fake)).ok is False
    assert ADAPTER.connect(make.context(fake)) == Health(ok=True)
    assert fake.is_subscribed is True


def test_probe_tells_a_dead_token_and_a_token_of_another_page() -> None:
    dead = make.line(channel={"page_access_token": "dead"})
    other = make.line(address="31337")

    assert ADAPTER.probe(make.context(make.graph(), line=dead)).ok is False
    assert "another page" in ADAPTER.probe(make.context(make.graph(), line=other)).detail


def test_a_profile_has_a_name_and_a_person_without_one_stays_anonymous() -> None:
    context = make.context(make.graph())

    assert ADAPTER.fetch_profile(make.LINA, context) == Profile(name="Lina Fischer")
    assert ADAPTER.fetch_profile("404", context) is None


# -- settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_read_as_people_paste_them_and_hide_their_secrets() -> None:
    connection = ConnectionConfig.of(
        {"app_id": 811, "app_secret": " s3cret\n", "verify_token": None, "graph_base": "https://g.example/ "}
    )
    channel = ChannelConfig.of("209", {"page_access_token": "t0ken "})

    assert (connection.app_id, connection.app_secret, connection.verify_token) == ("811", "s3cret", "")
    assert (connection.graph_base, connection.graph_version) == ("https://g.example", "v25.0")
    assert channel.page_access_token == "t0ken"
    assert "s3cret" not in repr(connection)
    assert "t0ken" not in repr(channel)
