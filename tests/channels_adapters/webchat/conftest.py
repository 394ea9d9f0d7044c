from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache

from channels_adapters.webchat.session import Session
from conversations.models import Channel
from tests.factories import webchat as make


@pytest.fixture(autouse=True)
def _nobody_has_asked_for_anything_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
async def one_thread() -> AsyncIterator[None]:
    """Database work of sockets runs in the loop's threads; SQLite in memory wants it one at a time."""
    with ThreadPoolExecutor(1) as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        yield
        from django.db import connections

        await asyncio.get_running_loop().run_in_executor(executor, connections.close_all)


@pytest.fixture
def shop() -> Channel:
    return make.channel("shop")


@pytest.fixture
def visitor(shop: Channel) -> Session:
    return make.enter()[0]
