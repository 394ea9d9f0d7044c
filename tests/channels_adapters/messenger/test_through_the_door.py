"""Messenger from Facebook's request to our rows and back, through the real door, services and jobs."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from channels_adapters.messenger import signature
from channels_adapters.messenger.wire import PageWire
from contactcenter.lib import clock
from conversations.models import Channel, Conversation, InboundEvent, Message, Payload, Transmission
from conversations.services import messages, ownership
from tests.channels_adapters.messenger.conftest import Desk
from tests.factories import conversations as rows
from tests.factories import messenger as make

SAMPLES = Path(signature.__file__).parent / "samples"
ALL_SAMPLES = sorted(p for p in SAMPLES.iterdir() if not p.name.endswith(".expected.json"))
Event = InboundEvent.Status


def say(desk: Desk, text: str = "We are on it", **fields: Any) -> Message:
    """An answer of the bot in Lina's conversation, queued."""
    fields = {"author": "bot", "key": f"key-{text}", "now": clock.now(), **fields}
    message = messages.send(desk.conversation(), text=text, **fields)
    assert message is not None
    return message


# -- in ---------------------------------------------------------------------------------------------------------------


def test_a_customer_s_message_opens_a_conversation(desk: Desk) -> None:
    desk.graph.act(make.LINA, "text", {"text": "مرحباً، where is my kettle? \U0001fad6"})
    desk.settle()

    conversation = desk.conversation()
    assert (conversation.channel, conversation.status) == (desk.channel, "open")
    assert desk.texts() == ["مرحباً، where is my kettle? \U0001fad6"]
    assert conversation.identity.scope == make.PAGE
    assert conversation.identity.is_verified


def test_eleven_messages_eight_statuses_and_one_quarantined_element_of_two_entries(desk: Desk) -> None:
    """Pain point 5: two entries with two batches of three messages and two statuses; one message is malformed."""
    wire, now = PageWire(make.PAGE, "811702366090417"), clock.now()
    people = (make.LINA, make.OMAR)
    for person in people:
        desk.graph.act(person, "text", {"text": "Hello"})
        desk.settle()
        say_to = Conversation.objects.get(identity__address=person)
        for number in range(4):
            messages.send(say_to, text=f"answer {number}", key=f"{person}{number}", author="bot", now=now)
    desk.drain()
    ids = {person: [bubble.id for bubble in desk.graph.chat(person) if not bubble.is_mine] for person in people}
    InboundEvent.objects.all().delete()
    Message.objects.filter(direction="in").delete()

    entries = []
    for person in people:
        events: list[dict[str, Any]] = []
        for batch in (0, 1):
            events += [wire.message(person, f"m_{person}_{batch}_{n}", now, text=f"{batch}{n}") for n in range(3)]
            events += [wire.delivery(person, [ids[person][batch * 2 + n]], now, now) for n in range(2)]
        entries.append(wire.entry(*events))
    entries[0]["messaging"][1]["message"] = "not an object"
    status = desk.signed(json.dumps({"object": "page", "entry": entries}).encode())
    desk.drain()

    assert status == 200
    assert Message.objects.filter(direction="in").count() == 11
    assert InboundEvent.objects.filter(kind="receipt", status=Event.DONE).count() == 8
    assert Message.objects.filter(direction="out", status="delivered").count() == 8
    assert list(InboundEvent.objects.filter(status=Event.FAILED).values_list("kind", flat=True)) == ["malformed"]
    assert InboundEvent.objects.count() == 20


def test_the_same_request_fifty_times_is_one_message(desk: Desk) -> None:
    desk.graph.act(make.LINA, "text", {"text": "Only once"})
    for _ in range(49):
        desk.graph.act(make.LINA, "again", {})
        desk.drain()

    assert desk.answers == [200] * 50
    assert desk.texts() == ["Only once"]
    assert Conversation.objects.count() == 1
    assert Payload.objects.get().deliveries == 50


def test_the_same_message_in_another_request_is_still_one_message(desk: Desk) -> None:
    wire, at = desk.graph.wire, clock.now()
    one = wire.message(make.LINA, "m_once", at, text="Only once")

    desk.signed(wire.body(one))
    desk.signed(wire.body(one, wire.message(make.LINA, "m_two", at + dt.timedelta(milliseconds=1), text="Two")))
    desk.settle()

    assert desk.texts() == ["Only once", "Two"]


def test_messages_of_one_request_are_stored_in_the_order_they_were_written(desk: Desk) -> None:
    wire, now = desk.graph.wire, clock.now() - dt.timedelta(minutes=1)
    late = wire.message(make.LINA, "m_b", now + dt.timedelta(seconds=5), text="second")
    early = wire.message(make.LINA, "m_a", now, text="first")

    desk.signed(wire.body(late, early))
    desk.settle()

    assert desk.texts() == ["first", "second"]


