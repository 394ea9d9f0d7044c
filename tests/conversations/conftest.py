from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from conversations import events
from tests.conversations.scene import Scene
from tests.factories import adapters
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue


@pytest.fixture(autouse=True)
def provider() -> Iterator[Provider]:
    """The scripted provider behind the test adapters ("echo", "window", "idempotent")."""
    with adapters.installed() as installed:
        yield installed


@pytest.fixture(autouse=True)
def _nobody_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about conversations alone: flows, routing and agents do not hear of them."""
    for signal in (events.message_received, events.conversation_closed, events.typing, events.receipt_recorded):
        monkeypatch.setattr(signal, "receivers", [])


@pytest.fixture
def scene(provider: Provider, now: dt.datetime, drain: JobQueue) -> Scene:
    return Scene(provider, now)
