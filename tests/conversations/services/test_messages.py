from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from conversations.models import Attachment, Conversation, Message, Transmission
from conversations.services import lifecycle, messages, ownership, participants
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def _refusal(*args: Any, **fields: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        make.sent(*args, **fields)
    return caught.value


def test_a_message_is_accepted_with_its_transmissions_and_announced(drain: JobQueue, now: dt.datetime) -> None:
    agent = make.user(first_name="Amira", last_name="Nasser")
    conversation = make.conversation(owner=agent)
    files = [make.upload(user=agent, name=name).key for name in ("a.png", "b.png")]
    drain.clear()

    message = make.sent(conversation, user=agent, text=" Good morning \x00", attachment_keys=files, key="k-1")

    assert (message.seq, message.status, message.text) == (1, "queued", "Good morning")
    assert (message.author, message.author_name, message.user) == ("user", "Amira Nasser", agent)
    parts = list(message.transmissions.order_by("part").values_list("part", "text", "attachment__name", "status"))
    assert parts == [
        (0, "Good morning", None, "queued"),
        (1, "", "a.png", "queued"),
        (2, "", "b.png", "queued"),
    ]
    assert list(message.attachments.values_list("name", "position")) == [("a.png", 0), ("b.png", 1)]
    assert drain.names() == ["conversations.jobs.deliver"]
    fresh = Conversation.objects.get()
    assert (fresh.message_seq, fresh.last_message_text, fresh.last_message_at) == (1, "Good morning", now)


def test_the_same_key_again_is_the_same_message(drain: JobQueue) -> None:
    conversation = make.conversation()
    first = make.sent(conversation, key="k-1", text="one")

    again = make.sent(conversation, key="k-1", text="two")

    assert (again.pk, again.text) == (first.pk, "one")
    assert Transmission.objects.count() == 1


def test_the_same_key_again_is_the_same_message_even_after_closing(drain: JobQueue, now: dt.datetime) -> None:
    conversation = make.conversation()
    first = make.sent(conversation, key="k-1")
    lifecycle.close(conversation, now=now)

    assert make.sent(conversation, key="k-1").pk == first.pk


def test_numbers_have_no_gaps_even_when_an_attempt_fails(drain: JobQueue) -> None:
    conversation = make.conversation()

    make.sent(conversation)
    _refusal(conversation, text="x" * 501)
    make.sent(conversation)
    make.received(conversation.channel, sender=make.sender(conversation.identity.address))

    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]
    events = Conversation.objects.get().events.order_by("seq").values_list("seq", flat=True)
    assert list(events) == list(range(1, len(events) + 1))


def test_keys_and_files_named_by_a_hostile_client_harm_nobody(drain: JobQueue) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    long = "k" * 100

    assert make.sent(conversation, key="a\x00\ud800").key == "a\ufffd"
    keys = {make.sent(conversation, key=long + end).key for end in ("1", "2", "1")}
    assert {len(key) for key in keys} == {64}
    assert len(keys) == 2
    assert _refusal(conversation, user=agent, attachment_keys=["\x00"]).code == "attachment.not_found"


# -- may they --------------------------------------------------------------------------------------


def test_only_its_owner_and_who_joined_may_write(drain: JobQueue, now: dt.datetime) -> None:
    owner, joined, watching, stranger = (make.user() for _ in range(4))
    admin = make.user(is_superuser=True, is_staff=True)
    conversation = make.conversation(owner=owner)
    participants.join(conversation, joined, role="joining", now=now)
    participants.join(conversation, watching, role="watching", now=now)

    for user in (owner, joined):
        make.sent(conversation, user=user)
    codes = {_refusal(conversation, user=user).code for user in (watching, stranger, admin)}

    assert codes == {"conversation.not_participant"}
    assert Message.objects.count() == 2


def test_who_has_left_may_write_no_more(drain: JobQueue, now: dt.datetime) -> None:
    first, second = make.user(), make.user()
    conversation = make.conversation(owner=first)
    ownership.change(conversation, owner="worker", user=second, now=now)

    assert _refusal(conversation, user=first).code == "conversation.not_participant"


def test_a_deactivated_agent_may_not_write(drain: JobQueue) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    agent.is_active = False

    assert _refusal(conversation, user=agent).code == "conversation.not_participant"


def test_nobody_writes_into_a_closed_conversation(drain: JobQueue, now: dt.datetime) -> None:
    conversation = make.conversation()
    lifecycle.close(conversation, now=now)

    assert _refusal(conversation).code == "conversation.closed"


