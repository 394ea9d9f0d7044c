from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from channels_adapters.contract import (
    Deletion,
    Echo,
    Edit,
    InboundAttachment,
    InboundEvent,
    InboundMessage,
    Malformed,
    Postback,
    Reaction,
    Receipt,
    Sender,
    Typing,
    Unsupported,
)
from conversations import wire

AT = dt.datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=dt.UTC)
BASE: dict[str, Any] = {"key": "k-1", "channel_address": "line-1", "at": AT}
PERSON = Sender(
    kind="messenger",
    scope="page-1",
    address="psid-1",
    name="ليلى",
    language="ar",
    verified=False,
    claims={"email": "x"},
)
FILE = InboundAttachment(kind="image", url="https://cdn.example/x", name="a.png", size=3, data={"sticker_id": 1})

EVENTS: list[InboundEvent | Malformed] = [
    InboundMessage(
        **BASE,
        sender=PERSON,
        external_id="m-1",
        text="Hi",
        attachments=(FILE, InboundAttachment(kind="location", data={"lat": 1.5, "lng": 2})),
        thread="t",
        reply_to="m-0",
        passive=True,
        data={"quick_reply": {"payload": "yes"}},
    ),
    InboundMessage(**BASE, sender=PERSON, external_id="m-1"),
    Echo(**BASE, recipient=PERSON, external_id="m-2", client_ref="TX1", text="Hi", attachments=(FILE,)),
    Edit(**BASE, sender=PERSON, external_id="m-1", text="Hello", revision=2),
    Deletion(**BASE, sender=PERSON, external_id="m-1"),
    Reaction(**BASE, sender=PERSON, external_id="m-1", emoji="❤"),
    Postback(**BASE, sender=PERSON, external_id="m-3", title="Yes", payload="YES"),
    Receipt(**BASE, recipient=PERSON, status="read", external_ids=("m-2", "m-4"), watermark=AT),
    Receipt(**BASE, recipient=PERSON, status="failed", error_code="10", error="No"),
    Typing(**BASE, sender=PERSON, active=False),
    Unsupported(**BASE, kind="poll", sender=PERSON, raw={"poll": {"a": [1, None]}}),
    Unsupported(**BASE, kind="app_notice"),
    Malformed(key="k-2", channel_address="line-1", error="no text", raw=["odd"]),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_survives_its_way_through_json(event: Any) -> None:
    stored = json.loads(json.dumps(wire.to_json(event)))

    assert wire.from_json(wire.kind_of(event), stored) == event


def test_every_type_of_the_contract_has_a_word() -> None:
    assert {type(event) for event in EVENTS} == set(wire.KINDS.values())


def test_keys_of_another_release_are_ignored() -> None:
    stored = {**wire.to_json(EVENTS[0]), "invented_later": 1}

    assert wire.from_json("message", stored) == EVENTS[0]


def test_times_of_any_zone_are_stored_in_utc() -> None:
    east = AT.astimezone(dt.timezone(dt.timedelta(hours=3)))
    event = Deletion("k", "line-1", east, sender=PERSON, external_id="m-1")

    assert wire.to_json(event)["at"] == "2026-03-02T09:00:00.123456+00:00"