def test_edits_reactions_and_buttons_reach_their_message(desk: Desk) -> None:
    desk.graph.act(make.LINA, "text", {"text": "Hallo"})
    desk.settle()
    answer = say(desk, "Guten Tag", quick_replies=("Opening hours",))
    desk.settle()
    ours = desk.graph.chat(make.LINA)[1].id

    desk.graph.act(make.LINA, "edit", {"text": "Hello"})
    desk.graph.act(make.LINA, "react", {"message": ours, "emoji": "👍"})
    desk.graph.act(make.LINA, "text", {"text": "Opening hours", "payload": "Opening hours", "reply_to": ours})
    desk.settle()

    first, second, third = Message.objects.order_by("seq")
    assert (first.text, first.edit_revision) == ("Hello", 1)
    assert second.reactions == {"👍": ["contact"]}
    assert third.data == {"quick_reply": "Opening hours"}
    assert third.reply_to == answer


def test_an_image_and_a_location_become_attachments(desk: Desk) -> None:
    desk.graph.act(make.LINA, "location", {})
    desk.graph.act(make.LINA, "image", {})
    desk.drain("inbound")

    kinds = [[(a.kind, a.state) for a in m.attachments.all()] for m in Message.objects.order_by("seq")]
    assert kinds == [[("location", "stored")], [("image", "pending")]]


def test_who_comes_by_a_link_is_a_button_press_that_tells_where_from(desk: Desk) -> None:
    desk.graph.act(make.LINA, "referral", {})
    desk.settle()

    message = Message.objects.get(direction="in")
    assert (message.kind, message.text, message.data) == (
        "postback",
        "autumn-sale",
        {
            "payload": "autumn-sale",
            "referral": {"ref": "autumn-sale", "source": "SHORTLINK", "type": "OPEN_THREAD"},
        },
    )


def test_another_app_s_thread_is_shown_and_marked(desk: Desk) -> None:
    wire = desk.graph.wire
    desk.signed(wire.body(wire.message(make.LINA, "m_standby", clock.now(), text="for another app"), name="standby"))
    desk.settle()

    assert Message.objects.get().data == {"passive": True}


def test_what_colleagues_write_in_the_page_inbox_is_shown_as_theirs(desk: Desk) -> None:
    desk.graph.act(make.LINA, "text", {"text": "Hello"})
    desk.settle()
    echo = desk.graph.wire.echo(make.LINA, "m_inbox", clock.now(), app_id="263902037430900", text="By hand")

    desk.signed(desk.graph.wire.body(echo))
    desk.settle()

    message = Message.objects.get(external_id="m_inbox")
    assert (message.direction, message.author, message.author_name) == ("out", "external", "Page Inbox")


def test_events_of_a_page_we_do_not_serve_are_ignored_and_kept(desk: Desk) -> None:
    wire = PageWire("31337", "811702366090417")

    status = desk.signed(wire.body(wire.message(make.LINA, "m_foreign", clock.now(), text="not ours")))
    desk.settle()

    assert status == 200
    assert desk.outcomes() == [("message", "ignored")]
    assert Message.objects.count() == 0


# -- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_taken_and_every_element_has_an_outcome(desk: Desk, sample: Path) -> None:
    status = desk.signed(sample.read_bytes())
    desk.drain()

    assert status == 200
    assert Payload.objects.count() == 1
    statuses = set(InboundEvent.objects.values_list("status", flat=True))
    assert statuses <= {Event.DONE, Event.WAITING, Event.IGNORED, Event.FAILED}
    crashed = InboundEvent.objects.filter(status=Event.FAILED).exclude(kind="malformed")
    assert list(crashed.values_list("error", flat=True)) == []


def test_a_text_of_300_000_characters_is_taken(desk: Desk) -> None:
    wire = desk.graph.wire

    status = desk.signed(wire.body(wire.message(make.LINA, "m_huge", clock.now(), text="A" * 300_000)))
    desk.settle()

    assert status == 200
    assert len(Message.objects.get().text) == 300_000


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "SHA256={right}",
        "{right_digest}",
        "sha256={right_digest}0",
        "sha256={upper}",
        "sha256={right_digest},sha256={right_digest}",
        " sha256={right_digest}x",
        "sha256=é{right_digest}",
    ],
)
def test_what_is_not_signed_by_facebook_is_refused_and_nothing_is_stored(desk: Desk, header: str | None) -> None:
    body = desk.graph.wire.body(desk.graph.wire.message(make.LINA, "m_1", clock.now(), text="Hello"))
    right = signature.sign("test-app-secret", body)
    digest = right.removeprefix("sha256=")
    headers = (
        {}
        if header is None
        else {"X-Hub-Signature-256": header.format(right=right, right_digest=digest, upper=digest.upper())}
    )

    assert desk.post(body, **headers) == 403
    assert desk.post(body, **{"X-Hub-Signature": "sha1=" + digest[:40], **headers}) == 403
    assert Payload.objects.count() == 0