def test_who_has_not_seen_a_colleagues_answer_is_told(drain: JobQueue, now: dt.datetime) -> None:
    owner, joined = make.user(first_name="Bob"), make.user()
    conversation = make.conversation(owner=owner)
    participants.join(conversation, joined, role="joining", now=now)
    make.sent(conversation, user=owner)

    refusal = _refusal(conversation, user=joined, seen_seq=0)
    make.sent(conversation, user=joined, seen_seq=1)
    make.sent(conversation, user=joined, seen_seq=1)  # one's own answers are no surprise

    assert refusal.code == "conversation.answered_meanwhile"
    assert "Bob" in refusal.message


# -- stale automatic messages ----------------------------------------------------------------------


def test_an_automatic_message_for_an_earlier_owner_is_dropped(drain: JobQueue, now: dt.datetime) -> None:
    conversation = make.conversation()
    version = conversation.owner_version
    ownership.change(conversation, owner="worker", user=make.user(), now=now)

    assert messages.send(conversation, text="bot", key="k", author="bot", owner_version=version, now=now) is None

    assert Message.objects.count() == 0
    assert messages.send(conversation, text="bot", key="k", author="bot", owner_version=version + 1, now=now)


# -- can the channel -------------------------------------------------------------------------------


def test_a_text_too_long_is_refused_naming_the_limit(drain: JobQueue) -> None:
    refusal = _refusal(make.conversation(), text="x" * 501)

    assert refusal.code == "message.too_long"
    assert "500" in refusal.message
    assert "501" in refusal.message


def test_nothing_at_all_is_refused(drain: JobQueue) -> None:
    assert _refusal(make.conversation(), text=" \n ").code == "message.empty"


def test_a_file_type_the_channel_does_not_take_is_refused_naming_those_it_takes(drain: JobQueue) -> None:
    agent = make.user()
    conversation = make.conversation(channel=make.channel(type="window"), owner=agent)
    pdf = make.upload(user=agent, content=b"%PDF-1.7 ...", name="bill.pdf")

    refusal = _refusal(conversation, user=agent, attachment_keys=[pdf.key])

    assert refusal.code == "message.media_type"
    assert "application/pdf" in refusal.message
    assert "image/*" in refusal.message


def test_a_file_too_large_for_its_type_is_refused_naming_the_limit(drain: JobQueue) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    image = make.upload(user=agent, content=make.PNG + b"\0" * 1_200_000)
    other = make.upload(user=agent, content=b"notes " * 200_000, name="notes.txt", content_type="text/plain")

    refusal = _refusal(conversation, user=agent, attachment_keys=[image.key])
    make.sent(conversation, user=agent, attachment_keys=[other.key])  # 1.2 MB are fine for other types

    assert refusal.code == "message.media_size"
    assert "1.0 MB" in refusal.message


def test_more_quick_replies_than_the_channel_shows_are_refused(drain: JobQueue) -> None:
    conversation = make.conversation()

    assert _refusal(conversation, quick_replies=["a", "b", "c", "d"]).code == "message.quick_replies"
    assert make.sent(conversation, quick_replies=["a", "b", "c"]).data == {"quick_replies": ["a", "b", "c"]}


def test_quoting_is_refused_where_the_channel_cannot(drain: JobQueue) -> None:
    conversation = make.conversation(channel=make.channel(type="window"))
    theirs = make.received(conversation.channel, sender=make.sender(conversation.identity.address))

    assert _refusal(conversation, reply_to=theirs).code == "message.reply_to_unsupported"


def test_a_message_of_another_conversation_cannot_be_quoted(drain: JobQueue) -> None:
    conversation = make.conversation()
    foreign = make.received(make.channel())

    assert _refusal(conversation, reply_to=foreign).code == "message.reply_to"


def test_a_person_who_cannot_be_reached_is_not_written_to(drain: JobQueue) -> None:
    conversation = make.conversation()
    conversation.identity.is_reachable = False
    conversation.identity.save()

    assert _refusal(conversation).code == "identity.unreachable"


def test_a_channel_that_is_switched_off_takes_nothing(drain: JobQueue) -> None:
    conversation = make.conversation()
    conversation.channel.is_active = False
    conversation.channel.save()

    assert _refusal(conversation).code == "channel.inactive"


