"""What an adapter hands to the shared contract suite (``tests/channels_adapters/test_contract*.py``).

Each adapter package carries ``contract_kit.py`` with one module-level ``kit = ContractKit(...)`` and a folder
``samples/``. The suite's docstring says what goes where.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import httpx

from channels_adapters.contract import ParseResult
from channels_adapters.errors import SendError

#: When every sample "arrives". Samples carry provider times shortly before it.
RECEIVED_AT = dt.datetime(2026, 11, 5, 12, 0, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Failure:
    """One way the provider's answer goes wrong, and what ``send`` must make of it.

    ``answer`` takes our request and returns the provider's response, or raises the ``httpx`` error of a broken line.
    ``retry_after`` (seconds) is compared when the error is a ``TransientSendError`` and it is not None.
    """

    name: str
    answer: Callable[[httpx.Request], httpx.Response]
    error: type[SendError]
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True)
class ContractKit:
    """The facts of one adapter that the suite cannot know.

    connection, channel, channel_address
        Opened settings of a connection and of a line of it, every secret filled with a telling value that occurs
        nowhere else ("kit-page-token"); the suite searches errors, logs and reprs for them.
    sign
        (body, connection) -> the headers by which the provider proves it wrote the body, made with the secrets of
        that connection, also when they are empty. None: the adapter has no webhook (web chat); signature tests then
        only demand that ``verify`` refuses everything.
    read
        For adapters without a webhook: one sample's bytes -> what it means, through the same code the socket uses.
    hostile
        Named bodies too large for a file. Each must be parsed or refused within a second.
    accepted
        The provider's answer to a good request. None: sending needs no HTTP.
    failures
        The error table, one row per answer a provider gives. Empty only where sending cannot fail.
    recipient
        An address ``send`` may write to.
    """

    connection: Mapping[str, Any]
    channel: Mapping[str, Any]
    channel_address: str
    recipient: str
    sign: Callable[[bytes, Mapping[str, Any]], Mapping[str, str]] | None = None
    read: Callable[[bytes], ParseResult] | None = None
    hostile: Callable[[], Iterable[tuple[str, bytes]]] = lambda: ()
    accepted: Callable[[httpx.Request], httpx.Response] | None = None
    failures: Sequence[Failure] = ()


def golden(events: ParseResult) -> list[dict[str, Any]]:
    """What ``parse`` returned, in the form the ``*.expected.json`` files keep: fields at their default left out."""
    return [_golden_value(event) for event in events]


def _golden_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown: dict[str, Any] = {"type": type(value).__name__}
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            default = field.default_factory() if callable(field.default_factory) else field.default
            if field.default is dataclasses.MISSING and not callable(field.default_factory):
                default = dataclasses.MISSING
            if default is dataclasses.MISSING or inner != default:
                shown[field.name] = _golden_value(inner)
        return shown
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, (list, tuple)):
        return [_golden_value(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _golden_value(item) for key, item in value.items()}
    return value


def golden_text(outcome: Any) -> str:
    """The text of an ``*.expected.json`` file."""
    return json.dumps(outcome, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
