"""What could not be done with a request or an event is done later, by hand or when the provider says it again."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from channels_adapters.contract import Malformed
from contactcenter.lib.errors import Refused
from conversations.models import InboundEvent, Message, Payload
from conversations.services import inbound
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def test_an_event_ignored_for_want_of_a_channel_can_be_replayed(drain: JobQueue, now: dt.datetime) -> None:
    app = make.connection()
    event = make.inbound(make.channel(connection=app, address="other"), text="late")
    body = json.loads(make.wire_body(event))
    body["events"][0]["channel_address"] = "page-9"
    inbound.accept(app, make.request(body=json.dumps(body).encode()), now=now)
    row = InboundEvent.objects.get()

    with pytest.raises(Refused):
        inbound.replay(row, now=now)
    make.channel(connection=app, address="page-9")
    inbound.replay(row, now=now)
    drain()

    row.refresh_from_db()
    assert row.status == "done"
    assert Message.objects.get().text == "late"


def test_what_is_done_cannot_be_replayed(drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    inbound.submit(line, [make.inbound(line)], now=now)
    drain()

    with pytest.raises(Refused):
        inbound.replay(InboundEvent.objects.get(), now=now)


def test_a_payload_can_be_parsed_anew_when_the_adapter_has_learned(
    drain: JobQueue, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make.channel()
    request = make.request(make.inbound(line, text="now I understand"))
    with monkeypatch.context() as patched:
        patched.setattr("tests.factories.adapters.EchoAdapter.parse", lambda *_: 1 / 0)
        inbound.accept(line.connection, request, now=now)
    payload = Payload.objects.get()
    assert (payload.status, payload.error) == ("failed", "ZeroDivisionError in the adapter")

    inbound.replay(payload, now=now)
    drain()

    payload.refresh_from_db()
    assert (payload.status, payload.error) == ("parsed", "")
    assert Message.objects.get().text == "now I understand"


def test_a_redelivery_repairs_a_payload_that_could_not_be_read(
    drain: JobQueue, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make.channel()
    request = make.request(make.inbound(line))
    with monkeypatch.context() as patched:
        patched.setattr("tests.factories.adapters.EchoAdapter.parse", lambda *_: 1 / 0)
        inbound.accept(line.connection, request, now=now)

    inbound.accept(line.connection, request, now=now)
    drain()

    assert Payload.objects.get().status == "parsed"
    assert Message.objects.count() == 1


def test_replaying_a_payload_mends_its_quarantined_elements_and_doubles_none(
    drain: JobQueue, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make.channel()
    good, odd = make.inbound(line, text="one"), make.inbound(line, text="two")
    with monkeypatch.context() as patched:
        patched.setattr(
            "tests.factories.adapters.EchoAdapter.parse",
            lambda *_: [good, Malformed(odd.key, line.address, "odd", {})],
        )
        inbound.accept(line.connection, make.request(good, odd), now=now)
    drain()

    inbound.replay(Payload.objects.get(), now=now)
    drain()

    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == ["one", "two"]
