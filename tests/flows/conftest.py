from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from channels_adapters import registry
from tests.factories import adapters
from tests.factories.adapters import EchoAdapter, Provider


class LiveAdapter(EchoAdapter):
    """Shows the place in the queue live, as web chat does."""

    slug = "live"
    capabilities = dataclasses.replace(EchoAdapter.capabilities, live_queue=True)


@pytest.fixture(autouse=True)
def provider() -> Iterator[Provider]:
    """The scripted provider behind the test adapters ("echo", "window", "live" ...)."""
    with adapters.installed() as installed:
        registry.all_adapters()["live"] = LiveAdapter()
        yield installed
        registry.all_adapters().pop("live")
