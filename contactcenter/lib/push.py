"""The only code that sends to a socket group, rings a bell in another process, or puts a job's hint into its queue.

A push is a hint: it may be lost, and every reader can ask again for what it missed. So ``send`` never blocks and
never raises. Call it after the commit (``transaction.on_commit``), or readers look before there is something to see.

In one process the frame goes straight into the members' mailboxes (2 us). Over Redis it goes to one sender thread
per process, which publishes whatever is waiting as one pipeline: callers never wait for Redis, order is kept, and a
burst costs one round trip. (``async_to_sync(group_send)`` makes a new event loop each time: 4 ms.)
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from contactcenter.lib.memory_layer import MemoryChannelLayer

log = structlog.get_logger(__name__)

Frame = dict[str, Any]

#: Frames waiting for Redis before further ones are dropped (Redis is away; readers will ask again).
BACKLOG = 10_000
#: Frames published in one round trip.
BATCH = 200


def send(group: str, frame: Frame) -> None:
    """Push a JSON-like ``frame`` to every socket in ``group`` (names from ``lib.groups``), from any thread.

    Consumers get ``{"type": "push", "frame": frame}``, that is, their ``async def push(self, message)`` runs.
    """
    try:
        layer = get_channel_layer()
        message = {"type": "push", "frame": frame}
        if isinstance(layer, MemoryChannelLayer):
            layer.group_send_nowait(group, message)
        else:
            _publisher().put(group, layer.serialize(message))
    except Exception:
        log.exception("push.failed", group=group)


def ring(bell: str) -> None:
    """Wake whoever waits in ``listen`` for this bell, in any process. A hint as ``send`` is: it never raises."""
    try:
        _publisher().put_raw("PUBLISH", _bell(bell), b"")
    except Exception:
        log.exception("push.failed", bell=bell)


def enqueue(queue: str, message: bytes) -> None:
    """Put a job's message into a queue of the broker, from any thread. A hint as ``send`` is: it never raises."""
    try:
        _publisher().put_raw("LPUSH", queue, message)
    except Exception:
        log.exception("push.failed", queue=queue)


def listen(bell: str, heard: Callable[[], None], stop: threading.Event) -> None:
    """Call ``heard`` for every ring, and after each (re)connection, for a ring may have been missed. Blocks until
    ``stop`` is set (it takes up to a second to notice); with Redis away it tries again every second."""
    import redis

    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    client = redis.Redis.from_url(config["hosts"][0], socket_connect_timeout=2, health_check_interval=10)
    while not stop.is_set():
        try:
            with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]  # redis-py
                subscription.subscribe(_bell(bell))
                heard()
                while not stop.is_set():
                    if subscription.get_message(timeout=1.0) is not None:
                        heard()
        except (redis.RedisError, OSError) as error:
            log.warning("push.deaf", bell=bell, error=type(error).__name__)
            stop.wait(1.0)


def _bell(name: str) -> str:
    return f"{settings.CHANNEL_LAYERS['default']['CONFIG'].get('prefix', 'asgi')}__bell__{name}"


class _Publisher:
    """One daemon thread with one Redis connection."""

    def __init__(self) -> None:
        import redis  # half a second of imports that one process alone does without

        config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
        self.pid = os.getpid()
        self._prefix = config.get("prefix", "asgi")
        self._redis = redis.Redis.from_url(config["hosts"][0], socket_timeout=5, socket_connect_timeout=2)
        self._waiting: queue.Queue[tuple[str, str, bytes]] = queue.Queue(BACKLOG)
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)
        self._thread.start()

    def put(self, group: str, payload: bytes) -> None:
        # The name channels_redis gives a group's pub/sub channel; a test against a real Redis holds us to it.
        self.put_raw("PUBLISH", f"{self._prefix}__group__{group}", payload)

    def put_raw(self, command: str, key: str, payload: bytes) -> None:
        """A Redis command with a key (a channel, a list) and a value."""
        try:
            self._waiting.put_nowait((command, key, payload))
        except queue.Full:
            log.warning("push.dropped", key=key)

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            try:
                self._publish(batch)
            except Exception as error:  # Redis is away: these are lost, as hints may be
                log.warning("push.unpublished", frames=len(batch), error=type(error).__name__)
            finally:
                for _ in batch:
                    self._waiting.task_done()

    def _publish(self, batch: list[tuple[str, str, bytes]]) -> None:
        if len(batch) == 1:
            self._redis.execute_command(*batch[0])  # type: ignore[no-untyped-call]  # redis-py
            return
        pipeline = self._redis.pipeline(transaction=False)
        for command in batch:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
        pipeline.execute()

    def flush(self, timeout: float) -> None:
        """Wait until everything put so far is published, at most ``timeout`` seconds."""
        waiter = threading.Thread(target=self._waiting.join, daemon=True)
        waiter.start()
        waiter.join(timeout)


_current: _Publisher | None = None
_starting = threading.Lock()


def _publisher() -> _Publisher:
    """This process's sender; made anew after a fork (threads and connections do not survive one)."""
    global _current
    if _current is None or _current.pid != os.getpid():
        with _starting:
            if _current is None or _current.pid != os.getpid():
                _current = _Publisher()
    return _current


def _new_lock_after_fork() -> None:
    global _starting
    _starting = threading.Lock()


def flush(timeout: float = 1.0) -> None:
    """Wait for this process's pushes to leave it. For the end of a process and for tests."""
    if _current is not None and _current.pid == os.getpid():
        _current.flush(timeout)


os.register_at_fork(after_in_child=_new_lock_after_fork)
atexit.register(flush)
