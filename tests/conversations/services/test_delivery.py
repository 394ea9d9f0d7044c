from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from channels_adapters import errors
from channels_adapters.contract import OutboundMessage, SendReceipt
from conversations.models import Channel, Conversation, Identity, Message, Transmission
from conversations.services import channels, delivery, lifecycle, messages, ownership
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _drain(drain: JobQueue) -> JobQueue:
    return drain


def _message(**fields: Any) -> tuple[Conversation, Message]:
    conversation = make.conversation(**fields)
    return conversation, make.sent(conversation)


def _state(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.status_reason


# -- the good way ----------------------------------------------------------------------------------


def test_a_message_goes_out_once_and_gets_its_id(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()

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
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [SendReceipt("p", status="delivered")]

    delivery.deliver(conversation.pk, now=now)

    assert _state(message) == ("delivered", "")


def test_the_send_is_outside_any_transaction(provider: Provider, now: dt.datetime) -> None:
    conversation, _sent = _message()
    seen: list[str] = []

    def look(outbound: OutboundMessage) -> SendReceipt:
        seen.append(Transmission.objects.get().status)
        return SendReceipt("p")

    provider.answers[conversation.channel.address] = [look]
    delivery.deliver(conversation.pk, now=now)

    assert seen == ["sending"]


# -- failures --------------------------------------------------------------------------------------


def test_a_moments_failure_is_tried_again_with_growing_patience(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
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
    assert _state(message) == ("sent", "")
    assert len(provider.sent) == 4


def test_the_providers_own_wish_for_patience_is_honoured(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.TransientSendError("slow down", retry_after=90)]

    delivery.deliver(conversation.pk, now=now)

    part = message.transmissions.get()
    assert now + 90 * SECOND <= part.due_at <= now + 92 * SECOND
    assert _state(message) == ("queued", "slow down")


def test_a_failure_that_never_ends_is_given_up_with_its_reason(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")] * 20
    at = now
    for _ in range(20):
        delivery.deliver(conversation.pk, now=at)
        at += dt.timedelta(minutes=10)

    assert len(provider.sent) == delivery.TRIES
    assert _state(message) == ("failed", "busy")


def test_a_waiting_message_holds_back_those_behind_it(provider: Provider, now: dt.datetime) -> None:
    conversation, first = _message()
    make.sent(conversation, text="second")
    provider.answers[conversation.channel.address] = [errors.TransientSendError("busy")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + SECOND)
    assert provider.texts() == [first.text]
    delivery.deliver(conversation.pk, now=now + 60 * SECOND)

    assert provider.texts() == [first.text, first.text, "second"]


def test_a_refused_message_fails_with_its_reason_and_the_next_goes(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    make.sent(conversation, text="next")
    provider.answers[conversation.channel.address] = [errors.ContentRejected("The picture is too large.")]

    delivery.deliver(conversation.pk, now=now)

    assert _state(message) == ("failed", "The picture is too large.")
    part = message.transmissions.get()
    assert (part.status, part.error_code) == ("failed", "send.content_rejected")
    assert provider.texts() == [message.text, "next"]


@pytest.mark.parametrize("error", [errors.RecipientGone, errors.OptedOut])
def test_who_is_gone_is_written_to_no_more_until_they_write(
    error: type[errors.SendError], provider: Provider, now: dt.datetime
) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [error("They have left.")]

    delivery.deliver(conversation.pk, now=now)

    assert _state(message) == ("failed", "They have left.")
    assert Identity.objects.get().is_reachable is False
    make.received(conversation.channel, sender=make.sender(conversation.identity.address))
    assert Identity.objects.get().is_reachable is True


# -- unknown outcomes ------------------------------------------------------------------------------


def test_an_unknown_outcome_is_never_resent_by_itself(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]

    for minutes in range(0, 300, 10):
        delivery.deliver(conversation.pk, now=now + dt.timedelta(minutes=minutes))

    assert _state(message) == ("unknown", "No answer came.")
    assert len(provider.sent) == 1


def test_an_unknown_outcome_is_resent_where_the_provider_removes_doubles(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message(channel=make.channel(type="idempotent"))
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + 10 * SECOND)

    assert _state(message) == ("sent", "")
    assert len({sent.ref for sent in provider.sent}) == 1


def test_an_adapters_own_crash_leaves_the_outcome_open(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()

    def crash(outbound: OutboundMessage) -> SendReceipt:
        raise KeyError("message_id")

    provider.answers[conversation.channel.address] = [crash]

    delivery.deliver(conversation.pk, now=now)

    assert _state(message)[0] == "unknown"


def test_an_unknown_message_may_be_sent_again_by_a_person(provider: Provider, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    message = make.sent(conversation, user=agent)
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]
    delivery.deliver(conversation.pk, now=now)
    message.refresh_from_db()

    messages.retry(message, user=agent, now=now)
    delivery.deliver(conversation.pk, now=now)

    assert _state(message) == ("sent", "")


def test_the_echo_settles_an_unknown_outcome_by_our_reference(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]
    delivery.deliver(conversation.pk, now=now)
    who = make.sender(conversation.identity.address)

    echo = make.echo(conversation.channel, external_id="m-9", client_ref=provider.sent[0].ref, recipient=who)
    assert messages.echo(conversation.channel, echo, now=now)

    assert _state(message) == ("sent", "")
    assert Message.objects.get().external_id == "m-9"


# -- leases, crashes, fences -----------------------------------------------------------------------


def test_a_claimed_message_is_left_to_its_worker(provider: Provider, now: dt.datetime) -> None:
    conversation, _sent = _message()
    delivery._claim(conversation.pk, now=now)

    assert delivery.deliver(conversation.pk, now=now + SECOND) == 0
    assert provider.sent == []


def test_a_worker_that_died_between_claim_and_record_leaves_an_unknown_outcome(
    provider: Provider, now: dt.datetime
) -> None:
    conversation, message = _message()
    make.sent(conversation, text="next")
    delivery._claim(conversation.pk, now=now)
    later = now + delivery.LEASE + SECOND

    delivery.deliver(conversation.pk, now=later)

    assert _state(message)[0] == "unknown"
    assert provider.texts() == ["next"]


def test_where_the_provider_removes_doubles_a_dead_workers_message_is_sent_again(
    provider: Provider, now: dt.datetime
) -> None:
    conversation, message = _message(channel=make.channel(type="idempotent"))
    delivery._claim(conversation.pk, now=now)

    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)

    assert _state(message) == ("sent", "")
    assert message.transmissions.get().lease_epoch == 2


def test_a_late_workers_result_is_fenced_off(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message(channel=make.channel(type="idempotent"))
    slow = delivery._claim(conversation.pk, now=now)
    assert slow is not None
    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)

    error = errors.PermanentSendError("too late to matter")
    assert delivery.record(slow, error, now=now, began_at=now) is False

    assert _state(message) == ("sent", "")


def test_a_late_result_still_settles_what_nobody_else_took(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    slow = delivery._claim(conversation.pk, now=now)
    assert slow is not None
    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)
    assert _state(message)[0] == "unknown"

    assert delivery.record(slow, SendReceipt("p-slow"), now=now, began_at=now)

    assert _state(message) == ("sent", "")


def test_an_echo_faster_than_the_answer_and_the_answer_agree(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    who = make.sender(conversation.identity.address)

    def answer_after_echo(outbound: OutboundMessage) -> SendReceipt:
        echo = make.echo(conversation.channel, external_id="m-1", client_ref=outbound.ref, recipient=who)
        assert messages.echo(conversation.channel, echo, now=now)
        return SendReceipt("m-1")

    provider.answers[conversation.channel.address] = [answer_after_echo]

    delivery.deliver(conversation.pk, now=now)

    assert Message.objects.count() == 1
    assert _state(message) == ("sent", "")


def test_a_failure_after_the_echo_does_not_undo_it(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    who = make.sender(conversation.identity.address)

    def echo_then_time_out(outbound: OutboundMessage) -> SendReceipt:
        echo = make.echo(conversation.channel, external_id="m-1", client_ref=outbound.ref, recipient=who)
        messages.echo(conversation.channel, echo, now=now)
        raise errors.TransientSendError("connection reset")

    provider.answers[conversation.channel.address] = [echo_then_time_out]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + 60 * SECOND)

    assert _state(message) == ("sent", "")
    assert len(provider.sent) == 1


# -- stale automatic messages ----------------------------------------------------------------------


def test_an_automatic_reply_never_leaves_after_a_person_took_over(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    message = make.sent(conversation, text="I am a bot", owner_version=conversation.owner_version)
    ownership.change(conversation, owner="worker", user=make.user(), now=now)

    delivery.deliver(conversation.pk, now=now)

    assert provider.sent == []
    assert _state(message)[0] == "dropped"


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
    assert _state(message)[0] == "dropped"


def test_a_flows_goodbye_leaves_although_the_conversation_is_closed(provider: Provider, now: dt.datetime) -> None:
    conversation = make.conversation()
    make.sent(conversation, text="Goodbye", owner_version=conversation.owner_version)
    lifecycle.close(conversation, now=now)

    delivery.deliver(conversation.pk, now=now)

    assert provider.texts() == ["Goodbye"]


# -- windows, ill channels, slow channels ----------------------------------------------------------


def test_a_message_whose_window_closed_while_it_waited_fails_unsent(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message(channel=make.channel(type="window"))

    delivery.deliver(conversation.pk, now=now + dt.timedelta(hours=24))

    assert provider.sent == []
    assert _state(message)[0] == "failed"
    assert message.transmissions.get().error_code == "send.window_closed"


def test_a_person_writing_in_the_longer_window_is_marked_for_the_adapter(provider: Provider, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(channel=make.channel(type="window"), owner=agent)
    later = now + dt.timedelta(hours=30)
    make.sent(conversation, user=agent, now=later)

    delivery.deliver(conversation.pk, now=later)

    assert provider.sent[0].window_closed_at == now + dt.timedelta(hours=24)


def test_a_misconfigured_channel_is_marked_ill_and_its_messages_held(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    other = make.conversation(channel=conversation.channel)
    held = make.sent(other, text="held")
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("The token has expired.")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(other.pk, now=now + SECOND)

    channel = Channel.objects.get(pk=conversation.channel_id)
    assert (channel.is_healthy, channel.health_detail) == (False, "The token has expired.")
    assert _state(message) == ("queued", "The token has expired.")
    assert _state(held)[0] == "queued"
    assert len(provider.sent) == 1


def test_one_try_a_minute_finds_out_whether_the_channel_is_well(
    provider: Provider, now: dt.datetime, drain: JobQueue
) -> None:
    line = make.channel(is_healthy=False, health_detail="expired", checked_at=now)
    conversations = [make.conversation(channel=line) for _ in range(3)]
    for conversation in conversations:
        make.sent(conversation)
    provider.answers[line.address] = [errors.ChannelMisconfigured("expired")]
    drain.clear()
    minute = channels.RETRY_ILL_AFTER

    for at in (now + minute / 2, now + minute + SECOND):
        for conversation in conversations:
            delivery.deliver(conversation.pk, now=at)
    assert len(provider.sent) == 1

    delivery.deliver(conversations[0].pk, now=now + 2 * minute + 3 * SECOND)
    assert Channel.objects.get(pk=line.pk).is_healthy is True
    assert set(drain.names()) == {"conversations.jobs.deliver"}
    for conversation in conversations[1:]:
        delivery.deliver(conversation.pk, now=now + 2 * minute + 5 * SECOND)
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


def test_a_probe_that_finds_it_well_lets_held_messages_go(
    provider: Provider, now: dt.datetime, drain: JobQueue
) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("expired")]
    delivery.deliver(conversation.pk, now=now)
    channel = Channel.objects.select_related("connection").get(pk=conversation.channel_id)
    drain.clear()

    channels.probe(channel, now=now + SECOND)

    assert drain.names() == ["conversations.jobs.deliver"]
    delivery.deliver(conversation.pk, now=now + SECOND)
    assert _state(message) == ("sent", "")


def test_what_an_ill_channel_could_not_send_for_a_day_fails(provider: Provider, now: dt.datetime) -> None:
    conversation, message = _message()
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("expired")]
    delivery.deliver(conversation.pk, now=now)

    delivery.deliver(conversation.pk, now=now + dt.timedelta(hours=25))

    assert _state(message)[0] == "failed"
    assert len(provider.sent) == 1


def test_a_slow_channel_takes_only_its_share_of_the_workers(
    provider: Provider, now: dt.datetime, settings: Any, drain: JobQueue
) -> None:
    settings.SENDS_AT_ONCE_PER_CHANNEL = 2
    slow, quick = make.channel(), make.channel()
    crowd = [make.conversation(channel=slow) for _ in range(3)]
    for conversation in crowd:
        make.sent(conversation)
    neighbour = make.conversation(channel=quick)
    make.sent(neighbour, text="unhindered")
    claims = [delivery._claim(conversation.pk, now=now) for conversation in crowd]
    assert [claim is not None for claim in claims] == [True, True, False]

    delivery.deliver(neighbour.pk, now=now)
    assert provider.texts() == ["unhindered"]

    drain.clear()
    assert claims[0] is not None
    delivery.record(claims[0], SendReceipt("p-x"), now=now + SECOND, began_at=now)
    assert [job.kwargs for job in drain.waiting] == [{"conversation_id": str(crowd[2].pk)}]
    assert delivery._claim(crowd[2].pk, now=now + SECOND) is not None


# -- sweeping --------------------------------------------------------------------------------------


def test_the_sweep_announces_what_is_due_and_only_that(drain: JobQueue, provider: Provider, now: dt.datetime) -> None:
    lost, _one = _message()
    dead, _two = _message()
    waiting, _three = _message()
    delivery._claim(dead.pk, now=now)
    provider.answers[waiting.channel.address] = [errors.TransientSendError("busy", retry_after=3600)]
    delivery.deliver(waiting.pk, now=now)
    drain.clear()

    assert delivery.sweep(now) == 0
    assert delivery.sweep(now + SECOND) == 1
    assert delivery.sweep(now + delivery.LEASE + SECOND) == 2
    assert {job.kwargs["conversation_id"] for job in drain.waiting} == {str(lost.pk), str(dead.pk)}


def test_delivering_a_conversation_that_is_gone_ends_quietly(now: dt.datetime) -> None:
    conversation, _sent = _message()
    key = conversation.pk
    Transmission.objects.all().delete()
    Message.objects.all().delete()
    conversation.delete()

    assert delivery.deliver(key, now=now) == 0
