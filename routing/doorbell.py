"""Wake the router: it has news. A hint that may be lost; the router looks by itself every second.

In one process an event is set. Otherwise the bell goes over Redis to every router process at once, the one that leads
and those that stand by; a Celery message would reach only one of them, and two milliseconds later.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction

from contactcenter.lib import bell

#: The bell's name.
BELL = "router"
#: Set by the router that runs in this process (embedded mode): nothing in between.
_local: threading.Event | None = None
_thread = threading.local()


def attach(event: threading.Event | None) -> None:
    """From now on ringing sets this event (``None``: it goes over Redis again)."""
    global _local
    _local = event


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """In this thread nobody rings: it is the router's own, which looks again anyway."""
    _thread.silenced = True
    try:
        yield
    finally:
        _thread.silenced = False


def ring_on_commit() -> None:
    """Ring once the current transaction is committed (now, outside of one)."""
    if not getattr(_thread, "silenced", False):
        transaction.on_commit(ring)


def ring() -> None:
    """Ring now. Never raises: the change is committed and will be found."""
    if _local is not None:
        _local.set()
    elif settings.REDIS_URL:
        bell.ring(BELL)
