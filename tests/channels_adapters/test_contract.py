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

import copy
import dataclasses
import importlib
import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels_adapters import registry
from channels_adapters.contract import (
    ChannelAdapter,
    Context,
    InboundMessage,
    Malformed,
    OutboundAttachment,
    OutboundMessage,
    ParseResult,
    SendReceipt,
    Unsupported,
    WebhookRequest,
)
from channels_adapters.contract_kit import RECEIVED_AT, ContractKit, Failure, golden, golden_text
from channels_adapters.errors import SendError, TransientSendError
from contactcenter.lib.errors import InvalidSignature, UnparsablePayload

ADAPTERS = registry.all_adapters()


def _folder(adapter: ChannelAdapter) -> Path:
    module = importlib.import_module(type(adapter).__module__)
    return Path(str(module.__file__)).parent


def _kit(adapter: ChannelAdapter) -> ContractKit:
    package = type(adapter).__module__.rpartition(".")[0]
    kit = importlib.import_module(f"{package}.contract_kit").kit
    assert isinstance(kit, ContractKit)
    return kit


KITS = {slug: _kit(adapter) for slug, adapter in ADAPTERS.items()}
SAMPLES = [
    (slug, path)
    for slug, adapter in ADAPTERS.items()
    for path in sorted((_folder(adapter) / "samples").iterdir())
    if path.suffix in {".json", ".raw"} and not path.name.endswith(".expected.json")
]
FAILURES = [(slug, failure) for slug, kit in KITS.items() for failure in kit.failures]

every_adapter = pytest.mark.parametrize("slug", ADAPTERS)
every_webhook = pytest.mark.parametrize("slug", [slug for slug, kit in KITS.items() if kit.sign])
every_sample = pytest.mark.parametrize(
    ("slug", "path"), [pytest.param(slug, path, id=f"{slug}-{path.stem}") for slug, path in SAMPLES]
)
every_failure = pytest.mark.parametrize(
    ("slug", "failure"), [pytest.param(slug, failure, id=f"{slug}-{failure.name}") for slug, failure in FAILURES]
)


def _signed(kit: ContractKit, body: bytes, connection: Mapping[str, Any] | None = None) -> dict[str, str]:
    if kit.sign is None:
        return {}
    return {
        name.lower(): value
        for name, value in kit.sign(body, kit.connection if connection is None else connection).items()
    }


def _request(kit: ContractKit, body: bytes, connection: Mapping[str, Any] | None = None) -> WebhookRequest:
    headers = {"content-type": "application/json", **_signed(kit, body, connection)}
    return WebhookRequest("POST", "/hooks/x/", {}, headers, body, RECEIVED_AT)


def _parse(slug: str, body: bytes) -> ParseResult:
    kit = KITS[slug]
    if kit.sign is None:
        assert kit.read, "an adapter without a webhook brings `read` in its contract kit"
        return kit.read(body)
    return ADAPTERS[slug].parse(_request(kit, body), kit.connection)


def _secrets(slug: str) -> list[str]:
    adapter, kit = ADAPTERS[slug], KITS[slug]
    named = [(s, kit.connection) for s in adapter.connection_settings]
    named += [(s, kit.channel) for s in adapter.channel_settings]
    return [str(values[setting.name]) for setting, values in named if setting.secret and values.get(setting.name)]


@dataclasses.dataclass
class Sent:
    """What a send left behind."""

    requests: list[httpx.Request] = dataclasses.field(default_factory=list)
    submitted: list[Any] = dataclasses.field(default_factory=list)
    published: list[Any] = dataclasses.field(default_factory=list)


def _context(kit: ContractKit, sent: Sent, answer: Any = None) -> Context:
    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.requests.append(request)
        respond = answer or kit.accepted
        assert respond, "send made an HTTP request, so the contract kit needs `accepted`"
        response = respond(request)
        assert isinstance(response, httpx.Response)
        return response

    return Context(
        connection=kit.connection,
        channel=kit.channel,
        channel_address=kit.channel_address,
        http=httpx.Client(transport=httpx.MockTransport(handle)),
        now=RECEIVED_AT,
        submit=sent.submitted.extend,
        history=lambda address, thread, after_seq: [],
        publish=lambda group, frame: sent.published.append((group, frame)),
    )


def _message(kit: ContractKit, **fields: Any) -> OutboundMessage:
    return OutboundMessage(**{"ref": "TX0", "recipient": kit.recipient, "text": "Hello", "seq": 1, **fields})


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
    folder = _folder(ADAPTERS[slug])

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

    ADAPTERS[slug].verify(_request(kit, b'{"a": 1}'), kit.connection)


