from __future__ import annotations

import datetime as dt

import pytest

from channels_adapters import errors
from channels_adapters.contract import OutboundMessage, SendReceipt
from conversations.models import Identity, Message, Transmission
from conversations.services import delivery, lifecycle, ownership
from tests.conversations.services.sends import SECOND, a_message, state_of
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _drain(drain: JobQueue) -> JobQueue:
    return drain


# -- the good way ----------------------------------------------------------------------------------


def test_a_message_goes_out_once_and_gets_its_id(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()

    assert delivery.deliver(conversation.pk, now=now) == 1
    assert delivery.deliver(conversation.pk, now=now) == 0

    message.refresh_from_db()
    assert (message.status, message.external_id) == ("sent", "p-1")
    part = message.transmissions.get()
    assert (part.status, part.external_id, part.attempts, part.lease_epoch) == ("sent", "p-1", 1, 1)
    assert provider.sent[0].ref == part.sid
    assert (provider.sent[0].recipient, provider.sent[0].origin) == (conversation.identity.address, "automatic")


def test_parts_and_messages_go_in_order(provider: Provider, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    file = make.upload(user=agent, name="a.png")
    make.sent(conversation, user=agent, text="one", attachment_keys=[file.key], quick_replies=["Yes"])
    make.sent(conversation, user=agent, text="two")

    assert delivery.deliver(conversation.pk, now=now) == 3

    assert [(sent.text, sent.attachment and sent.attachment.name) for sent in provider.sent] == [
        ("one", None),
        ("", "a.png"),
        ("two", None),
    ]
    assert [sent.quick_replies for sent in provider.sent] == [("Yes",), (), ()]
    assert provider.sent[1].attachment is not None
    assert provider.sent[1].attachment.read() == make.PNG
    assert [sent.origin for sent in provider.sent] == ["human"] * 3


def test_a_quote_names_the_providers_id(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    theirs = make.received(conversation.channel, sender=make.sender(conversation.identity.address), external_id="m-77")
    make.sent(conversation, reply_to=theirs)

    delivery.deliver(conversation.pk, now=now)

    assert provider.sent[0].reply_to == "m-77"


def test_taking_may_be_delivering(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [SendReceipt("p", status="delivered")]

    delivery.deliver(conversation.pk, now=now)

    assert state_of(message) == ("delivered", "")


def test_the_send_is_outside_any_transaction(provider: Provider, now: dt.datetime) -> None:
    conversation, _sent = a_message()
    seen: list[str] = []

    def look(outbound: OutboundMessage) -> SendReceipt:
        seen.append(Transmission.objects.get().status)
        return SendReceipt("p")

    provider.answers[conversation.channel.address] = [look]
    delivery.deliver(conversation.pk, now=now)

    assert seen == ["sending"]


# -- failures --------------------------------------------------------------------------------------


def test_a_moments_failure_is_tried_again_with_growing_patience(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")] * 3
    waits = []
    at = now
    for _ in range(4):
        delivery.deliver(conversation.pk, now=at)
        part = message.transmissions.get()
        if part.status == "queued":
            waits.append(part.due_at - at)
            assert delivery.deliver(conversation.pk, now=part.due_at - dt.timedelta(seconds=1)) == 0
            at = part.due_at

    assert [low * SECOND <= wait <= (low * 1.25 + 1) * SECOND for low, wait in zip((2, 4, 8), waits, strict=True)] == [
        True
    ] * 3
    assert state_of(message) == ("sent", "")
    assert len(provider.sent) == 4


def test_the_providers_own_wish_for_patience_is_honoured(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.TransientSendError("slow down", retry_after=90)]

    delivery.deliver(conversation.pk, now=now)

    part = message.transmissions.get()
    assert now + 90 * SECOND <= part.due_at <= now + 92 * SECOND
    assert state_of(message) == ("queued", "slow down")


def test_a_failure_that_never_ends_is_given_up_with_its_reason(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")] * 20
    at = now
    for _ in range(20):
        delivery.deliver(conversation.pk, now=at)
        at += dt.timedelta(minutes=10)

    assert len(provider.sent) == delivery.TRIES
    assert state_of(message) == ("failed", "busy")


def test_a_waiting_message_holds_back_those_behind_it(provider: Provider, now: dt.datetime) -> None:
    conversation, first = a_message()
    make.sent(conversation, text="second")
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + SECOND)
    assert provider.texts() == [first.text]
    delivery.deliver(conversation.pk, now=now + 60 * SECOND)

    assert provider.texts() == [first.text, first.text, "second"]


def test_a_refused_message_fails_with_its_reason_and_the_next_goes(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    make.sent(conversation, text="next")
    provider.answers[conversation.channel.address] = [errors.ContentRejected("The picture is too large.")]

    delivery.deliver(conversation.pk, now=now)

    assert state_of(message) == ("failed", "The picture is too large.")
    part = message.transmissions.get()
    assert (part.status, part.error_code) == ("failed", "send.content_rejected")
    assert provider.texts() == [message.text, "next"]


@pytest.mark.parametrize("error", [errors.RecipientGone, errors.OptedOut])
def test_who_is_gone_is_written_to_no_more_until_they_write(
    error: type[errors.SendError], provider: Provider, now: dt.datetime
) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [error("They have left.")]

    delivery.deliver(conversation.pk, now=now)

    assert state_of(message) == ("failed", "They have left.")
    assert Identity.objects.get().is_reachable is False
    make.received(conversation.channel, sender=make.sender(conversation.identity.address))
    assert Identity.objects.get().is_reachable is True


# -- stale automatic messages ----------------------------------------------------------------------


def test_an_automatic_reply_never_leaves_after_a_person_took_over(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    message = make.sent(conversation, text="I am a bot", owner_version=conversation.owner_version)
    ownership.change(conversation, owner="worker", user=make.user(), now=now)

    delivery.deliver(conversation.pk, now=now)

    assert provider.sent == []
    assert state_of(message)[0] == "dropped"


def test_a_greeting_survives_its_flows_own_hand_over_to_a_queue(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation, text="One moment please", owner_version=conversation.owner_version)
    ownership.change(conversation, owner="queue", owner_sid="WQ" + "0" * 32, owner_name="Support", now=now)

    delivery.deliver(conversation.pk, now=now)

    assert provider.texts() == ["One moment please"]


def test_a_queued_automatic_message_is_dropped_even_while_it_backs_off(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    message = make.sent(conversation, text="bot", owner_version=conversation.owner_version)
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")]
    delivery.deliver(conversation.pk, now=now)
    ownership.change(conversation, owner="worker", user=make.user(), now=now)

    delivery.deliver(conversation.pk, now=now + 60 * SECOND)

    assert provider.texts() == ["bot"]  # the first try only
    assert state_of(message)[0] == "dropped"


def test_a_flows_goodbye_leaves_although_the_conversation_is_closed(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation, text="Goodbye", owner_version=conversation.owner_version)
    lifecycle.close(conversation, now=now)

    delivery.deliver(conversation.pk, now=now)

    assert provider.texts() == ["Goodbye"]


# -- sweeping --------------------------------------------------------------------------------------


def test_the_sweep_announces_what_is_due_and_only_that(drain: JobQueue, provider: Provider, now: dt.datetime) -> None:
    lost, _one = a_message()
    dead, _two = a_message()
    waiting, _three = a_message()
    delivery._claim(dead.pk, now=now)
    provider.answers[waiting.channel.address] = [errors.TransientSendError("busy", retry_after=3600)]
    delivery.deliver(waiting.pk, now=now)
    drain.clear()

    assert delivery.sweep(now) == 0
    assert delivery.sweep(now + SECOND) == 1
    assert delivery.sweep(now + delivery.LEASE + SECOND) == 2
    assert {job.kwargs["conversation_id"] for job in drain.waiting} == {str(lost.pk), str(dead.pk)}


def test_delivering_a_conversation_that_is_gone_ends_quietly(now: dt.datetime) -> None:
    conversation, _sent = a_message()
    key = conversation.pk
    Transmission.objects.all().delete()
    Message.objects.all().delete()
    conversation.delete()

    assert delivery.deliver(key, now=now) == 0
