"""Many at once, on a real PostgreSQL with a connection each."""

from __future__ import annotations

import datetime as dt
import queue
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from conversations.models import (
    Attachment,
    Contact,
    Conversation,
    Identity,
    InboundEvent,
    Message,
    Participant,
    Payload,
)
from conversations.services import contacts, inbound, lanes, lifecycle, media, messages, ownership
from tests.conversations.racing import at_once, numbers_are_gapless
from tests.factories import conversations as make
from tests.factories.adapters import SECRET
from tests.support.jobs import JobQueue
from tests.support.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_the_same_webhook_fifty_times_at_once_is_one_message_in_one_conversation(drain: JobQueue) -> None:
    line = make.channel()
    body = make.wire_body(make.inbound(line))
    url = reverse("webhook", args=[line.connection_id])

    def post() -> int:
        answer = Client().post(url, body, content_type="application/json", headers={"X-Signature": SECRET})
        return answer.status_code

    answers = at_once([post] * 50)
    names = [job.kwargs["lane"] for job in drain.waiting]
    at_once([lambda: inbound.drain_lane(names[0], now=clock.now())] * 8)

    assert answers == [200] * 50
    assert len(names) == 50
    assert (Payload.objects.count(), Payload.objects.get().deliveries) == (1, 50)
    assert (Message.objects.count(), Conversation.objects.count(), Identity.objects.count()) == (1, 1, 1)


def test_the_same_event_in_fifty_different_requests_is_one_message(drain: JobQueue) -> None:
    line = make.channel()
    event = make.inbound(line)
    requests = [make.request(event, make.inbound(line, sender=make.sender(f"c-{n}"))) for n in range(50)]

    at_once([partial(inbound.accept, line.connection, request, now=clock.now()) for request in requests])

    assert InboundEvent.objects.filter(key=event.key).count() == 1
    assert Payload.objects.count() == 50


def test_two_hundred_messages_of_one_contact_keep_their_order_over_eight_workers(drain: JobQueue) -> None:
    line = make.channel()
    hints: queue.Queue[str | None] = queue.Queue()
    texts = [str(number) for number in range(200)]

    def write() -> None:
        for text in texts:
            inbound.submit(line, [make.inbound(line, text=text, at=clock.now())], now=clock.now())
            hints.put(f"{line.pk.hex}:customer-1")
        for _ in range(8):
            hints.put(None)

    def work() -> None:
        while (lane := hints.get(timeout=30)) is not None:
            inbound.drain_lane(lane, now=clock.now())

    at_once([write, *[work] * 8])
    drain("inbound")  # a lane that took long has announced itself again

    conversation = Conversation.objects.get()
    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == texts
    assert numbers_are_gapless(conversation)
    assert not InboundEvent.objects.exclude(status="done").exists()


def test_a_lane_is_free_as_soon_as_the_session_that_held_it_is_gone(drain: JobQueue) -> None:
    line = make.channel()
    inbound.submit(line, [make.inbound(line)], now=clock.now())
    lane = f"{line.pk.hex}:customer-1"
    settings = connection.get_connection_params()
    held = psycopg.connect(**{key: settings[key] for key in ("host", "user", "dbname", "port") if settings.get(key)})
    held.execute("SELECT pg_advisory_lock(%s)", [lanes.number(lane)])

    assert inbound.drain_lane(lane, now=clock.now()) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [held.info.backend_pid])
    done = until(lambda: inbound.drain_lane(lane, now=clock.now()), 3)

    assert done == 1


