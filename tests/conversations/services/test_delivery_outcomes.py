"""What became of a message nobody can be sure of: no answer, a dead worker, an echo before the answer."""

from __future__ import annotations

import datetime as dt

import pytest

from channels_adapters import errors
from channels_adapters.contract import OutboundMessage, SendReceipt
from conversations.models import Message
from conversations.services import delivery, messages
from tests.conversations.services.sends import SECOND, a_message, state_of
from tests.factories import conversations as make
from tests.factories.adapters import Provider

pytestmark = pytest.mark.django_db


# -- unknown outcomes ------------------------------------------------------------------------------


def test_an_unknown_outcome_is_never_resent_by_itself(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]

    for minutes in range(0, 300, 10):
        delivery.deliver(conversation.pk, now=now + dt.timedelta(minutes=minutes))

    assert state_of(message) == ("unknown", "No answer came.")
    assert len(provider.sent) == 1


def test_an_unknown_outcome_is_resent_where_the_provider_removes_doubles(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message(channel=make.channel(type="idempotent"))
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + 10 * SECOND)

    assert state_of(message) == ("sent", "")
    assert len({sent.ref for sent in provider.sent}) == 1


def test_an_adapters_own_crash_leaves_the_outcome_open(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()

    def crash(outbound: OutboundMessage) -> SendReceipt:
        raise KeyError("message_id")

    provider.answers[conversation.channel.address] = [crash]

    delivery.deliver(conversation.pk, now=now)

    assert state_of(message)[0] == "unknown"


def test_an_unknown_message_may_be_sent_again_by_a_person(provider: Provider, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    message = make.sent(conversation, user=agent)
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]
    delivery.deliver(conversation.pk, now=now)
    message.refresh_from_db()

    messages.retry(message, user=agent, now=now)
    delivery.deliver(conversation.pk, now=now)

    assert state_of(message) == ("sent", "")


def test_the_echo_settles_an_unknown_outcome_by_our_reference(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.OutcomeUnknown("No answer came.")]
    delivery.deliver(conversation.pk, now=now)
    who = make.sender(conversation.identity.address)

    echo = make.echo(conversation.channel, external_id="m-9", client_ref=provider.sent[0].ref, recipient=who)
    assert messages.echo(conversation.channel, echo, now=now)

    assert state_of(message) == ("sent", "")
    assert Message.objects.get().external_id == "m-9"


# -- leases, crashes, fences -----------------------------------------------------------------------


def test_a_claimed_message_is_left_to_its_worker(provider: Provider, now: dt.datetime) -> None:
    conversation, _sent = a_message()
    delivery._claim(conversation.pk, now=now)

    assert delivery.deliver(conversation.pk, now=now + SECOND) == 0
    assert provider.sent == []


def test_a_worker_that_died_between_claim_and_record_leaves_an_unknown_outcome(
    provider: Provider, now: dt.datetime
) -> None:
    conversation, message = a_message()
    make.sent(conversation, text="next")
    delivery._claim(conversation.pk, now=now)
    later = now + delivery.LEASE + SECOND

    delivery.deliver(conversation.pk, now=later)

    assert state_of(message)[0] == "unknown"
    assert provider.texts() == ["next"]


def test_where_the_provider_removes_doubles_a_dead_workers_message_is_sent_again(
    provider: Provider, now: dt.datetime
) -> None:
    conversation, message = a_message(channel=make.channel(type="idempotent"))
    delivery._claim(conversation.pk, now=now)

    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)

    assert state_of(message) == ("sent", "")
    assert message.transmissions.get().lease_epoch == 2


def test_a_late_workers_result_is_fenced_off(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message(channel=make.channel(type="idempotent"))
    slow = delivery._claim(conversation.pk, now=now)
    assert slow is not None
    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)

    error = errors.PermanentSendError("too late to matter")
    assert delivery.record(slow, error, now=now, began_at=now) is False

    assert state_of(message) == ("sent", "")


def test_a_late_result_still_settles_what_nobody_else_took(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    slow = delivery._claim(conversation.pk, now=now)
    assert slow is not None
    delivery.deliver(conversation.pk, now=now + delivery.LEASE + SECOND)
    assert state_of(message)[0] == "unknown"

    assert delivery.record(slow, SendReceipt("p-slow"), now=now, began_at=now)

    assert state_of(message) == ("sent", "")


def test_an_echo_faster_than_the_answer_and_the_answer_agree(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    who = make.sender(conversation.identity.address)

    def answer_after_echo(outbound: OutboundMessage) -> SendReceipt:
        echo = make.echo(conversation.channel, external_id="m-1", client_ref=outbound.ref, recipient=who)
        assert messages.echo(conversation.channel, echo, now=now)
        return SendReceipt("m-1")

    provider.answers[conversation.channel.address] = [answer_after_echo]

    delivery.deliver(conversation.pk, now=now)

    assert Message.objects.count() == 1
    assert state_of(message) == ("sent", "")


def test_a_failure_after_the_echo_does_not_undo_it(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    who = make.sender(conversation.identity.address)

    def echo_then_time_out(outbound: OutboundMessage) -> SendReceipt:
        echo = make.echo(conversation.channel, external_id="m-1", client_ref=outbound.ref, recipient=who)
        messages.echo(conversation.channel, echo, now=now)
        raise errors.TransientSendError("connection reset")

    provider.answers[conversation.channel.address] = [echo_then_time_out]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(conversation.pk, now=now + 60 * SECOND)

    assert state_of(message) == ("sent", "")
    assert len(provider.sent) == 1