def test_a_closed_reply_window_refuses_before_anything_is_queued(drain: JobQueue, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(channel=make.channel(type="window"), owner=agent)
    hours, days = dt.timedelta(hours=1), dt.timedelta(days=1)

    make.sent(conversation, now=now + 24 * hours - dt.timedelta(seconds=1))
    bot = _refusal(conversation, now=now + 24 * hours)
    make.sent(conversation, user=agent, now=now + 7 * days - hours)
    human = _refusal(conversation, user=agent, now=now + 7 * days)

    assert (bot.code, human.code) == ("window_closed", "window_closed")
    assert Transmission.objects.count() == 2


def test_the_window_opens_again_when_the_customer_writes(drain: JobQueue, now: dt.datetime) -> None:
    conversation = make.conversation(channel=make.channel(type="window"))
    later = now + dt.timedelta(days=3)
    who = make.sender(conversation.identity.address)

    make.received(conversation.channel, sender=who, now=later, at=later - dt.timedelta(hours=1))

    make.sent(conversation, now=later + dt.timedelta(hours=22))
    assert _refusal(conversation, now=later + dt.timedelta(hours=23)).code == "window_closed"


def test_a_message_from_the_future_does_not_stretch_the_window(drain: JobQueue, now: dt.datetime) -> None:
    conversation = make.conversation(channel=make.channel(type="window"))
    who = make.sender(conversation.identity.address)

    make.received(conversation.channel, sender=who, now=now, at=now + dt.timedelta(days=30))

    assert Conversation.objects.get().last_customer_at == now


def test_who_never_wrote_cannot_be_written_to_where_there_is_a_window(drain: JobQueue) -> None:
    conversation = make.conversation(channel=make.channel(type="window"), customer_wrote=False)

    assert _refusal(conversation).code == "window_closed"


# -- files -----------------------------------------------------------------------------------------


def test_only_ones_own_unused_uploads_can_be_attached(drain: JobQueue) -> None:
    agent, other = make.user(), make.user()
    conversation = make.conversation(owner=agent)
    foreign = make.upload(user=other)
    visitors = make.upload(identity=conversation.identity)
    used = make.upload(user=agent)
    make.sent(conversation, user=agent, attachment_keys=[used.key])

    for key in (foreign.key, visitors.key, used.key, "no-such-key"):
        assert _refusal(conversation, user=agent, attachment_keys=[key]).code == "attachment.not_found"
    foreign.refresh_from_db()
    assert foreign.message is None


def test_automatic_messages_carry_no_uploads_of_anybody(drain: JobQueue) -> None:
    conversation = make.conversation()
    visitors = make.upload(identity=conversation.identity)

    assert _refusal(conversation, attachment_keys=[visitors.key]).code == "attachment.not_found"


# -- notes -----------------------------------------------------------------------------------------


def test_a_note_stays_in_the_house(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    colleague = make.user(teams=[line.team])
    conversation = make.conversation(channel=line, last_message_text="Hello")

    note = messages.note(conversation, text="Is a VIP", key="n-1", user=colleague, now=now)
    again = messages.note(conversation, text="Is a VIP", key="n-1", user=colleague, now=now)

    assert note.pk == again.pk
    assert (note.direction, note.kind, note.status) == ("note", "note", "received")
    assert Transmission.objects.count() == 0
    assert Conversation.objects.get().last_message_text == "Hello"


def test_who_does_not_see_a_conversation_writes_no_note_into_it(drain: JobQueue, now: dt.datetime) -> None:
    with pytest.raises(Refused) as caught:
        messages.note(make.conversation(), text="x", key="n", user=make.user(), now=now)

    assert caught.value.code == "conversation.not_visible"


# -- retry -----------------------------------------------------------------------------------------


def test_only_what_failed_is_sent_again_and_only_the_failed_part(drain: JobQueue, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    message = make.sent(conversation, user=agent, attachment_keys=[make.upload(user=agent).key])
    text, file = message.transmissions.order_by("part")
    Transmission.objects.filter(pk=text.pk).update(status="delivered", external_id="p-1")
    Transmission.objects.filter(pk=file.pk).update(status="failed", error="Too big", attempts=1)
    Message.objects.update(status="failed", status_reason="Too big")

    again = messages.retry(message, user=agent, now=now)

    assert (again.status, again.status_reason) == ("queued", "")
    assert list(message.transmissions.order_by("part").values_list("status", "attempts")) == [
        ("delivered", 0),
        ("queued", 0),
    ]
    with pytest.raises(Refused):
        messages.retry(message, user=agent, now=now)


def test_a_retry_needs_a_seat_or_a_supervisor_and_an_open_window(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel(type="window")
    agent, colleague = make.user(), make.user(teams=[line.team])
    supervisor = make.user(teams=[line.team], is_staff=True)
    conversation = make.conversation(channel=line, owner=agent)
    message = make.sent(conversation, user=agent)
    Message.objects.update(status="failed")
    Transmission.objects.update(status="failed")

    with pytest.raises(Refused) as no_seat:
        messages.retry(message, user=colleague, now=now)
    with pytest.raises(Refused) as too_late:
        messages.retry(message, user=supervisor, now=now + dt.timedelta(days=8))
    messages.retry(message, user=supervisor, now=now)

    assert (no_seat.value.code, too_late.value.code) == ("conversation.not_participant", "window_closed")
    assert Attachment.objects.count() == 0
