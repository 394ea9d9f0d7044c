"""Celery's Redis transport without its book of unacknowledged messages.

Our messages are hints: losing one costs the two seconds until a sweep finds the work. kombu keeps a copy of each
message in Redis until it is acknowledged, two round trips a message for a promise we do not need. Worse, when Redis
is restarted between a message and its acknowledgement, the failed acknowledgement never gives back its place in the
prefetch window: after as many of them as the worker prefetches, it is connected and deaf for ever.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis, virtual


class LocalQoS(virtual.QoS):
    """Counts what is under way in this process's memory, nowhere else; acknowledging cannot fail."""

    restore_at_shutdown = False

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Nothing was put aside, so nothing has to be looked for."""


class Channel(redis.Channel):
    QoS = LocalQoS


class Transport(redis.Transport):
    Channel = Channel
