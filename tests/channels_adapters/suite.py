"""What the contract suite runs over: every adapter the registry finds, its kit and its samples."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels_adapters import registry
from channels_adapters.contract import ChannelAdapter, Context, OutboundMessage, ParseResult, WebhookRequest
from channels_adapters.contract_kit import RECEIVED_AT, ContractKit

ADAPTERS = registry.all_adapters()


def folder_of(adapter: ChannelAdapter) -> Path:
    module = importlib.import_module(type(adapter).__module__)
    return Path(str(module.__file__)).parent


def kit_of(adapter: ChannelAdapter) -> ContractKit:
    package = type(adapter).__module__.rpartition(".")[0]
    kit = importlib.import_module(f"{package}.contract_kit").kit
    assert isinstance(kit, ContractKit)
    return kit


KITS = {slug: kit_of(adapter) for slug, adapter in ADAPTERS.items()}


SAMPLES = [
    (slug, path)
    for slug, adapter in ADAPTERS.items()
    for path in sorted((folder_of(adapter) / "samples").iterdir())
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


def signed_headers(kit: ContractKit, body: bytes, connection: Mapping[str, Any] | None = None) -> dict[str, str]:
    if kit.sign is None:
        return {}
    return {
        name.lower(): value
        for name, value in kit.sign(body, kit.connection if connection is None else connection).items()
    }


def request_of(kit: ContractKit, body: bytes, connection: Mapping[str, Any] | None = None) -> WebhookRequest:
    headers = {"content-type": "application/json", **signed_headers(kit, body, connection)}
    return WebhookRequest("POST", "/hooks/x/", {}, headers, body, RECEIVED_AT)


def parse_body(slug: str, body: bytes) -> ParseResult:
    kit = KITS[slug]
    if kit.sign is None:
        assert kit.read, "an adapter without a webhook brings `read` in its contract kit"
        return kit.read(body)
    return ADAPTERS[slug].parse(request_of(kit, body), kit.connection)


def secrets_of(slug: str) -> list[str]:
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


def context_of(kit: ContractKit, sent: Sent, answer: Any = None) -> Context:
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


def message_of(kit: ContractKit, **fields: Any) -> OutboundMessage:
    return OutboundMessage(**{"ref": "TX0", "recipient": kit.recipient, "text": "Hello", "seq": 1, **fields})
