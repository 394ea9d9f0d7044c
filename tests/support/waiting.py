"""The one way tests wait for what happens beside them: ask again and again, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(
    ask: Callable[[], Answer], seconds: float = 20.0, *, every: float = 0.02, why: Callable[[], str] | None = None
) -> Answer:
    """The first true answer. Raises ``AssertionError`` when there is none in time; ``why`` says more about it then."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, _late(seconds, why)
        time.sleep(every)  # between two looks; the deadline is the condition's
    return answer


async def soon(
    ask: Callable[[], Awaitable[Answer]],
    seconds: float = 20.0,
    *,
    every: float = 0.02,
    why: Callable[[], str] | None = None,
) -> Answer:
    """As ``until``, for who must let an event loop go on meanwhile."""
    deadline = time.monotonic() + seconds
    while not (answer := await ask()):
        assert time.monotonic() < deadline, _late(seconds, why)
        await asyncio.sleep(every)  # as above
    return answer


def _late(seconds: float, why: Callable[[], str] | None) -> str:
    return f"it did not come true within {seconds} s" + (f": {why()}" if why else "")