def test_a_body_over_the_limit_is_refused_by_its_length(desk: Desk) -> None:
    assert desk.post(b"x" * (5 * 1024 * 1024 + 1)) == 413
    assert Payload.objects.count() == 0


def test_the_handshake_answers_at_the_door(desk: Desk) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "test-verify-token", "hub.challenge": "42"}

    right = Client().get(make.line().hook_path, asked)
    wrong = Client().get(make.line().hook_path, {**asked, "hub.verify_token": "guess"})

    assert (right.status_code, right.content) == (200, b"42")
    assert right.headers["content-type"].startswith("text/plain")
    assert right.headers["x-content-type-options"] == "nosniff"
    assert (wrong.status_code, wrong.content) == (403, b"")


# -- out --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def talking(desk: Desk) -> Desk:
    desk.graph.act(make.LINA, "text", {"text": "Hello"})
    desk.settle()
    return desk


def test_an_answer_is_sent_delivered_and_read(talking: Desk) -> None:
    message = say(talking)
    talking.drain()
    message.refresh_from_db()
    assert message.status == "sent"

    talking.settle()
    message.refresh_from_db()
    assert message.status == "delivered"

    talking.graph.act(make.LINA, "read", {})
    talking.settle()
    message.refresh_from_db()
    assert message.status == "read"
    assert [bubble.text for bubble in talking.graph.chat(make.LINA)] == ["Hello", "We are on it"]


def test_an_echo_before_the_answer_doubles_nothing(talking: Desk) -> None:
    talking.graph.arm("echo_first")

    message = say(talking)
    talking.settle()

    message.refresh_from_db()
    assert message.status == "delivered"
    assert talking.texts(direction="out") == ["We are on it"]
    assert Transmission.objects.get().external_id == talking.graph.chat(make.LINA)[1].id


def test_receipts_before_their_message_wait_for_it(talking: Desk) -> None:
    """Facebook reports delivery and reading of a message whose send we have not written down yet."""
    wire, tell = talking.graph.wire, talking.graph.tell
    original = talking.graph._accept

    def accept(person: Any, request: Any) -> Any:
        bubble, echo = original(person, request)
        tell("delivery first", wire.delivery(make.LINA, [bubble.id], bubble.at, clock.now()))
        talking.drain("inbound")
        return bubble, echo

    talking.graph._accept = accept  # type: ignore[method-assign]
    message = say(talking)
    talking.drain("outbound")
    talking.drain("inbound")

    message.refresh_from_db()
    assert message.status == "delivered"
    assert InboundEvent.objects.filter(kind="receipt").exclude(status=Event.DONE).count() == 0


def test_a_lost_answer_is_unknown_until_the_echo_settles_it(talking: Desk) -> None:
    talking.graph.arm("lost_answer")

    message = say(talking)
    talking.drain()
    message.refresh_from_db()
    assert message.status == "unknown"

    talking.settle()
    message.refresh_from_db()
    assert message.status == "delivered"
    assert [bubble.text for bubble in talking.graph.chat(make.LINA)] == ["Hello", "We are on it"]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ("window_closed", "failed", "send.window_closed"),
        ("person_gone", "failed", "send.recipient_gone"),
        ("rejected", "failed", "send.content_rejected"),
        ("token_expired", "queued", "send.channel_misconfigured"),
        ("rate_limit", "queued", "send.transient"),
        ("throttled", "queued", "send.transient"),
        ("temporary", "queued", "send.transient"),
        ("server_error", "unknown", "send.outcome_unknown"),
        ("bad_gateway", "unknown", "send.outcome_unknown"),
        ("hang", "unknown", "send.outcome_unknown"),
    ],
)
def test_a_failure_is_told_and_nothing_is_doubled(talking: Desk, failure: str, status: str, code: str) -> None:
    talking.graph.arm(failure)

    message = say(talking)
    talking.settle()

    message.refresh_from_db()
    part = Transmission.objects.get()
    assert (message.status, part.error_code) == (status, code)
    assert part.error
    assert len(talking.graph.chat(make.LINA)) == 1
    assert Channel.objects.get().is_healthy is (failure != "token_expired")


def test_a_busy_facebook_is_asked_again_after_the_wait_it_wants(talking: Desk) -> None:
    talking.graph.arm("throttled")
    before = clock.now()

    say(talking)
    talking.settle()

    assert Transmission.objects.get().due_at >= before + dt.timedelta(seconds=5)


def test_a_picture_is_uploaded_after_its_text(talking: Desk) -> None:
    user = rows.user(username="amira")
    photo = rows.upload(user=user, now=clock.now())
    ownership.change(talking.conversation(), owner="worker", owner_sid="WK" + "0" * 32, user=user, now=clock.now())
    say(talking, "Like this one?", author="user", user=user, attachment_keys=(photo.key,))
    talking.settle()

    _hello, text, picture = talking.graph.chat(make.LINA)
    assert (text.text, text.files) == ("Like this one?", [])
    assert (picture.text, [file.kind for file in picture.files]) == ("", ["image"])
