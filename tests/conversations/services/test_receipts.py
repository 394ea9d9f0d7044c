from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from contactcenter.lib import clock
from conversations.models import Conversation, InboundEvent, Message, Transmission
from conversations.services import delivery, inbound, messages, statuses
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def _sent(line: Any, drain: JobQueue, **fields: Any) -> Message:
    """A message of ours the provider has taken."""
    conversation = make.conversation(channel=line, identity=make.identity(line, address="customer-1"))
    message = make.sent(conversation, **fields)
    delivery.deliver(conversation.pk, now=make.NOW)
    message.refresh_from_db()
    assert message.status == "sent"
    return message


NEWS = ["sent", "delivered", "read"]


@pytest.mark.parametrize("order", list(itertools.permutations(NEWS)), ids="-".join)
def test_a_status_never_goes_back_in_whatever_order_news_comes(
    order: tuple[str, ...], drain: JobQueue, now: dt.datetime
) -> None:
    line = make.channel()
    message = _sent(line, drain)
    seen = []

    for status in order:
        messages.record_status(line, make.receipt(line, status, message.external_id), now=now)
        message.refresh_from_db()
        seen.append(Message.RANK[message.status])

    assert seen == sorted(seen)
    assert message.status == "read"


@pytest.mark.parametrize("order", list(itertools.permutations([*NEWS, "failed"])), ids="-".join)
def test_failed_is_final_with_its_reason_in_whatever_order_news_comes(
    order: tuple[str, ...], drain: JobQueue, now: dt.datetime
) -> None:
    line = make.channel()
    message = _sent(line, drain)

    for status in order:
        receipt = make.receipt(line, status, message.external_id, error="Blocked" if status == "failed" else "")
        messages.record_status(line, receipt, now=now)

    message.refresh_from_db()
    assert (message.status, message.status_reason) == ("failed", "Blocked")


@pytest.mark.parametrize("old", list(statuses.RANK))
@pytest.mark.parametrize("new", ["sent", "delivered", "read"])
def test_advancing_means_a_higher_rank(old: str, new: str) -> None:
    assert statuses.advances(old, new) == (statuses.RANK[new] > statuses.RANK[old])


def test_a_message_is_as_far_as_its_last_part() -> None:
    assert statuses.combine(["read", "sent"]) == "sent"
    assert statuses.combine(["read", "queued"]) == "queued"
    assert statuses.combine(["read", "unknown"]) == "unknown"
    assert statuses.combine(["read", "failed", "queued"]) == "failed"
    assert statuses.combine(["dropped", "delivered"]) == "delivered"
    assert statuses.combine(["dropped"]) == "dropped"


def test_parts_are_confirmed_one_by_one(drain: JobQueue, now: dt.datetime, provider: Provider) -> None:
    line = make.channel()
    agent = make.user()
    conversation = make.conversation(channel=line, owner=agent)
    keys = [make.upload(user=agent).key for _ in range(2)]
    message = make.sent(conversation, user=agent, text="two pictures", attachment_keys=keys)
    delivery.deliver(conversation.pk, now=now)
    ids = list(message.transmissions.order_by("part").values_list("external_id", flat=True))
    assert ids == ["p-1", "p-2", "p-3"]

    messages.record_status(line, make.receipt(line, "delivered", *ids[:2]), now=now)
    message.refresh_from_db()
    assert message.status == "sent"

    messages.record_status(line, make.receipt(line, "delivered", ids[2]), now=now)
    message.refresh_from_db()
    assert (message.status, message.external_id) == ("delivered", "p-1")


def test_receipts_move_the_customers_marks_forward(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    first, second = _sent(line, drain), _sent(line, drain)

    messages.record_status(line, make.receipt(line, "read", second.external_id), now=now)
    messages.record_status(line, make.receipt(line, "delivered", first.external_id), now=now)

    conversation = Conversation.objects.get()
    assert (conversation.customer_delivered_seq, conversation.customer_read_seq) == (2, 2)


def test_a_watermark_covers_everything_sent_up_to_it(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    early, late = _sent(line, drain), _sent(line, drain)
    Transmission.objects.filter(message=late).update(sent_at=now + dt.timedelta(minutes=1))

    assert messages.record_status(line, make.receipt(line, "read", watermark=now + dt.timedelta(seconds=30)), now=now)

    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.status, late.status) == ("read", "sent")


def test_a_watermark_that_beats_the_providers_answer_is_not_lost(
    now: dt.datetime, provider: Provider, drain: JobQueue
) -> None:
    line = make.channel()
    conversation = make.conversation(channel=line, identity=make.identity(line, address="customer-1"))
    message = make.sent(conversation)

    def answer_late(outbound: Any) -> Any:
        messages.record_status(line, make.receipt(line, "delivered", watermark=now + dt.timedelta(seconds=5)), now=now)
        from channels_adapters.contract import SendReceipt

        return SendReceipt("p-late")

    provider.answers[line.address] = [answer_late]
    delivery.deliver(conversation.pk, now=now)

    message.refresh_from_db()
    assert message.status == "delivered"


def test_a_receipt_for_an_unknown_id_waits_until_the_message_has_it(
    drain: JobQueue, now: dt.datetime, provider: Provider
) -> None:
    line = make.channel()
    conversation = make.conversation(channel=line, identity=make.identity(line, address="customer-1"))
    message = make.sent(conversation)
    drain.clear()
    inbound.submit(line, [make.receipt(line, "delivered", "p-1")], now=clock.now())
    drain("inbound")
    assert InboundEvent.objects.get().status == "waiting"

    delivery.deliver(conversation.pk, now=now)
    assert InboundEvent.objects.get().status == "pending"
    drain("inbound")

    message.refresh_from_db()
    assert message.status == "delivered"
    assert InboundEvent.objects.get().status == "done"


def test_a_receipt_with_one_unknown_id_applies_the_known_ones_and_waits(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    message = _sent(line, drain)
    inbound.submit(line, [make.receipt(line, "read", message.external_id, "not-yet")], now=clock.now())

    drain("inbound")

    message.refresh_from_db()
    assert message.status == "read"
    assert InboundEvent.objects.get().status == "waiting"


def test_a_receipt_of_another_line_touches_nothing(drain: JobQueue, now: dt.datetime) -> None:
    line, other = make.channel(), make.channel()
    message = _sent(line, drain)

    assert not messages.record_status(other, make.receipt(other, "read", message.external_id), now=now)

    message.refresh_from_db()
    assert message.status == "sent"


def test_a_receipt_twice_records_one_event(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    message = _sent(line, drain)
    receipt = make.receipt(line, "delivered", message.external_id)
    messages.record_status(line, receipt, now=now)
    before = Conversation.objects.get().event_seq

    messages.record_status(line, receipt, now=now)

    assert Conversation.objects.get().event_seq == before


def test_another_apps_message_takes_receipts_too(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    make.received(line)
    assert messages.echo(line, make.echo(line, external_id="inbox-1", text="from the page inbox"), now=now)

    messages.record_status(line, make.receipt(line, "read", "inbox-1"), now=now)

    assert Message.objects.get(external_id="inbox-1").status == "read"
