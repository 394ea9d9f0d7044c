from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels_adapters.contract import Deletion, Edit, Reaction, Unsupported
from conversations import events
from conversations.models import Conversation, InboundEvent, Message
from conversations.services import delivery, inbound, lanes, lifecycle
from conversations.services import drain as draining
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver() -> Iterator[Callable[[Callable[..., None]], None]]:
    """Connect a receiver of message_received for this test."""
    connected: list[Callable[..., None]] = []

    def connect(function: Callable[..., None]) -> None:
        events.message_received.connect(function)
        connected.append(function)

    yield connect
    for function in connected:
        events.message_received.disconnect(function)


def _submit(line: Any, *given: Any, now: dt.datetime) -> str:
    inbound.submit(line, list(given), now=now)
    return InboundEvent.objects.values_list("lane", flat=True).get(key=given[0].key)


def test_a_lane_is_done_by_the_providers_time_then_by_arrival(now: dt.datetime) -> None:
    line = make.channel()
    second = dt.timedelta(seconds=1)
    lane = _submit(line, make.inbound(line, text="3", at=now + 2 * second), now=now)
    _submit(line, make.inbound(line, text="1", at=now), now=now)
    _submit(line, make.inbound(line, text="2", at=now), now=now)

    assert inbound.drain_lane(lane, now=now) == 3

    assert list(Message.objects.order_by("seq").values_list("seq", "text")) == [(1, "1"), (2, "2"), (3, "3")]


def test_two_hundred_messages_keep_their_order(now: dt.datetime) -> None:
    line = make.channel()
    texts = [str(number) for number in range(200)]
    for text in texts:
        lane = _submit(line, make.inbound(line, text=text), now=now)

    assert inbound.drain_lane(lane, now=now) == 200

    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == texts


def test_a_lane_somebody_holds_is_left_to_them(now: dt.datetime) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line), now=now)

    with lanes.claimed(lane) as mine:
        assert mine
        assert inbound.drain_lane(lane, now=now) == 0
    assert Message.objects.count() == 0

    assert inbound.drain_lane(lane, now=now) == 1


def test_what_comes_while_a_lane_is_being_done_is_done_too(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line, text="first"), now=now)

    def write_again(**_: Any) -> None:
        if Message.objects.count() == 1:
            _submit(line, make.inbound(line, text="meanwhile"), now=now)
            assert inbound.drain_lane(lane, now=now) == 0  # its own hint finds the lane held

    receiver(write_again)

    assert inbound.drain_lane(lane, now=now) == 2
    assert Message.objects.count() == 2


def test_an_event_is_done_only_when_every_receiver_returned(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line), now=now)
    seen: list[tuple[str, bool]] = []

    def look(created: bool, **_: Any) -> None:
        seen.append((InboundEvent.objects.get().status, created))
        if len(seen) == 1:
            raise RuntimeError("the flow stumbled")

    receiver(look)
    inbound.drain_lane(lane, now=now)
    row = InboundEvent.objects.get()
    assert (row.status, row.attempts, row.error) == ("pending", 1, "RuntimeError")
    assert row.due_at is not None
    assert row.due_at > now

    inbound.drain_lane(lane, now=row.due_at)

    assert seen == [("pending", True), ("pending", False)]
    assert InboundEvent.objects.get().status == "done"
    assert Message.objects.count() == 1


def test_a_failing_event_holds_its_lane_for_a_few_tries_then_the_lane_goes_on(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line, text="poison"), make.inbound(line, text="after"), now=now)
    told: list[str] = []

    def choke(message_id: Any, **_: Any) -> None:
        text = Message.objects.get(pk=message_id).text
        told.append(text)
        if text == "poison":
            raise RuntimeError("never")

    receiver(choke)
    at = now
    for _ in range(10):
        inbound.drain_lane(lane, now=at)
        at += dt.timedelta(seconds=2)

    assert told == ["poison"] * 5 + ["after"]
    rows = list(InboundEvent.objects.order_by("id").values_list("status", "error"))
    assert rows == [("failed", "RuntimeError"), ("done", "")]
    assert InboundEvent.objects.get(status="failed").attempts == 5
    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == ["poison", "after"]


def test_poison_in_one_lane_holds_up_no_other(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    bad = _submit(line, make.inbound(line, text="poison", sender=make.sender("a")), now=now)
    good = _submit(line, make.inbound(line, text="fine", sender=make.sender("b")), now=now)

    def choke(message_id: Any, **_: Any) -> None:
        if Message.objects.get(pk=message_id).text == "poison":
            raise RuntimeError

    receiver(choke)
    inbound.drain_lane(bad, now=now)

    assert inbound.drain_lane(good, now=now) == 1


def test_an_event_that_kills_every_worker_ends_as_failed(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line), now=now)

    class WorkerDied(BaseException):
        """Nothing after this runs, as after kill -9."""

    def die(**_: Any) -> None:
        raise WorkerDied

    receiver(die)
    late = now + dt.timedelta(minutes=1)
    deaths = 0
    for _ in range(20):
        try:
            inbound.drain_lane(lane, now=late)
        except WorkerDied:
            deaths += 1

    assert deaths == 8
    assert InboundEvent.objects.get().status == "failed"


