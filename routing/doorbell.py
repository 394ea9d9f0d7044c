"""Wake the router: it has news. A hint that may be lost; the router looks by itself every second.

In one process an event is set. Otherwise the bell goes over Redis to every router process at once, the one that leads
and those that stand by; a Celery message would reach only one of them, and two milliseconds later.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator

import structlog
from django.conf import settings
from django.db import transaction

from contactcenter.lib import bell

log = structlog.get_logger(__name__)

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


def ring_on_commit(first_news: uuid.UUID | None = None) -> None:
    """Ring once the current transaction is committed (now, outside of one).

    ``first_news``: the id of the first piece of news left. When an older one is still there, the bell has been rung
    for that one and the router looks again after it: under load one ring serves many changes.
    """
    if not getattr(_thread, "silenced", False):
        transaction.on_commit(lambda: ring(first_news))


def ring(first_news: uuid.UUID | None = None) -> None:
    """Ring now. Never raises: the change is committed and will be found."""
    if _local is not None:
        _local.set()
        return
    if not settings.REDIS_URL:
        return
    from routing import sql

    older = "SELECT 1 FROM routing_change WHERE id < %s LIMIT 1"
    try:
        if first_news is None or not sql.execute(older, [sql.id(first_news)]):
            bell.ring(BELL)
    except Exception as error:
        log.warning("routing.doorbell_unheard", error=type(error).__name__)