@every_webhook
@pytest.mark.parametrize(
    "damage", ["missing", "empty", "short", "other_body", "not_ascii", "upper_name", "nul", "long"]
)
def test_a_wrong_signature_is_refused(slug: str, damage: str) -> None:
    kit = KITS[slug]
    signed = _signed(kit, b'{"a": 1}')
    broken = {
        "missing": {},
        "empty": dict.fromkeys(signed, ""),
        "short": {name: value[:-1] for name, value in signed.items()},
        "other_body": _signed(kit, b'{"a": 2}'),
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
    forged = _request(kit, b'{"a": 1}', connection)

    with pytest.raises(InvalidSignature):
        adapter.verify(_request(kit, b'{"a": 1}'), connection)
    with pytest.raises(InvalidSignature):
        adapter.verify(forged, connection)


# -- in: what it says -------------------------------------------------------------------------------------------------


@every_sample
def test_a_sample_means_what_its_golden_file_says(slug: str, path: Path) -> None:
    try:
        outcome: Any = golden(_parse(slug, path.read_bytes()))
    except UnparsablePayload:
        outcome = {"error": "UnparsablePayload"}
    expected = path.with_name(path.stem + ".expected.json")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(golden_text(outcome))

    assert outcome == json.loads(expected.read_text())


@every_adapter
def test_no_golden_file_has_lost_its_sample(slug: str) -> None:
    folder = _folder(ADAPTERS[slug]) / "samples"
    stems = {path.stem for owner, path in SAMPLES if owner == slug}

    assert stems
    assert {path.name.removesuffix(".expected.json") for path in folder.glob("*.expected.json")} == stems


@every_sample
def test_the_same_bytes_give_the_same_events_and_keys(slug: str, path: Path) -> None:
    body = path.read_bytes()
    try:
        first = _parse(slug, body)
    except UnparsablePayload:
        return
    second = _parse(slug, bytes(bytearray(body)))

    assert golden(first) == golden(second)
    assert [event.key for event in first] == [event.key for event in second]


@every_sample
def test_what_comes_in_fits_the_rows_it_will_be_stored_in(slug: str, path: Path) -> None:
    try:
        events = _parse(slug, path.read_bytes())
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
    events = _parse(slug, path.read_bytes())

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
    outcomes = [_parse(slug, path.read_bytes()) for path in batches]

    mixed = [events for events in outcomes if any(isinstance(event, Malformed) for event in events)]
    assert mixed, "bring a sample batch__*.json with one malformed element among good ones"
    for events in mixed:
        assert len([event for event in events if not isinstance(event, Malformed)]) >= 2
        assert len({event.key for event in events}) == len(events)


# -- in: bodies made to hurt ------------------------------------------------------------------------------------------

#: What a field may be turned into by someone who wants to see us fall.
POISON: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    "",
    "x",
    "\x00",
    "\ud83d",
    "9" * 400,
    [],
    {},
    [None],
    [[]],
    {"id": {"id": 1}},
)


#: Values nested deeper than this are left alone (one sample nests 400 levels).
MUTATED_DEPTH = 10


def _mutations(document: Any) -> Iterator[Any]:
    """``document`` with each of its values, one at a time, removed or turned into each poison."""
    paths: list[tuple[Any, ...]] = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        paths.append(path)
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            walk(inner, (*path, key))

    walk(document, ())
    for path in (path for path in paths[1:] if len(path) <= MUTATED_DEPTH):
        for poison in (*POISON, ...):
            mutant = copy.deepcopy(document)
            parent = mutant
            for key in path[:-1]:
                parent = parent[key]
            if poison is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = poison
            yield mutant


@every_sample
def test_any_field_may_be_anything(slug: str, path: Path) -> None:
    if path.suffix != ".json" or path.stat().st_size > 20_000:
        return
    for mutant in _mutations(json.loads(path.read_bytes())):
        body = json.dumps(mutant).encode()
        try:
            events = _parse(slug, body)
        except UnparsablePayload:
            continue
        for event in events:
            assert 0 < len(event.key) <= 255
            assert "internal error" not in getattr(event, "error", ""), body
            json.dumps(golden([event]), ensure_ascii=False, allow_nan=False).encode("utf-8")


def _general_hostile() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "no json", b"\xff\xfe\x00hello"
    yield "deep arrays", b"[" * 100_000 + b"]" * 100_000
    yield "deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    yield "huge number", b'{"object":' + b"9" * 100_000 + b"}"
    yield "many keys", json.dumps({f"k{n}": n for n in range(100_000)}).encode()
    yield "a string", b'"hello"'
    yield "a number", b"1e999"
    yield "null", b"null"
    yield "truncated", b'{"object": "page", "entry": [{"id": "1'


@every_adapter
def test_hostile_bodies_end_quickly_and_only_with_our_own_errors(slug: str) -> None:
    for name, body in [*_general_hostile(), *KITS[slug].hostile()]:
        started = time.process_time()  # not the wall's: neighbours on the machine do not count
        try:
            events = _parse(slug, body)
            json.dumps(golden(events), ensure_ascii=False, allow_nan=False).encode("utf-8")
        except UnparsablePayload:
            pass
        assert time.process_time() - started < 1.0, name


# -- out --------------------------------------------------------------------------------------------------------------


@every_adapter
def test_a_message_is_sent_and_answered_with_a_receipt(slug: str) -> None:
    kit, sent = KITS[slug], Sent()

    receipt = ADAPTERS[slug].send(_message(kit), _context(kit, sent))

    assert isinstance(receipt, SendReceipt)
    assert receipt.status in {"sent", "delivered"}
    if kit.accepted:
        assert receipt.external_id
        assert sent.requests


@every_failure
def test_a_failure_of_the_provider_becomes_ours(slug: str, failure: Failure) -> None:
    kit = KITS[slug]

    with pytest.raises(SendError) as caught:
        ADAPTERS[slug].send(_message(kit), _context(kit, Sent(), failure.answer))

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
    secrets = _secrets(slug)
    assert all(len(secret) >= 8 for secret in secrets)

    for failure in [*kit.failures, *([Failure("talkative", _talkative(secrets), SendError)] if kit.accepted else [])]:
        try:
            adapter.send(_message(kit), _context(kit, Sent(), failure.answer))
        except SendError as error:
            told += [str(error), repr(error), "".join(traceback.format_exception(error))]
    told.append(str(adapter.probe(_context(kit, Sent(), _talkative(secrets)))))
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