def test_a_repeated_event_of_a_closed_conversation_opens_no_new_one(
    now: dt.datetime, receiver: Callable[[Callable[..., None]], None]
) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line), now=now)
    told: list[bool] = []

    def stumble_once(created: bool, **_: Any) -> None:
        told.append(created)
        if created:
            raise RuntimeError

    receiver(stumble_once)
    inbound.drain_lane(lane, now=now)
    lifecycle.close(Conversation.objects.get(), now=now)
    inbound.drain_lane(lane, now=now + dt.timedelta(seconds=5))

    assert told == [True, False]
    assert Conversation.objects.count() == 1


def test_news_about_a_message_yet_to_come_waits_for_it_and_holds_up_nobody(now: dt.datetime) -> None:
    line = make.channel()
    who = make.sender()
    early = [
        Edit("e", line.address, now, sender=who, external_id="m-1", text="edited", revision=1),
        Reaction("r", line.address, now, sender=who, external_id="m-1", emoji="❤"),
    ]
    lane = _submit(line, *early, make.inbound(line, text="another", external_id="m-0"), now=now)
    inbound.drain_lane(lane, now=now)
    assert sorted(InboundEvent.objects.values_list("key", "status")) == [
        ("e", "waiting"),
        ("message:m-0", "done"),
        ("r", "waiting"),
    ]

    _submit(line, make.inbound(line, text="original", external_id="m-1"), now=now)
    inbound.drain_lane(lane, now=now)

    message = Message.objects.get(external_id="m-1")
    assert (message.text, message.reactions) == ("edited", {"❤": ["contact"]})
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done"}


def test_more_waiting_events_than_a_batch_do_not_starve_the_lane(
    now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 3)
    line = make.channel()
    lost = [Deletion(f"d-{n}", line.address, now, sender=make.sender(), external_id=f"x-{n}") for n in range(5)]
    lane = _submit(line, *lost, now=now)
    inbound.drain_lane(lane, now=now)
    _submit(line, make.inbound(line, at=now + dt.timedelta(hours=1)), now=now)

    inbound.drain_lane(lane, now=now)

    assert Message.objects.count() == 1


def test_news_about_a_message_that_never_comes_is_given_up_after_a_day(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    inbound.submit(line, [make.receipt(line, "delivered", "unknown-id")], now=now)
    row = InboundEvent.objects.get()
    at, tries = now, 0
    while InboundEvent.objects.get().status in ("pending", "waiting"):
        inbound.drain_lane(row.lane, now=at)
        at = max(at + dt.timedelta(seconds=1), InboundEvent.objects.get().due_at or at)
        tries += inbound.sweep(now=at)
        drain.clear()

    row.refresh_from_db()
    assert row.status == "ignored"
    assert dt.timedelta(days=1) <= at - now < dt.timedelta(days=2)
    assert tries < 40


def test_the_sweep_announces_what_no_hint_did(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    for who in ("a", "b"):
        inbound.submit(line, [make.inbound(line, sender=make.sender(who)) for _ in range(2)], now=now)
    drain.clear()  # the broker lost everything

    assert inbound.sweep(now=now) == 0  # fresh: its own hint is still on the way
    assert inbound.sweep(now=now + dt.timedelta(seconds=1)) == 2
    drain("inbound")

    assert Message.objects.count() == 4
    assert inbound.sweep(now=now + dt.timedelta(seconds=2)) == 0


def test_a_broker_that_fails_fails_nobody(drain: JobQueue, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()
    request = make.request(make.inbound(line))
    with monkeypatch.context() as patched:
        patched.setattr("celery.app.task.Task.apply_async", lambda *_, **__: 1 / 0)
        answer = inbound.accept(line.connection, request, now=now)
        make.sent(make.conversation(channel=line))

    assert answer.status == 200
    assert inbound.sweep(now=now + dt.timedelta(seconds=1)) == 1
    assert delivery.sweep(now + dt.timedelta(seconds=1)) == 1


def test_an_unsupported_element_is_shown_and_one_of_nobody_is_put_aside(now: dt.datetime) -> None:
    line = make.channel()
    poll = Unsupported("u-1", line.address, now, kind="poll", sender=make.sender(), raw={"q": "Tea?"})
    notice = Unsupported("u-2", line.address, now, kind="policy", raw={"x": 1})
    lane = _submit(line, poll, now=now)
    nobody = _submit(line, notice, now=now)

    inbound.drain_lane(lane, now=now)
    inbound.drain_lane(nobody, now=now)

    message = Message.objects.get()
    assert (message.kind, message.text, message.data) == ("unsupported", "", {"type": "poll", "raw": {"q": "Tea?"}})
    assert InboundEvent.objects.get(key="u-2").status == "ignored"


def test_a_lane_with_one_message_costs_the_same_as_ever(now: dt.datetime, django_assert_max_num_queries: Any) -> None:
    line = make.channel()
    lane = _submit(line, make.inbound(line), now=now)
    inbound.drain_lane(lane, now=now)
    _submit(line, make.inbound(line), now=now)

    # (lock), look, [savepoint, known?, savepoint, identity, release, conversation, message, event, conversation,
    # release], done, (unlock), look again
    with django_assert_max_num_queries(17):
        inbound.drain_lane(lane, now=now)
