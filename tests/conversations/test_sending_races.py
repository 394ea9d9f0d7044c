"""Many who send at once, on a real PostgreSQL with a connection each."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from functools import partial

import pytest

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from conversations.models import Attachment, Conversation, Message, Transmission
from conversations.services import delivery, messages, ownership
from tests.conversations.racing import at_once, numbers_are_gapless
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_one_key_sent_many_times_at_once_is_one_message(drain: JobQueue) -> None:
    conversation = make.conversation()

    sent = at_once([lambda: make.sent(conversation, key="k-1").pk] * 20)

    assert len(set(sent)) == 1
    assert Transmission.objects.count() == 1


def test_many_workers_send_each_part_once_and_in_order(drain: JobQueue, provider: Provider) -> None:
    conversation = make.conversation()
    texts = [str(number) for number in range(30)]
    for text in texts:
        make.sent(conversation, text=text)

    def work() -> None:
        for _ in range(40):
            delivery.deliver(conversation.pk, now=clock.now())

    at_once([work] * 8)

    assert provider.texts() == texts
    assert Counter(Message.objects.values_list("status", flat=True)) == {"sent": 30}


def test_receipts_at_once_end_at_the_furthest(drain: JobQueue) -> None:
    conversation = make.conversation()
    message = make.sent(conversation)
    delivery.deliver(conversation.pk, now=make.NOW)
    line = conversation.channel
    news = [make.receipt(line, status, "p-1") for status in ("sent", "delivered", "read") * 4]
    random.Random(1).shuffle(news)

    at_once([partial(messages.record_status, line, one, now=make.NOW) for one in news])

    message.refresh_from_db()
    assert message.status == "read"
    assert numbers_are_gapless(conversation)


def test_an_echo_and_the_answer_at_once_are_one_message(drain: JobQueue, provider: Provider) -> None:
    conversation = make.conversation()
    line, who = conversation.channel, make.sender(conversation.identity.address)
    from channels_adapters.contract import SendReceipt

    for number in range(10):
        message = make.sent(conversation)
        claim = delivery._claim(conversation.pk, now=make.NOW)
        assert claim is not None
        echo = make.echo(line, external_id=f"m-{number}", client_ref=claim.outbound.ref, recipient=who)
        at_once(
            [
                partial(delivery.record, claim, SendReceipt(f"m-{number}"), now=make.NOW, began_at=make.NOW),
                partial(messages.echo, line, echo, now=make.NOW),
            ]
        )
        message.refresh_from_db()
        assert (message.status, message.external_id) == ("sent", f"m-{number}")

    assert Message.objects.count() == 10


def test_an_automatic_message_accepted_at_the_moment_of_a_take_over_never_leaves_after_it(
    drain: JobQueue, provider: Provider
) -> None:
    agent = make.user()
    for _ in range(10):
        conversation = make.conversation()
        version = conversation.owner_version
        taken: list[dt.datetime] = []

        def take(conversation: Conversation = conversation, taken: list[dt.datetime] = taken) -> None:
            ownership.change(conversation, owner="worker", user=agent, now=make.NOW)
            taken.append(clock.now())

        def automatic(conversation: Conversation = conversation, version: int = version) -> None:
            messages.send(conversation, text="bot", key="k", author="bot", owner_version=version, now=make.NOW)

        at_once([take, automatic])
        provider.reset()
        delivery.deliver(conversation.pk, now=make.NOW)

        assert provider.texts() == []


def test_an_ill_channel_is_tried_by_one_of_many_workers(drain: JobQueue) -> None:
    line = make.channel(is_healthy=False, checked_at=make.NOW - dt.timedelta(hours=1))
    conversations = [make.conversation(channel=line) for _ in range(8)]
    for conversation in conversations:
        make.sent(conversation)

    claims = at_once([partial(delivery._claim, conversation.pk, now=make.NOW) for conversation in conversations])

    assert sum(claim is not None for claim in claims) == 1


def test_one_upload_ends_in_one_message(drain: JobQueue) -> None:
    agent = make.user()
    conversations = [make.conversation(owner=agent) for _ in range(4)]
    key = make.upload(user=agent).key

    def attach(conversation: Conversation) -> bool:
        try:
            make.sent(conversation, user=agent, attachment_keys=[key])
        except Refused:
            return False
        return True

    won = at_once([partial(attach, conversation) for conversation in conversations])

    assert sorted(won) == [False, False, False, True]
    assert Attachment.objects.get().message is not None
    assert Message.objects.count() == 1
