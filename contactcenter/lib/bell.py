"""A bell that wakes somebody in another process, over Redis pub/sub. A hint: whoever listens looks by itself, too."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from contactcenter.lib import hints

log = structlog.get_logger(__name__)


def ring(bell: str) -> None:
    """Wake whoever listens to this bell, in any process. Never waits and never raises."""
    hints.send(("PUBLISH", hints.name("bell", bell), b""))


def listen(bell: str, heard: Callable[[], None], stop: threading.Event) -> None:
    """Call ``heard`` for every ring, and after each (re)connection, for a ring may have been missed. Blocks until
    ``stop`` is set (it takes up to a second to notice); with Redis away it tries again every second."""
    import redis  # half a second of imports that one process alone does without

    client = redis.Redis.from_url(hints.url(), socket_connect_timeout=2, health_check_interval=10)
    while not stop.is_set():
        try:
            with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]  # redis-py
                subscription.subscribe(hints.name("bell", bell))
                heard()
                while not stop.is_set():
                    if subscription.get_message(timeout=1.0) is not None:
                        heard()
        except (redis.RedisError, OSError) as error:
            log.warning("bell.deaf", bell=bell, error=type(error).__name__)
            stop.wait(1.0)
