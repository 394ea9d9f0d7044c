"""The simulated Facebook speaks Facebook's wire: what it posts, our adapter reads."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest

from channels_adapters.contract import (
    Echo,
    Edit,
    InboundMessage,
    Postback,
    Reaction,
    Receipt,
    WebhookRequest,
)
from channels_adapters.errors import OutcomeUnknown, RecipientGone, SendError
from channels_adapters.messenger.adapter import MessengerAdapter
from channels_adapters.messenger.simulator import FakeGraph
from contactcenter.lib.errors import InvalidSignature, Refused
from tests.factories import messenger as make

ADAPTER = MessengerAdapter()


def read(posted: make.Posted) -> list[Any]:
    """Everything posted so far, verified and parsed as our door does."""
    found: list[Any] = []
    for _url, body, headers in posted:
        request = WebhookRequest("POST", "/", {}, headers, body, make.NOW)
        ADAPTER.verify(request, make.line().connection)
        found += ADAPTER.parse(request, make.line().connection)
    return found


def test_webhooks_go_to_the_line_s_door() -> None:
    posted: make.Posted = []

    make.graph(posted=posted).act(make.LINA, "text", {"text": "Hello"})

    assert posted[0][0] == "https://desk.example/hooks/0192f0c0000070008000000000000001/"


def test_a_text_a_reply_and_a_chosen_quick_reply_arrive() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)

    fake.act(make.LINA, "text", {"text": "Hello"})
    first = fake.chat(make.LINA)[0]
    fake.act(make.LINA, "text", {"text": "I mean this", "reply_to": first.id})
    fake.act(make.LINA, "text", {"text": "Opening hours", "payload": "HOURS"})

    one, two, three = read(posted)
    assert (one.text, one.external_id, one.sender.address) == ("Hello", first.id, make.LINA)
    assert two.reply_to == first.id
    assert three.data == {"quick_reply": "HOURS"}


@pytest.mark.parametrize(("action", "kind"), [("image", "image"), ("sticker", "sticker"), ("location", "location")])
def test_what_is_not_text_arrives_as_an_attachment(action: str, kind: str) -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)

    fake.act(make.LINA, action, {})

    (message,) = read(posted)
    (attachment,) = message.attachments
    assert attachment.kind == kind
    if attachment.url:
        path = attachment.url.removeprefix("https://desk.example")
        kept = fake.media(path.split("/")[-2])
        assert kept is not None
        assert kept[1].startswith(b"\x89PNG")


def test_a_file_of_the_person_s_own_is_sent() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    content = base64.b64encode(b"%PDF").decode()

    fake.act(make.LINA, "image", {"name": "a b.pdf", "content_type": "application/pdf", "content": content})

    assert [(a.kind, a.name) for a in read(posted)[0].attachments] == [("file", "ab.pdf")]


def test_reactions_and_edits_point_at_their_message() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    fake.act(make.LINA, "text", {"text": "Hallo"})
    mid = fake.chat(make.LINA)[0].id

    fake.act(make.LINA, "react", {"message": mid, "emoji": "❤️"})
    fake.act(make.LINA, "react", {"message": mid, "emoji": ""})
    fake.act(make.LINA, "edit", {"text": "Hello"})
    fake.act(make.LINA, "referral", {})

    _message, love, nothing, edit, referral = read(posted)
    assert (type(love), love.external_id, love.emoji, nothing.emoji) == (Reaction, mid, "❤️", "")
    assert (type(edit), edit.external_id, edit.text, edit.revision) == (Edit, mid, "Hello", 1)
    assert (type(referral), referral.payload) == (Postback, "autumn-sale")


def test_the_same_again_is_the_same_bytes_and_a_batch_is_one_webhook_with_three_messages() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    fake.act(make.LINA, "text", {"text": "Hello"})

    fake.act(make.LINA, "again", {})
    fake.act(make.LINA, "batch", {})

    assert posted[0] == posted[1]
    assert len(posted) == 3
    batch = read(posted[2:])
    assert [type(event) for event in batch] == [InboundMessage] * 3
    assert [event.external_id for event in batch] == [bubble.id for bubble in fake.chat(make.LINA)[1:]]


def test_a_bad_signature_is_really_bad() -> None:
    posted: make.Posted = []
    make.graph(posted=posted).act(make.LINA, "bad_signature", {})

    with pytest.raises(InvalidSignature):
        read(posted)


def test_a_message_of_ours_is_echoed_delivered_and_read() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)

    receipt = ADAPTER.send(make.outbound(), make.context(fake))
    assert posted == []
    assert fake.pump() == 2
    fake.act(make.LINA, "read", {})
    fake.act(make.LINA, "read", {})

    echo, delivered, seen = read(posted)
    assert (type(echo), echo.external_id, echo.client_ref) == (Echo, receipt.external_id, "TX0192")
    assert (type(delivered), delivered.status, delivered.external_ids) == (
        Receipt,
        "delivered",
        (receipt.external_id,),
    )
    assert (type(seen), seen.status, seen.watermark) == (Receipt, "read", make.NOW)


def test_an_echo_may_come_before_the_answer() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    fake.arm("echo_first")

    receipt = ADAPTER.send(make.outbound(), make.context(fake))

    assert [event.external_id for event in read(posted)] == [receipt.external_id]


def test_a_lost_answer_leaves_the_outcome_open_and_the_echo_settles_it() -> None:
    posted: make.Posted = []
    fake = make.graph(posted=posted)
    fake.arm("lost_answer")

    with pytest.raises(OutcomeUnknown):
        ADAPTER.send(make.outbound(), make.context(fake))

    fake.pump()
    assert read(posted)[0].client_ref == "TX0192"
    assert len(fake.chat(make.LINA)) == 1


def test_no_answer_at_all_leaves_the_outcome_open_and_nothing_is_sent() -> None:
    fake = make.graph()
    fake.arm("hang")

    with pytest.raises(OutcomeUnknown):
        ADAPTER.send(make.outbound(), make.context(fake))
    assert fake.chat(make.LINA) == []


def test_an_armed_failure_strikes_as_often_as_it_was_armed() -> None:
    fake = make.graph()
    fake.arm("person_gone", times=2)

    for _ in range(2):
        with pytest.raises(RecipientGone):
            ADAPTER.send(make.outbound(), make.context(fake))
    ADAPTER.send(make.outbound(), make.context(fake))
    assert len(fake.chat(make.LINA)) == 1


def test_every_failure_of_the_menu_works() -> None:
    for failure in FakeGraph.failures:
        fake = make.graph()
        fake.act(make.LINA, "arm", {"failure": failure})
        with contextlib.suppress(SendError):
            ADAPTER.send(make.outbound(), make.context(fake))
        assert fake.state()["armed"] == [], failure


@pytest.mark.parametrize(
    "body",
    [
        {"recipient": {"id": "404"}, "messaging_type": "RESPONSE", "message": {"text": "x"}},
        {"recipient": {"id": make.LINA}, "message": {"text": "x"}},
        {"recipient": {"id": make.LINA}, "messaging_type": "RESPONSE", "message": {}},
        {"recipient": {"id": make.LINA}, "messaging_type": "RESPONSE", "message": {"text": "x" * 2001}},
        {
            "recipient": {"id": make.LINA},
            "messaging_type": "MESSAGE_TAG",
            "tag": "ACCOUNT_UPDATE",
            "message": {"text": "x"},
        },
        {"recipient": {"id": make.LINA}, "sender_action": "dance"},
        {"recipient": {"id": make.LINA}, "sender_action": "typing_on", "message": {"text": "x"}},
        {},
        [],
    ],
)
def test_the_fake_refuses_what_facebook_refuses(body: Any) -> None:
    fake = make.graph()
    client = make.context(fake).http

    response = client.post(
        f"https://graph.example/v25.0/{make.PAGE}/messages",
        json=body,
        headers={"Authorization": "Bearer test-page-token"},
    )

    assert response.status_code == 400
    assert response.json()["error"]["code"] == 100
    assert fake.chat(make.LINA) == []


def test_old_versions_and_unknown_places_are_refused() -> None:
    client = make.context(make.graph()).http
    headers = {"Authorization": "Bearer test-page-token"}

    assert client.get("https://graph.example/v23.0/me", headers=headers).json()["error"]["code"] == 2635
    assert client.get("https://graph.example/v25.0/me/accounts", headers=headers).status_code == 404
    assert client.get("https://graph.example/nowhere", headers=headers).status_code == 404
    assert client.get("https://graph.example/v25.0/me").json()["error"]["code"] == 190


def test_an_uploaded_attachment_can_be_sent_by_its_id() -> None:
    fake = make.graph()
    client, headers = make.context(fake).http, {"Authorization": "Bearer test-page-token"}
    uploaded = client.post(
        f"https://graph.example/v25.0/{make.PAGE}/message_attachments",
        data={"message": json.dumps({"attachment": {"type": "image", "payload": {}}})},
        files={"filedata": ("a.png", b"\x89PNG", "image/png")},
        headers=headers,
    ).json()

    message = {"attachment": {"type": "image", "payload": {"attachment_id": uploaded["attachment_id"]}}}
    body = {"recipient": {"id": make.LINA}, "messaging_type": "RESPONSE", "message": message}
    client.post(f"https://graph.example/v25.0/{make.PAGE}/messages", json=body, headers=headers)

    assert [file.kind for file in fake.chat(make.LINA)[0].files] == ["image"]


def test_the_log_never_shows_the_whole_token() -> None:
    fake = make.graph()

    ADAPTER.send(make.outbound(), make.context(fake))

    assert "test-page-token" not in json.dumps(fake.state())


def test_actions_that_make_no_sense_are_refused_by_name() -> None:
    fake = make.graph()

    for action, data in [
        ("text", {"text": "  "}),
        ("text", {}),
        ("text", {"text": "x", "reply_to": "m_gone"}),
        ("react", {"message": "m_gone", "emoji": "x"}),
        ("edit", {"text": "nothing to edit"}),
        ("again", {}),
        ("dance", {}),
        ("arm", {"failure": "dance"}),
        ("image", {"content": "no base64!"}),
    ]:
        with pytest.raises(Refused):
            fake.act(make.LINA, action, data)
    with pytest.raises(Refused):
        fake.act("404", "text", {"text": "x"})
