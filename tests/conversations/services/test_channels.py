from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from channels_adapters.contract import Context, Health, InboundMessage, OutboundMessage, SendReceipt
from conversations.models import Channel, InboundEvent
from conversations.services import channels, delivery, notices
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _drain(drain: JobQueue) -> JobQueue:
    return drain


def test_an_adapter_gets_opened_settings_and_its_state_is_saved(now: dt.datetime) -> None:
    line = make.channel(config={"page": "1"}, state={"cursor": 1})
    line.set_secrets(token="t0ken")

    with channels.context(line, now=now) as context:
        assert context.channel == {"page": "1", "token": "t0ken"}
        assert context.connection == {"secret": "let-me-in"}
        assert (context.channel_address, context.now) == (line.address, now)
        context.state["cursor"] = 2

    assert Channel.objects.get().state == {"cursor": 2}


def test_the_state_is_not_saved_when_the_call_failed(now: dt.datetime) -> None:
    line = make.channel(state={"cursor": 1})

    def stumble() -> None:
        with channels.context(line, now=now) as context:
            context.state["cursor"] = 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()

    assert Channel.objects.get().state == {"cursor": 1}


def test_an_adapter_may_submit_and_look_back(now: dt.datetime) -> None:
    conversation = make.conversation()
    line, address = conversation.channel, conversation.identity.address
    make.received(line, sender=make.sender(address), text="one")
    make.sent(conversation, text="two")

    with channels.context(line, now=now) as context:
        assert context.submit is not None
        assert context.history is not None
        event: InboundMessage = make.inbound(line)
        context.submit([event])
        rows = context.history(address, "", 0)
        assert [row["text"] for row in rows] == ["one", "two"]
        assert context.history(address, "", 2) == []
        assert context.history("somebody else", "", 0) == []

    assert InboundEvent.objects.count() == 1


@pytest.mark.parametrize("health", [Health(ok=True), Health(ok=False, detail="Token expired.")])
def test_a_probe_is_written_down(health: Health, provider: Provider, now: dt.datetime) -> None:
    line = make.channel(is_healthy=not health.ok)
    provider.health = health

    assert channels.probe(line, now=now) == health

    fresh = Channel.objects.get()
    assert (fresh.is_healthy, fresh.health_detail, fresh.checked_at) == (health.ok, health.detail, now)


def test_a_probe_that_crashes_is_a_bad_answer(now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()
    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.probe", lambda *_: 1 / 0)

    assert channels.probe(line, now=now).ok is False
    assert Channel.objects.get().is_healthy is False


def test_lines_are_checked_daily_and_ill_ones_at_every_round(provider: Provider, now: dt.datetime) -> None:
    hour = dt.timedelta(hours=1)
    fresh, old = make.channel(checked_at=now - hour), make.channel(checked_at=now - 25 * hour)
    ill, never = make.channel(checked_at=now - hour, is_healthy=False), make.channel()
    off = make.channel(is_active=False)

    channels.probe_due(now=now)

    checked = set(Channel.objects.filter(checked_at=now).values_list("pk", flat=True))
    assert checked == {old.pk, ill.pk, never.pk}
    assert not checked & {fresh.pk, off.pk}


# -- notices ---------------------------------------------------------------------------------------


def test_a_notice_is_shown_by_a_job_and_only_what_the_channel_can(
    drain: JobQueue, provider: Provider, now: dt.datetime
) -> None:
    conversation = make.conversation()
    drain.clear()

    notices.show(conversation, "typing", {"active": True, "name": "Amira"})
    notices.show(conversation, "queue", {"ahead": 2, "wait_seconds": None})  # this channel cannot show a queue
    assert drain.names() == ["conversations.jobs.notify"] * 2
    drain("low")

    assert [(notice.kind, notice.recipient, notice.data) for notice in provider.notices] == [
        ("typing", conversation.identity.address, {"active": True, "name": "Amira"})
    ]


def test_a_notice_that_fails_harms_nobody(drain: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.notify", lambda *_: 1 / 0)

    notices.show(make.conversation(), "typing", {"active": True})
    drain("low")


def test_sending_saves_the_adapters_state(
    provider: Provider, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = make.conversation()
    make.sent(conversation)

    def send(self: Any, message: OutboundMessage, context: Context) -> SendReceipt:
        context.state["sent"] = context.state.get("sent", 0) + 1
        return SendReceipt("p")

    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.send", send)
    delivery.deliver(conversation.pk, now=now)

    assert Channel.objects.get().state == {"sent": 1}
