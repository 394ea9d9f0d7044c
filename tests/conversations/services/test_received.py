from __future__ import annotations

import datetime as dt

import pytest

from channels_adapters.contract import Deletion, Edit, InboundAttachment, Postback, Reaction
from conversations import queries
from conversations.models import Attachment, Conversation, Identity, Message, Transmission
from conversations.services import delivery, lifecycle, messages, received
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _drain(drain: JobQueue) -> JobQueue:
    return drain


def test_a_message_opens_a_conversation_and_the_next_resumes_it(now: dt.datetime) -> None:
    line = make.channel()

    first = make.received(line, text="Hello")
    second = make.received(line, text="Anybody there?", now=now + MINUTE)

    conversation = Conversation.objects.get()
    assert (first.conversation_id, second.conversation_id) == (conversation.pk, conversation.pk)
    assert (first.seq, second.seq, conversation.message_seq) == (1, 2, 2)
    assert (conversation.last_customer_at, conversation.last_message_text) == (now + MINUTE, "Anybody there?")
    assert (first.author, first.author_name, first.status) == ("contact", "Layla", "received")


def test_after_closing_the_next_message_opens_a_new_one(now: dt.datetime) -> None:
    line = make.channel()
    first = make.received(line)
    lifecycle.close(first.conversation, disposition="resolved", now=now)

    second = make.received(line)

    assert second.conversation_id != first.conversation_id
    assert second.seq == 1
    assert Conversation.objects.filter(status="open").count() == 1


def test_threads_of_one_customer_are_conversations_of_their_own() -> None:
    line = make.channel()

    one, two = make.received(line, thread="order 1"), make.received(line, thread="order 2")

    assert one.conversation_id != two.conversation_id
    assert one.conversation.identity_id == two.conversation.identity_id


def test_receiving_twice_stores_once(now: dt.datetime) -> None:
    line = make.channel()
    event = make.inbound(line)

    first = received.store(line, event, now=now)
    again = received.store(line, event, now=now)

    assert (first[1], again[1]) == (True, False)
    assert first[0] == again[0]
    assert Conversation.objects.get().message_seq == 1


def test_a_message_without_an_id_of_the_provider_is_told_by_its_key(now: dt.datetime) -> None:
    line = make.channel()
    pressed = Postback("tap:1", line.address, now, sender=make.sender(), external_id="", title="Yes", payload="YES")

    messages.receive(line, pressed, now=now)
    messages.receive(line, pressed, now=now)

    message = Message.objects.get()
    assert (message.kind, message.text, message.data) == ("postback", "Yes", {"payload": "YES"})


def test_a_passive_message_says_so() -> None:
    assert make.received(make.channel(), passive=True).data == {"passive": True}


def test_a_quoted_message_is_found_by_the_providers_id(now: dt.datetime) -> None:
    line = make.channel()
    first = make.received(line, external_id="m-1")
    ours = make.sent(first.conversation)
    delivery.deliver(first.conversation_id, now=now)

    assert make.received(line, reply_to="m-1").reply_to == first
    assert make.received(line, reply_to="p-1").reply_to == ours
    assert make.received(line, reply_to="unknown").reply_to is None


# -- attachments -----------------------------------------------------------------------------------


def test_the_message_is_stored_at_once_and_its_files_are_fetched_later(now: dt.datetime, drain: JobQueue) -> None:
    line = make.channel()
    files = [
        InboundAttachment("image", url="https://cdn.example/1", name="../a\u202e.png", content_type="image/png"),
        InboundAttachment("location", data={"lat": 1, "lng": 2}),
        InboundAttachment("link", url="https://example.com/x", data={"title": "X"}),
        InboundAttachment("file"),
    ]

    message = make.received(line, text="", attachments=files)

    rows = list(message.attachments.values_list("kind", "state", "due_at", "data"))
    assert rows == [
        ("image", "pending", now, {}),
        ("location", "stored", None, {"lat": 1, "lng": 2}),
        ("link", "stored", None, {"url": "https://example.com/x", "title": "X"}),
        ("file", "failed", None, {}),
    ]
    assert [job.name for job in drain.waiting].count("conversations.jobs.fetch_media") == 1
    assert Conversation.objects.get().last_message_text == "[../a.png]"


