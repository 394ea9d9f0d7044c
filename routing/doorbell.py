"""Wake the router: it has news. A hint that may be lost; the router looks by itself every second."""

from __future__ import annotations

import threading

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)

#: Set by the router that runs in this process (embedded mode): no broker in between.
_local: threading.Event | None = None


def attach(event: threading.Event | None) -> None:
    """From now on ringing sets this event (``None``: goes through Celery again)."""
    global _local
    _local = event


def ring_on_commit() -> None:
    """Ring once the current transaction is committed (now, outside of one)."""
    transaction.on_commit(ring)


def ring() -> None:
    """Ring now. Never raises: the change is committed and will be found."""
    if _local is not None:
        _local.set()
        return
    from routing import jobs

    try:
        jobs.ring.delay()
    except Exception as error:
        log.warning("routing.doorbell_unheard", error=type(error).__name__)
