"""On whose behalf this thread or coroutine acts: a door says so, the events it causes name it."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

_acting: contextvars.ContextVar[str] = contextvars.ContextVar("routing_actor", default="")


@contextlib.contextmanager
def acting(sid: str) -> Iterator[None]:
    """Within, every routing event is by ``sid`` (a user's, worker's or API key's)."""
    token = _acting.set(sid)
    try:
        yield
    finally:
        _acting.reset(token)


def current() -> str:
    """The sid given, or "" (the router, or nobody said)."""
    return _acting.get()