def test_a_drain_that_fails_leaves_no_lock_behind(drain: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()
    inbound.submit(line, [make.inbound(line)], now=clock.now())
    lane = f"{line.pk.hex}:customer-1"

    def lose_the_connection(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def fail() -> None:
        with pytest.raises(Exception, match=r"terminat|closed|connection"):
            inbound.drain_lane(lane, now=clock.now())

    with monkeypatch.context() as patched:
        patched.setattr("conversations.services.received.store", lose_the_connection)
        at_once([fail])

    assert inbound.drain_lane(lane, now=clock.now()) == 1
    assert InboundEvent.objects.get().status == "done"


def test_a_lock_that_cannot_be_given_back_goes_with_its_session(
    drain: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, calls = lanes.number("some lane"), []

    def fail_the_second_time(lane: str) -> int:
        calls.append(lane)
        if len(calls) > 1:
            raise RuntimeError("cannot unlock")
        return number

    def claim_and_look() -> bool:
        with lanes.claimed("some lane") as mine:
            assert mine
        settings = connection.get_connection_params()
        kept = {key: settings[key] for key in ("host", "user", "dbname", "port") if settings.get(key)}
        with psycopg.connect(**kept) as other:
            row = other.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
        return bool(row and row[0])

    monkeypatch.setattr(lanes, "number", fail_the_second_time)

    assert at_once([claim_and_look]) == [True]


def test_one_sender_seen_by_many_workers_is_one_contact(drain: JobQueue) -> None:
    line = make.channel()

    found = at_once([lambda: contacts.resolve(line, make.sender("new"), now=make.NOW).pk] * 16)

    assert len(set(found)) == 1
    assert (Identity.objects.count(), Contact.objects.count()) == (1, 1)


def test_one_conversation_is_opened_by_many_workers(drain: JobQueue) -> None:
    line = make.channel()
    make.identity(line, address="customer-1")  # known already: nothing before the conversation makes them queue up
    events = [make.inbound(line) for _ in range(16)]

    at_once([partial(messages.receive, line, event, now=make.NOW) for event in events])

    conversation = Conversation.objects.get()
    assert conversation.message_seq == 16
    assert numbers_are_gapless(conversation)


def test_a_message_that_comes_while_its_conversation_is_closed_is_in_one_or_the_next(drain: JobQueue) -> None:
    line = make.channel()
    for _ in range(10):
        current = make.received(line).conversation
        event = make.inbound(line)
        at_once(
            [
                partial(lifecycle.close, current, now=make.NOW),
                partial(messages.receive, line, event, now=make.NOW),
            ]
        )

        message = Message.objects.get(external_id=event.external_id)
        assert (message.conversation_id == current.pk) or message.conversation.status == "open"
        assert Conversation.objects.filter(status="open").count() <= 1
    assert Message.objects.count() == 20


def test_numbers_are_gapless_however_many_write(drain: JobQueue) -> None:
    conversation = make.conversation()
    who = make.sender(conversation.identity.address)

    def refused() -> None:
        with pytest.raises(Refused):
            make.sent(conversation, text="x" * 501)

    writers: list[Callable[[], Any]] = []
    for _ in range(10):
        writers += [
            lambda: make.sent(conversation),
            lambda: make.received(conversation.channel, sender=who),
            refused,
        ]
    at_once(writers)

    assert Conversation.objects.get().message_seq == 20
    assert numbers_are_gapless(conversation)


def test_many_hand_overs_leave_one_owner_and_count_every_one(drain: JobQueue) -> None:
    conversation = make.conversation()
    users = [make.user() for _ in range(8)]

    versions = at_once(
        [partial(ownership.change, conversation, owner="worker", user=user, now=make.NOW) for user in users]
    )

    fresh = Conversation.objects.get()
    assert sorted(versions) == list(range(1, 9))
    owner = Participant.objects.get(left_at__isnull=True, role="owner")
    assert owner.user_id == fresh.owner_user_id == users[versions.index(8)].pk


def test_a_file_is_fetched_by_one_of_many_workers(drain: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    from channels_adapters.contract import InboundAttachment

    fetched: list[str] = []

    def download(row: Attachment, file: Any, *, now: dt.datetime) -> None:
        fetched.append(row.sid)
        file.write(make.PNG)

    monkeypatch.setattr(media, "_download", download)
    message = make.received(make.channel(), attachments=[InboundAttachment("image", url="https://cdn.example/x")])
    row = message.attachments.get()

    done = at_once([lambda: media.fetch(row.pk, now=make.NOW)] * 8)

    assert sorted(done) == [False] * 7 + [True]
    assert fetched == [row.sid]
