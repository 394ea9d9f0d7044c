"""A channel adapter for tests: a real ``ChannelAdapter`` on a scripted provider.

Its wire is JSON: ``{"events": [{"event": "message", ...}, ...]}`` in the vocabulary of ``conversations.wire``, with
``x-signature: <secret>`` as its signature. What its provider does is scripted in ``provider``, per line:

    provider.answers["line-1"] = [TransientSendError("busy"), SendReceipt("p-1")]   # then receipts made up
    provider.sent                                                                   # every request that came in
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from channels_adapters import registry
from channels_adapters.contract import (
    Capabilities,
    ChannelAdapter,
    Context,
    Health,
    Malformed,
    Notice,
    OutboundMessage,
    ParseResult,
    Profile,
    SendReceipt,
    Setting,
    WebhookRequest,
)
from channels_adapters.errors import SendError
from contactcenter.lib.errors import InvalidSignature, UnparsablePayload

Answer = SendReceipt | SendError | Callable[[OutboundMessage], SendReceipt]

SECRET = "let-me-in"


class Provider:
    """The other side of the test adapter: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.notices: list[Notice] = []
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.health = Health(ok=True)
        self.profile: Profile | None = None
        self._count = 0

    def take(self, address: str, message: OutboundMessage) -> SendReceipt:
        with self._lock:
            self.sent.append(message)
            self._count += 1
            number = self._count
            answer = self.answers[address].pop(0) if self.answers[address] else SendReceipt(f"p-{number}")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, SendReceipt) else answer(message)

    def texts(self) -> list[str]:
        return [message.text for message in self.sent]


provider = Provider()


class EchoAdapter(ChannelAdapter):
    slug = "echo"
    label = "Echo"
    capabilities = Capabilities(
        max_text=500,
        media={"image/*": 1_000_000, "application/pdf": 2_000_000, "*/*": 3_000_000},
        receipts=frozenset({"sent", "delivered", "read"}),
        typing_in=True,
        typing_out=True,
        read_out=True,
        quick_replies=3,
        reply_to=True,
    )
    connection_settings = (Setting("secret", "Secret", secret=True),)
    max_body: ClassVar[int] = 100_000

    def verify(self, request: WebhookRequest, connection: Mapping[str, Any]) -> None:
        secret = connection.get("secret", "")
        if not secret or request.headers.get("x-signature") != secret:
            raise InvalidSignature("The signature is wrong.")

    def parse(self, request: WebhookRequest, connection: Mapping[str, Any]) -> ParseResult:
        from conversations import wire

        try:
            items = json.loads(request.body)["events"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnparsablePayload("This is not what the provider sends.") from error
        found: ParseResult = []
        for number, item in enumerate(items):
            try:
                found.append(wire.from_json(item["event"], item))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                found.append(Malformed(f"{item.get('key', number)}", item.get("channel_address", ""), str(error), item))
        return found

    def send(self, message: OutboundMessage, context: Context) -> SendReceipt:
        return provider.take(context.channel_address, message)

    def notify(self, notice: Notice, context: Context) -> None:
        provider.notices.append(notice)

    def probe(self, context: Context) -> Health:
        return provider.health

    def fetch_profile(self, address: str, context: Context) -> Profile | None:
        return provider.profile


class WindowAdapter(EchoAdapter):
    """24 hours to answer, people have 7 days; text only."""

    slug = "window"
    capabilities = Capabilities(
        max_text=100, reply_window=dt.timedelta(hours=24), human_window=dt.timedelta(days=7), media={"image/*": 1000}
    )


class IdempotentAdapter(EchoAdapter):
    """The provider removes duplicates by our reference."""

    slug = "idempotent"
    capabilities = dataclasses.replace(EchoAdapter.capabilities, idempotent_send=True)


ALL = (EchoAdapter, WindowAdapter, IdempotentAdapter)


def install() -> None:
    """Into this process's registry, for processes a test starts. (Installed apps are a process-wide matter; the
    contract suite runs over whatever the registry holds when tests are collected, so these come later.)"""
    for cls in ALL:
        registry.all_adapters()[cls.slug] = cls()


@contextlib.contextmanager
def installed() -> Iterator[Provider]:
    """The test adapters, in the registry while the block runs."""
    install()
    provider.reset()
    try:
        yield provider
    finally:
        for cls in ALL:
            registry.all_adapters().pop(cls.slug, None)
