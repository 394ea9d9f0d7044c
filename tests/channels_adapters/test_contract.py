"""The contract every channel adapter keeps. It runs over each adapter the registry finds; a new one starts with it.

What an adapter package brings
------------------------------
``contract_kit.py``
    one module-level ``kit = ContractKit(...)`` (see ``channels_adapters/contract_kit.py`` for every field).

``samples/``
    what the provider sends, one request (or, for an adapter with sockets, one frame) per file:
    ``text__plain.json``, ``photo__with_caption.json``; ``.raw`` where the bytes are no JSON. Beside each lies
    ``<name>.expected.json``: the events ``parse`` makes of it (fields at their default left out), or
    ``{"error": "UnparsablePayload"}``. Write them with ``UPDATE_GOLDEN=1 pytest tests/channels_adapters``,
    then READ them: a golden file nobody read proves nothing.

    Some names are asked for, because these are where channels lose messages:
    ``batch__*``     several elements in one request, at least one of them malformed and at least two readable
    ``unknown__*``   a kind the adapter does not know; it comes out as ``Unsupported`` (or an ``unsupported``
                     attachment), never as nothing
    ``hostile__*``   bodies made to hurt; parsed or refused, never anything else

An adapter without a webhook (web chat: it has a socket)
--------------------------------------------------------
sets ``sign=None`` and gives ``read(body) -> [events]``: one sample's bytes through the same pure function its
consumer uses for a client frame, for a fixed visitor and ``RECEIVED_AT``. Frames that are commands rather than events
(hello, ping) give ``[]``; a frame that is no frame raises ``UnparsablePayload``. ``batch__*`` is asked only of
adapters with a webhook. ``verify`` keeps the base class's refusal, ``parse`` may stay unwritten.
Where ``send`` needs no HTTP, ``accepted`` stays None and ``failures`` empty: the suite then sends with a Context
whose ``publish``, ``submit`` and ``history`` record what they get, and demands a ``SendReceipt``.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels_adapters import registry
from channels_adapters.contract import (
    InboundMessage,
    Malformed,
    OutboundAttachment,
    SendReceipt,
    Unsupported,
    WebhookRequest,
)
from channels_adapters.contract_kit import RECEIVED_AT, Failure, golden, golden_text
from channels_adapters.errors import SendError, TransientSendError
from contactcenter.lib.errors import InvalidSignature, UnparsablePayload
from tests.channels_adapters.suite import (
    ADAPTERS,
    KITS,
    SAMPLES,
    Sent,
    context_of,
    every_adapter,
    every_failure,
    every_sample,
    every_webhook,
    folder_of,
    message_of,
    parse_body,
    request_of,
    secrets_of,
    signed_headers,
)

# -- declared ---------------------------------------------------------------------------------------------------------


def test_at_least_one_adapter_is_installed() -> None:
    assert ADAPTERS


@every_adapter
def test_an_adapter_declares_who_it_is(slug: str) -> None:
    adapter = ADAPTERS[slug]
    config_label = f"adapter_{slug}"

    from django.apps import apps

    assert apps.get_app_config(config_label).name == type(adapter).__module__.rpartition(".")[0]
    assert adapter.slug == slug == slug.lower()
    assert str(adapter.label)
    assert registry.get(slug) is adapter


@every_adapter
def test_its_folder_is_complete(slug: str) -> None:
    folder = folder_of(ADAPTERS[slug])

    assert {"apps.py", "adapter.py", "README.md", "samples", "contract_kit.py"} <= {p.name for p in folder.iterdir()}


@every_adapter
def test_its_capabilities_make_sense(slug: str) -> None:
    able = ADAPTERS[slug].capabilities

    assert able.max_text > 0
    assert able.task_channel
    assert able.quick_replies >= 0
    assert able.receipts <= {"sent", "delivered", "read"}
    for pattern, size in able.media.items():
        kind, slash, subtype = pattern.partition("/")
        assert kind
        assert slash
        assert subtype
        assert size > 0
    if able.human_window is not None:
        assert able.reply_window is not None
        assert able.human_window > able.reply_window


@every_adapter
def test_its_settings_are_named_once_and_secrets_are_marked(slug: str) -> None:
    adapter = ADAPTERS[slug]

    for settings in (adapter.connection_settings, adapter.channel_settings):
        names = [setting.name for setting in settings]
        assert len(names) == len(set(names))
        for setting in settings:
            assert str(setting.label)
            looks_secret = any(word in setting.name for word in ("secret", "token", "password", "private_key"))
            assert setting.secret == looks_secret, f"{setting.name}: mark it as a secret, or give it another name"
            assert not (setting.secret and setting.default), "a secret has no default"


@every_adapter
def test_the_kit_fills_every_required_setting(slug: str) -> None:
    adapter, kit = ADAPTERS[slug], KITS[slug]

    for settings, values in ((adapter.connection_settings, kit.connection), (adapter.channel_settings, kit.channel)):
        missing = [setting.name for setting in settings if setting.required and values.get(setting.name) in (None, "")]
        assert missing == []
        assert set(values) <= {setting.name for setting in settings}


# -- in: who wrote this -----------------------------------------------------------------------------------------------


@every_webhook
def test_a_right_signature_passes(slug: str) -> None:
    kit = KITS[slug]

    ADAPTERS[slug].verify(request_of(kit, b'{"a": 1}'), kit.connection)


@every_webhook
@pytest.mark.parametrize(
    "damage", ["missing", "empty", "short", "other_body", "not_ascii", "upper_name", "nul", "long"]
)
def test_a_wrong_signature_is_refused(slug: str, damage: str) -> None:
    kit = KITS[slug]
    signed = signed_headers(kit, b'{"a": 1}')
    broken = {
        "missing": {},
        "empty": dict.fromkeys(signed, ""),
        "short": {name: value[:-1] for name, value in signed.items()},
        "other_body": signed_headers(kit, b'{"a": 2}'),
        "not_ascii": {name: value[:-1] + "é" for name, value in signed.items()},
        "upper_name": {name: value.swapcase() for name, value in signed.items()},
        "nul": {name: value + "\x00" for name, value in signed.items()},
        "long": {name: value * 4000 for name, value in signed.items()},
    }[damage]
    request = WebhookRequest("POST", "/hooks/x/", {}, broken, b'{"a": 1}', RECEIVED_AT)

    with pytest.raises(InvalidSignature):
        ADAPTERS[slug].verify(request, kit.connection)


@every_adapter
@pytest.mark.parametrize("given", ["empty", "none", "absent"])
def test_without_a_secret_nothing_is_let_in(slug: str, given: str) -> None:
    adapter, kit = ADAPTERS[slug], KITS[slug]
    names = {setting.name for setting in adapter.connection_settings if setting.secret}
    connection = {name: value for name, value in kit.connection.items() if name not in names}
    if given != "absent":
        connection |= dict.fromkeys(names, "" if given == "empty" else None)

    # An attacker knows what an empty secret signs like.
    forged = request_of(kit, b'{"a": 1}', connection)

    with pytest.raises(InvalidSignature):
        adapter.verify(request_of(kit, b'{"a": 1}'), connection)
    with pytest.raises(InvalidSignature):
        adapter.verify(forged, connection)


# -- in: what it says -------------------------------------------------------------------------------------------------


@every_sample
def test_a_sample_means_what_its_golden_file_says(slug: str, path: Path) -> None:
    try:
        outcome: Any = golden(parse_body(slug, path.read_bytes()))
    except UnparsablePayload:
        outcome = {"error": "UnparsablePayload"}
    expected = path.with_name(path.stem + ".expected.json")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(golden_text(outcome))

    assert outcome == json.loads(expected.read_text())


@every_adapter
def test_no_golden_file_has_lost_its_sample(slug: str) -> None:
    folder = folder_of(ADAPTERS[slug]) / "samples"
    stems = {path.stem for owner, path in SAMPLES if owner == slug}

    assert stems
    assert {path.name.removesuffix(".expected.json") for path in folder.glob("*.expected.json")} == stems


@every_sample
def test_the_same_bytes_give_the_same_events_and_keys(slug: str, path: Path) -> None:
    body = path.read_bytes()
    try:
        first = parse_body(slug, body)
    except UnparsablePayload:
        return
    second = parse_body(slug, bytes(bytearray(body)))

    assert golden(first) == golden(second)
    assert [event.key for event in first] == [event.key for event in second]


@every_sample
def test_what_comes_in_fits_the_rows_it_will_be_stored_in(slug: str, path: Path) -> None:
    try:
        events = parse_body(slug, path.read_bytes())
    except UnparsablePayload:
        return

    for event in events:
        assert 0 < len(event.key) <= 255
        assert len(event.channel_address) <= 255
        stored = json.dumps(golden([event]), ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in stored
        stored.encode("utf-8")  # a lone surrogate would fail here, as it would in the database
        if not isinstance(event, Malformed):
            assert event.at.tzinfo is not None
            assert event.at <= RECEIVED_AT, "a provider's clock may be wrong: nothing is stored as of the future"
        for name in ("external_id", "reply_to", "thread"):
            assert len(getattr(event, name, "")) <= 255
        who = getattr(event, "sender", None) or getattr(event, "recipient", None)
        if who is not None:
            assert 0 < len(who.address) <= 255
            assert len(who.scope) <= 255


@every_sample
def test_an_unknown_kind_never_vanishes(slug: str, path: Path) -> None:
    if not path.name.startswith("unknown__"):
        return
    events = parse_body(slug, path.read_bytes())

    assert events
    for event in events:
        if isinstance(event, InboundMessage):
            assert "unsupported" in {attachment.kind for attachment in event.attachments}
        else:
            assert isinstance(event, Unsupported)
            assert event.kind
            assert event.raw


@every_adapter
def test_samples_of_unknown_kinds_and_hostile_ones_are_there(slug: str) -> None:
    names = [path.name for owner, path in SAMPLES if owner == slug]

    assert [name for name in names if name.startswith("unknown__")]
    assert [name for name in names if name.startswith("hostile__")]


@every_webhook
def test_a_broken_element_does_not_cost_its_neighbours(slug: str) -> None:
    batches = [path for owner, path in SAMPLES if owner == slug and path.name.startswith("batch__")]
    outcomes = [parse_body(slug, path.read_bytes()) for path in batches]

    mixed = [events for events in outcomes if any(isinstance(event, Malformed) for event in events)]
    assert mixed, "bring a sample batch__*.json with one malformed element among good ones"
    for events in mixed:
        assert len([event for event in events if not isinstance(event, Malformed)]) >= 2
        assert len({event.key for event in events}) == len(events)


# -- out --------------------------------------------------------------------------------------------------------------


@every_adapter
def test_a_message_is_sent_and_answered_with_a_receipt(slug: str) -> None:
    kit, sent = KITS[slug], Sent()

    receipt = ADAPTERS[slug].send(message_of(kit), context_of(kit, sent))

    assert isinstance(receipt, SendReceipt)
    assert receipt.status in {"sent", "delivered"}
    if kit.accepted:
        assert receipt.external_id
        assert sent.requests


@every_failure
def test_a_failure_of_the_provider_becomes_ours(slug: str, failure: Failure) -> None:
    kit = KITS[slug]

    with pytest.raises(SendError) as caught:
        ADAPTERS[slug].send(message_of(kit), context_of(kit, Sent(), failure.answer))

    assert type(caught.value) is failure.error
    assert caught.value.message
    if isinstance(caught.value, TransientSendError) and failure.retry_after is not None:
        assert caught.value.retry_after == failure.retry_after


@every_adapter
def test_an_adapter_that_talks_http_has_an_error_table(slug: str) -> None:
    kit = KITS[slug]
    if kit.accepted is None:
        return

    names = {failure.error.__name__ for failure in kit.failures}
    assert {"TransientSendError", "OutcomeUnknown", "ChannelMisconfigured", "RecipientGone", "ContentRejected"} <= names


@every_adapter
def test_long_text_is_cut_into_parts_that_fit_and_nothing_is_lost(slug: str) -> None:
    adapter = ADAPTERS[slug]
    limit = adapter.capabilities.max_text
    spaced, solid = "word " * limit, "w" * (2 * limit + 1)
    file = OutboundAttachment(name="a.txt", content_type="text/plain", size=1, read=lambda: b"a")

    for text in ("", "short", spaced, solid):
        parts = adapter.split(text, [file, file])
        assert all(len(part) <= limit for part, _ in parts)
        assert "".join(part for part, _ in parts) == text
        assert [attachment for _, attachment in parts if attachment] == [file, file]
        assert all(part or attachment for part, attachment in parts)


# -- secrets ----------------------------------------------------------------------------------------------------------


@every_adapter
def test_secrets_stay_out_of_errors_logs_and_reprs(slug: str, caplog: pytest.LogCaptureFixture) -> None:
    adapter, kit = ADAPTERS[slug], KITS[slug]
    caplog.set_level(logging.DEBUG)
    told: list[str] = [repr(adapter), str(vars(adapter))]
    secrets = secrets_of(slug)
    assert all(len(secret) >= 8 for secret in secrets)

    for failure in [*kit.failures, *([Failure("talkative", _talkative(secrets), SendError)] if kit.accepted else [])]:
        try:
            adapter.send(message_of(kit), context_of(kit, Sent(), failure.answer))
        except SendError as error:
            told += [str(error), repr(error), "".join(traceback.format_exception(error))]
    told.append(str(adapter.probe(context_of(kit, Sent(), _talkative(secrets)))))
    try:
        adapter.verify(WebhookRequest("POST", "/", {}, {}, b"", RECEIVED_AT), kit.connection)
    except InvalidSignature as error:
        told.append("".join(traceback.format_exception(error)))

    everything = "\n".join([*told, caplog.text])
    assert [secret for secret in secrets if secret in everything] == []


def _talkative(secrets: list[str]) -> Any:
    """A provider that repeats our secrets in its error."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error": {"message": " ".join(secrets), "code": 100, "type": "x"}})

    return answer
