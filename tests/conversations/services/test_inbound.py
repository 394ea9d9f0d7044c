from __future__ import annotations

import datetime as dt
import json

import pytest

from channels_adapters.contract import Receipt, Typing, Unsupported
from contactcenter.lib.errors import InvalidSignature
from conversations import events, wire
from conversations.models import Conversation, InboundEvent, Message, Payload
from conversations.services import inbound
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def _statuses() -> list[tuple[str, str]]:
    return list(InboundEvent.objects.order_by("key").values_list("key", "status"))


def test_a_request_is_stored_with_its_events_before_it_is_answered(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    request = make.request(make.inbound(line, external_id="m-1"), make.inbound(line, external_id="m-2"))

    answer = inbound.accept(line.connection, request, now=now)

    payload = Payload.objects.get()
    assert (answer.status, answer.body) == (200, b"EVENT_RECEIVED")
    assert bytes(payload.body) == request.body
    assert (payload.status, payload.deliveries) == ("parsed", 1)
    assert list(payload.events.order_by("id").values_list("key", "status")) == [
        ("message:m-1", "pending"),
        ("message:m-2", "pending"),
    ]
    assert Message.objects.count() == 0


def test_one_hop_leads_from_the_request_to_the_message(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()

    inbound.accept(line.connection, make.request(make.inbound(line, text="Hello")), now=now)

    assert drain.names() == ["conversations.jobs.drain_lane"]
    drain("inbound")
    assert Message.objects.get().text == "Hello"


def test_a_batch_rings_once_per_lane(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    batch = [make.inbound(line, sender=make.sender(who)) for who in ("a", "b", "a", "b", "a")]

    inbound.accept(line.connection, make.request(*batch), now=now)

    assert [job.kwargs for job in drain.waiting] == [
        {"lane": f"{line.pk.hex}:a"},
        {"lane": f"{line.pk.hex}:b"},
    ]


@pytest.mark.parametrize("secret", ["", "wrong", "ü"])
def test_a_wrong_signature_stores_nothing(secret: str, now: dt.datetime) -> None:
    line = make.channel()

    with pytest.raises(InvalidSignature):
        inbound.accept(line.connection, make.request(make.inbound(line), secret=secret), now=now)

    assert Payload.objects.count() == 0
    assert InboundEvent.objects.count() == 0


def test_an_empty_secret_lets_nobody_in(now: dt.datetime) -> None:
    line = make.channel(connection=make.connection(secret=""))

    with pytest.raises(InvalidSignature):
        inbound.accept(line.connection, make.request(make.inbound(line), secret=""), now=now)


def test_an_adapter_that_stumbles_while_verifying_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, now: dt.datetime
) -> None:
    line = make.channel()

    def stumble(*_: object) -> None:
        raise TypeError("comparing strings with non-ASCII characters is not supported")

    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.verify", stumble)

    with pytest.raises(InvalidSignature):
        inbound.accept(line.connection, make.request(make.inbound(line)), now=now)

    assert Payload.objects.count() == 0


def test_the_same_request_again_is_counted_and_changes_nothing(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    request = make.request(make.inbound(line))

    answers = [inbound.accept(line.connection, request, now=now).status for _ in range(3)]
    drain()

    assert answers == [200, 200, 200]
    assert Payload.objects.get().deliveries == 3
    assert Message.objects.count() == 1


def test_the_same_event_in_another_request_is_done_once(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    first, second = make.inbound(line, text="one"), make.inbound(line, text="two")

    inbound.accept(line.connection, make.request(first), now=now)
    inbound.accept(line.connection, make.request(first, second), now=now)
    inbound.accept(line.connection, make.request(second, second), now=now)
    drain()

    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == ["one", "two"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"events": 1}', b'{"a":' * 5000, b"[" * 100_000],
    ids=["empty", "truncated", "not utf-8", "array", "wrong type", "deep objects", "deep arrays"],
)
def test_a_body_that_cannot_be_read_is_kept_and_counted(body: bytes, now: dt.datetime) -> None:
    line = make.channel()

    answers = [inbound.accept(line.connection, make.request(body=body), now=now).status for _ in range(2)]

    payload = Payload.objects.get()
    assert answers == [200, 200]
    assert (payload.status, payload.deliveries, bytes(payload.body)) == ("failed", 2, body)
    assert payload.error != ""
    assert InboundEvent.objects.count() == 0


def test_one_malformed_element_leaves_its_neighbours_unharmed(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    broken = {"event": "message", "key": "message:m-2", "channel_address": line.address, "sender": "nobody"}
    request = make.request(make.inbound(line, external_id="m-1"), broken, make.inbound(line, external_id="m-3"))

    inbound.accept(line.connection, request, now=now)
    drain()

    assert _statuses() == [("message:m-1", "done"), ("message:m-2", "failed"), ("message:m-3", "done")]
    quarantined = InboundEvent.objects.get(status="failed")
    assert (quarantined.kind, quarantined.body["raw"]) == ("malformed", broken)


def test_two_entries_with_messages_and_receipts_each_get_their_outcome(drain: JobQueue, now: dt.datetime) -> None:
    app = make.connection()
    lines = [make.channel(connection=app, address=address) for address in ("page-1", "page-2")]
    batch: list[object] = []
    for line in lines:
        for change in ("a", "b"):
            ours = make.sent(make.conversation(channel=line, identity=make.identity(line)))
            drain()
            ours.refresh_from_db()
            ids = [f"{line.address}-{change}-{number}" for number in range(3)]
            batch += [make.inbound(line, external_id=one, sender=make.sender(f"c-{change}")) for one in ids]
            batch += [make.receipt(line, status, ours.external_id) for status in ("delivered", "read")]
    batch[4] = {"event": "message", "key": "broken", "channel_address": "page-1"}
    before = Message.objects.count()

    inbound.accept(app, make.request(*batch), now=now)  # type: ignore[arg-type]
    drain()

    done = InboundEvent.objects.filter(status="done")
    assert InboundEvent.objects.count() == 20
    assert done.filter(kind="message").count() == Message.objects.count() - before == 12
    assert done.filter(kind="receipt").count() == 7
    assert list(InboundEvent.objects.exclude(status="done").values_list("key", "status")) == [("broken", "failed")]


def test_an_unknown_line_is_ignored_with_the_reason(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    stranger = make.channel(address="elsewhere")  # of another connection

    inbound.accept(line.connection, make.request(make.inbound(stranger)), now=now)
    drain()

    event = InboundEvent.objects.get()
    assert (event.status, event.channel) == ("ignored", None)
    assert "elsewhere" in event.error
    assert Message.objects.count() == 0


@pytest.mark.parametrize("address", ["", "\x00", "\ud800", "'; --", "x" * 10_000])
def test_a_hostile_line_address_harms_nobody(address: str, drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    body = json.loads(make.wire_body(make.inbound(line), make.inbound(line, text="fine")))
    body["events"][0]["channel_address"] = address

    inbound.accept(line.connection, make.request(body=json.dumps(body).encode()), now=now)
    drain()

    assert Message.objects.get().text == "fine"
    assert InboundEvent.objects.filter(status="ignored").count() == 1


def test_a_line_that_is_switched_off_is_ignored(now: dt.datetime) -> None:
    line = make.channel(is_active=False)

    inbound.accept(line.connection, make.request(make.inbound(line)), now=now)

    assert InboundEvent.objects.get().status == "ignored"


@pytest.mark.parametrize("address", ["", "x" * 256])
def test_an_address_nobody_can_be_found_by_is_quarantined(address: str, now: dt.datetime) -> None:
    line = make.channel()

    inbound.submit(line, [make.inbound(line, sender=make.sender(address))], now=now)

    assert InboundEvent.objects.get().status == "failed"


def test_an_element_with_an_impossible_date_is_quarantined_alone(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    far = dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=10)))

    inbound.submit(line, [make.inbound(line, at=far), make.inbound(line, text="fine")], now=now)
    drain()

    assert sorted(InboundEvent.objects.values_list("status", flat=True)) == ["done", "failed"]
    assert Message.objects.get().text == "fine"


def test_hostile_text_is_scrubbed_everywhere_but_in_the_raw_payload(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    evil = "a\x00b\ud83dc"
    who = make.sender("x\x00y", name="N\x00\u202ename\ud800", claims={"email\x00": "e\udc00"})
    event = make.inbound(line, text=evil, external_id="m\x00-1", sender=who, data={"k\x00": [evil]})
    odd = Unsupported("u\x00", line.address, now, kind="po\x00ll", sender=who, raw={"deep\x00": {"x": evil}})
    request = make.request(event, odd)

    inbound.accept(line.connection, request, now=now)
    drain()

    assert b"\\u0000" in bytes(Payload.objects.get().body)
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done"}
    assert "u" in InboundEvent.objects.values_list("key", flat=True)
    stored = Message.objects.get(kind="text")
    assert (stored.text, stored.external_id, stored.data) == ("ab�c", "m-1", {"k": ["ab�c"]})
    identity = stored.conversation.identity
    assert (identity.address, identity.display_name) == ("xy", "Nname�")
    assert identity.contact.claims == {"email": "e�"}


def test_raw_json_that_nests_deeply_is_cut_not_refused(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    raw: dict[str, object] = {}
    for _ in range(10_000):
        raw = {"a": raw}
    event = Unsupported("u", line.address, now, kind="poll", sender=make.sender(), raw=raw)

    inbound.submit(line, [event], now=now)
    drain()

    assert InboundEvent.objects.get().status == "done"


def test_ids_longer_than_their_columns_stay_distinct(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    long = "m" * 400

    inbound.submit(line, [make.inbound(line, external_id=long + end) for end in ("1", "2", "1")], now=now)
    drain()

    assert Message.objects.count() == 2


def test_typing_is_passed_on_and_never_stored(now: dt.datetime) -> None:
    line = make.channel()
    conversation = make.conversation(channel=line, identity=make.identity(line, address="customer-1"))
    heard: list[tuple[object, bool]] = []

    def listen(sender: object, conversation_id: object, active: bool, **_: object) -> None:
        heard.append((conversation_id, active))

    events.typing.connect(listen)
    try:
        inbound.submit(
            line,
            [
                Typing("t-1", line.address, now, sender=make.sender("customer-1"), active=True),
                Typing("t-2", line.address, now, sender=make.sender("nobody"), active=True),
            ],
            now=now,
        )
    finally:
        events.typing.disconnect(listen)

    assert heard == [(conversation.pk, True)]
    assert InboundEvent.objects.count() == 0


def test_taking_a_request_in_costs_few_queries(now: dt.datetime, django_assert_num_queries: object) -> None:
    line = make.channel()
    batches = [
        make.request(*(make.inbound(line, sender=make.sender(f"c-{number}")) for number in range(size)))
        for size in (1, 30)
    ]

    for request in batches:
        # the lines, savepoint, payload, events, release (outside a test: BEGIN and COMMIT)
        with django_assert_num_queries(5):  # type: ignore[operator]
            inbound.accept(line.connection, request, now=now)


def test_a_receipt_without_a_recipient_row_is_stored_like_any_event(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    event = Receipt("r", line.address, now, recipient=make.sender("never-seen"), status="read", watermark=now)

    inbound.submit(line, [event], now=now)
    drain()

    row = InboundEvent.objects.get()
    assert (row.status, wire.from_json(row.kind, row.body)) == ("done", event)
    assert Conversation.objects.count() == 0