def test_a_visitors_own_upload_is_bound_and_nobody_elses(now: dt.datetime) -> None:
    line = make.channel()
    mine, theirs = make.identity(line, address="customer-1"), make.identity(line, address="other")
    own, foreign = make.upload(identity=mine), make.upload(identity=theirs)
    agents = make.upload(user=make.user())

    message = make.received(
        line,
        attachments=[InboundAttachment("image", stored_key=row.key) for row in (own, foreign, agents)],
    )

    assert [row.state for row in message.attachments.all()] == ["stored", "failed", "failed"]
    assert Attachment.objects.get(key=own.key).message == message
    assert Attachment.objects.get(key=foreign.key).message is None
    assert Attachment.objects.get(key=agents.key).message is None


def test_an_upload_is_bound_once(now: dt.datetime) -> None:
    line = make.channel()
    own = make.upload(identity=make.identity(line, address="customer-1"))
    file = [InboundAttachment("image", stored_key=own.key)]
    first = make.received(line, attachments=file)

    second = make.received(line, attachments=file)

    assert [row.state for row in second.attachments.all()] == ["failed"]
    assert Attachment.objects.get(key=own.key).message == first


# -- edits, deletions, reactions -------------------------------------------------------------------


def _edit(message: Message, text: str, revision: int, *, who: str = "customer-1") -> Edit:
    return Edit(
        f"edit:{revision}",
        message.channel.address,
        make.NOW,
        sender=make.sender(who),
        external_id=message.external_id,
        text=text,
        revision=revision,
    )


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 3, 1)])
def test_the_highest_revision_of_an_edit_wins(order: tuple[int, ...], now: dt.datetime) -> None:
    message = make.received(make.channel(), text="v0")

    for revision in order:
        assert messages.edit(message.channel, _edit(message, f"v{revision}", revision), now=now)

    message.refresh_from_db()
    assert (message.text, message.edit_revision, message.edited_at) == ("v3", 3, now)
    assert message.data["history"][0] == {"text": "v0", "revision": 0}
    assert "history" not in queries.message_json(message)["data"]
    assert Conversation.objects.get().last_message_text == "v3"


def test_nobody_edits_or_deletes_another_ones_words(now: dt.datetime) -> None:
    message = make.received(make.channel(), text="mine")
    gone = Deletion("d", message.channel.address, now, sender=make.sender("x"), external_id=message.external_id)

    assert not messages.edit(message.channel, _edit(message, "forged", 1, who="x"), now=now)
    assert not messages.delete(message.channel, gone, now=now)

    message.refresh_from_db()
    assert (message.text, message.deleted_at) == ("mine", None)


def test_nobody_edits_ours(now: dt.datetime) -> None:
    conversation = make.conversation()
    ours = make.sent(conversation)
    delivery.deliver(conversation.pk, now=now)
    ours.refresh_from_db()

    assert not messages.edit(ours.channel, _edit(ours, "forged", 1, who=conversation.identity.address), now=now)


def test_a_deleted_message_keeps_its_row_and_shows_nothing(now: dt.datetime) -> None:
    message = make.received(make.channel(), text="secret", attachments=[InboundAttachment("location", data={"lat": 1})])
    event = Deletion("d", message.channel.address, now, sender=make.sender(), external_id=message.external_id)

    assert messages.delete(message.channel, event, now=now + MINUTE)
    messages.delete(message.channel, event, now=now + 2 * MINUTE)
    messages.edit(message.channel, _edit(message, "back again", 1), now=now)

    message.refresh_from_db()
    shown = queries.message_json(message)
    assert (message.text, message.deleted_at) == ("secret", now + MINUTE)
    assert (shown["text"], shown["attachments"], shown["deleted_at"]) == ("", [], (now + MINUTE).isoformat())
    assert Conversation.objects.get().last_message_text == ""


def test_a_customer_has_one_reaction_which_can_change_and_go(now: dt.datetime) -> None:
    conversation = make.conversation()
    ours = make.sent(conversation)
    delivery.deliver(conversation.pk, now=now)
    seen = []
    for emoji in ("❤", "👍", "👍", ""):
        event = Reaction(
            "r",
            ours.channel.address,
            now,
            sender=make.sender(conversation.identity.address),
            external_id="p-1",
            emoji=emoji,
        )
        assert messages.react(ours.channel, event, now=now)
        ours.refresh_from_db()
        seen.append(ours.reactions)

    assert seen == [{"❤": ["contact"]}, {"👍": ["contact"]}, {"👍": ["contact"]}, {}]


