"""Channels that do not take everything at once: closed windows, ill lines, slow ones."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from channels_adapters import errors
from channels_adapters.contract import SendReceipt
from conversations.models import Channel, Message
from conversations.services import channels, delivery
from tests.conversations.services.sends import SECOND, a_message, state_of
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def test_a_message_whose_window_closed_while_it_waited_fails_unsent(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message(channel=make.channel(type="window"))

    delivery.deliver(conversation.pk, now=now + dt.timedelta(hours=24))

    assert provider.sent == []
    assert state_of(message)[0] == "failed"
    assert message.transmissions.get().error_code == "send.window_closed"


def test_a_person_writing_in_the_longer_window_is_marked_for_the_adapter(provider: Provider, now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(channel=make.channel(type="window"), owner=agent)
    later = now + dt.timedelta(hours=30)
    make.sent(conversation, user=agent, now=later)

    delivery.deliver(conversation.pk, now=later)

    assert provider.sent[0].window_closed_at == now + dt.timedelta(hours=24)


def test_a_misconfigured_channel_is_marked_ill_and_its_messages_held(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    other = make.conversation(channel=conversation.channel)
    held = make.sent(other, text="held")
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("The token has expired.")]

    delivery.deliver(conversation.pk, now=now)
    delivery.deliver(other.pk, now=now + SECOND)

    channel = Channel.objects.get(pk=conversation.channel_id)
    assert (channel.is_healthy, channel.health_detail) == (False, "The token has expired.")
    assert state_of(message) == ("queued", "The token has expired.")
    assert state_of(held)[0] == "queued"
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
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("expired")]
    delivery.deliver(conversation.pk, now=now)
    channel = Channel.objects.select_related("connection").get(pk=conversation.channel_id)
    drain.clear()

    channels.probe(channel, now=now + SECOND)

    assert drain.names() == ["conversations.jobs.deliver"]
    delivery.deliver(conversation.pk, now=now + SECOND)
    assert state_of(message) == ("sent", "")


def test_what_an_ill_channel_could_not_send_for_a_day_fails(provider: Provider, now: dt.datetime) -> None:
    conversation, message = a_message()
    provider.answers[conversation.channel.address] = [errors.ChannelMisconfigured("expired")]
    delivery.deliver(conversation.pk, now=now)

    delivery.deliver(conversation.pk, now=now + dt.timedelta(hours=25))

    assert state_of(message)[0] == "failed"
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
