"""This process's one way of sending hints over Redis: frames for sockets, rings of a bell, messages of jobs.

A hint may be lost, and whoever waits for it looks for itself after a while. So ``send`` never blocks and never raises:
one thread sends whatever is waiting as one pipeline. Callers never wait for Redis, order is kept, and a burst costs
one round trip.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

#: Hints waiting for Redis before further ones are dropped (Redis is away; nobody is lost without them).
BACKLOG = 10_000
#: Hints sent in one round trip.
BATCH = 200


def send(command: str, key: str, payload: bytes) -> None:
    """A Redis command with a key (a channel, a list) and a value, from any thread. Call it after the commit."""
    try:
        _sender().put(command, key, payload)
    except Exception:
        log.exception("hints.failed", key=key)


def name(kind: str, of: str) -> str:
    """The pub/sub channel of a group or bell, with the installation's prefix.

    For kind "group" it is the name channels_redis gives; a test against a real Redis holds us to it.
    """
    return f"{settings.CHANNEL_LAYERS['default']['CONFIG'].get('prefix', 'asgi')}__{kind}__{of}"


def url() -> str:
    """Where hints go."""
    found: str = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]
    return found


class Sender:
    """One daemon thread with one Redis connection."""

    def __init__(self) -> None:
        import redis  # half a second of imports that one process alone does without

        self.pid = os.getpid()
        self._redis = redis.Redis.from_url(url(), socket_timeout=5, socket_connect_timeout=2)
        self._waiting: queue.Queue[tuple[str, str, bytes]] = queue.Queue(BACKLOG)
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()

    def put(self, command: str, key: str, payload: bytes) -> None:
        try:
            self._waiting.put_nowait((command, key, payload))
        except queue.Full:
            log.warning("hints.dropped", key=key)

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            try:
                self._send(batch)
            except Exception as error:  # Redis is away: these are lost, as hints may be
                log.warning("hints.unsent", count=len(batch), error=type(error).__name__)
            finally:
                for _ in batch:
                    self._waiting.task_done()

    def _send(self, batch: list[tuple[str, str, bytes]]) -> None:
        if len(batch) == 1:
            self._redis.execute_command(*batch[0])  # type: ignore[no-untyped-call]  # redis-py
            return
        pipeline = self._redis.pipeline(transaction=False)
        for command in batch:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
        pipeline.execute()

    def flush(self, timeout: float) -> None:
        """Wait until everything put so far is sent, at most ``timeout`` seconds."""
        waiter = threading.Thread(target=self._waiting.join, daemon=True)
        waiter.start()
        waiter.join(timeout)


_current: Sender | None = None
_starting = threading.Lock()


def _sender() -> Sender:
    """This process's sender; made anew after a fork (threads and connections do not survive one)."""
    global _current
    if _current is None or _current.pid != os.getpid():
        with _starting:
            if _current is None or _current.pid != os.getpid():
                _current = Sender()
    return _current


def _new_lock_after_fork() -> None:
    global _starting
    _starting = threading.Lock()


def flush(timeout: float = 1.0) -> None:
    """Wait for this process's hints to leave it. For the end of a process and for tests."""
    if _current is not None and _current.pid == os.getpid():
        _current.flush(timeout)


os.register_at_fork(after_in_child=_new_lock_after_fork)
atexit.register(flush)