def test_raw_json_of_an_unsupported_message_is_for_admins_alone(now: dt.datetime) -> None:
    from channels_adapters.contract import Unsupported

    line = make.channel()
    poll = Unsupported("u", line.address, now, kind="poll", sender=make.sender(), raw={"q": 1})
    message = messages.receive(line, poll, now=now)

    assert message is not None
    assert message.data == {"type": "poll", "raw": {"q": 1}}
    assert queries.message_json(message)["data"] == {"type": "poll"}


# -- echoes ----------------------------------------------------------------------------------------


def test_another_apps_message_appears_in_the_conversation(now: dt.datetime) -> None:
    line = make.channel()
    make.received(line)
    echo = make.echo(line, external_id="m-9", text="From the page's inbox", author_name="Page Inbox")

    assert messages.echo(line, echo, now=now)
    assert messages.echo(line, echo, now=now)

    message = Message.objects.get(external_id="m-9")
    assert (message.seq, message.direction, message.author, message.author_name, message.status) == (
        2,
        "out",
        "external",
        "Page Inbox",
        "sent",
    )
    assert Transmission.objects.count() == 0


def test_another_apps_message_after_closing_joins_the_old_conversation(now: dt.datetime) -> None:
    line = make.channel()
    first = make.received(line)
    lifecycle.close(first.conversation, now=now)

    messages.echo(line, make.echo(line, text="One more thing"), now=now)

    assert Conversation.objects.count() == 1
    assert first.conversation.messages.count() == 2


def test_another_apps_first_message_to_somebody_opens_a_conversation(now: dt.datetime) -> None:
    line = make.channel()

    messages.echo(line, make.echo(line, text="Hi there"), now=now)

    assert Identity.objects.get().address == "customer-1"
    assert Conversation.objects.get().message_seq == 1


def test_an_echo_of_our_own_is_not_shown_twice(now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation)
    delivery.deliver(conversation.pk, now=now)
    who = make.sender(conversation.identity.address)

    echo = make.echo(conversation.channel, external_id="p-1", at=now + MINUTE, recipient=who)
    assert messages.echo(conversation.channel, echo, now=now)

    assert Message.objects.count() == 1
    assert Transmission.objects.get().sent_at == now + MINUTE  # the provider's own time


def test_an_echo_without_our_reference_waits_while_a_send_is_under_way(now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation)
    claim = delivery._claim(conversation.pk, now=now)
    who = make.sender(conversation.identity.address)
    echo = make.echo(conversation.channel, external_id="p-1", recipient=who, text="?")

    assert not messages.echo(conversation.channel, echo, now=now)

    from channels_adapters.contract import SendReceipt

    assert claim is not None
    delivery.record(claim, SendReceipt("p-1"), now=now, began_at=now)
    assert messages.echo(conversation.channel, echo, now=now)
    assert Message.objects.count() == 1


def test_an_echo_waits_only_so_long(now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation)
    delivery._claim(conversation.pk, now=now)
    echo = make.echo(conversation.channel, recipient=make.sender(conversation.identity.address), text="another app's")

    assert messages.echo(conversation.channel, echo, now=now + 3 * MINUTE, received_at=now)

    assert Message.objects.filter(author="external").count() == 1


def test_an_unknown_send_is_settled_by_an_echo_with_its_words(now: dt.datetime) -> None:
    conversation = make.conversation()
    ours = make.sent(conversation, text="Did this arrive?")
    delivery._claim(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + delivery.LEASE + MINUTE)
    who = make.sender(conversation.identity.address)
    echo = make.echo(conversation.channel, external_id="m-5", recipient=who, text="Did this arrive?")

    assert messages.echo(conversation.channel, echo, now=now)

    ours.refresh_from_db()
    assert (ours.status, ours.external_id) == ("sent", "m-5")


def test_an_echo_with_a_reference_nobody_gave_is_another_apps(now: dt.datetime) -> None:
    line = make.channel()
    make.received(line)

    assert messages.echo(line, make.echo(line, client_ref="TX" + "0" * 32, text="x"), now=now)

    assert Message.objects.filter(author="external").count() == 1
