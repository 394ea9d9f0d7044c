"""Celery's broker inside one process: kombu's memory transport, woken by a condition instead of polling.

The stock transport sleeps between looks (1 s; at 20 ms it still costs 10 ms a hop and 50 wake-ups a second).
Broker URL: ``embedded://`` (named in contactcenter/celery.py).
"""

from __future__ import annotations

import threading
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import memory

_news = threading.Condition()
_puts = 0  # grows with every message, so a put between a look and a wait is not slept over


def _announce() -> None:
    global _puts
    with _news:
        _puts += 1
        _news.notify_all()


class Channel(memory.Channel):
    """Queues are shared by every connection of the process; they outlive a closed channel."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        _announce()

    def _put_fanout(self, exchange: str, message: Any, routing_key: str | None = None, **kwargs: Any) -> None:
        super()._put_fanout(exchange, message, routing_key, **kwargs)
        _announce()


class Transport(memory.Transport):
    Channel = Channel
    driver_type = "memory"
    driver_name = "memory"

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message; wait for it at most ``timeout`` seconds. Raises ``TimeoutError``."""
        # Celery's loop asks for 2 s, and between two waits looks whether it should stop: 0.25 s ends a worker quickly.
        assert self.cycle is not None
        deadline = monotonic() + min(0.25 if timeout is None else timeout, 0.25)
        while True:
            seen = _puts
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                left = deadline - monotonic()
                if left <= 0:
                    raise TimeoutError from None
                with _news:
                    if _puts == seen:
                        _news.wait(left)
