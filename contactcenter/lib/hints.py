"""This process's one way of sending hints over Redis: frames for sockets, rings of a bell, messages of jobs.

A hint may be lost, and whoever waits for it looks for itself after a while. So ``send`` never blocks and never raises:
one thread sends whatever is waiting as one pipeline. Callers never wait for Redis, order is kept, and a burst costs
one round trip.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Sequence

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

#: Hints waiting for Redis before further ones are dropped (Redis is away; nobody is lost without them).
BACKLOG = 10_000
#: Hints sent in one round trip.
BATCH = 200


#: A Redis command with a key (a channel, a list) and a value.
Hint = tuple[str, str, bytes]


def send(*hints: Hint) -> None:
    """Send these, in this order, from any thread. Call it after the commit."""
    try:
        _sender().put(hints)
    except Exception:
        log.exception("hints.failed", count=len(hints))


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
        self._waiting: deque[Hint] = deque()
        self._changed = threading.Condition()
        self._is_sending = False
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()

    def put(self, hints: Sequence[Hint]) -> None:
        with self._changed:
            room = BACKLOG - len(self._waiting)
            self._waiting.extend(hints[:room])
            self._changed.notify_all()
        if len(hints) > room:
            log.warning("hints.dropped", count=len(hints) - room)

    @property
    def backlog(self) -> int:
        """Hints that wait for Redis."""
        return len(self._waiting)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._is_sending = True
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                self._send(batch)
            except Exception as error:  # Redis is away: these are lost, as hints may be
                log.warning("hints.unsent", count=len(batch), error=type(error).__name__)

    def _send(self, batch: list[Hint]) -> None:
        """One round trip, on the connection itself: redis-py's pipeline costs more than the sending."""
        pool = self._redis.connection_pool
        connection = pool.get_connection()
        try:
            packed = connection.pack_commands(batch)  # type: ignore[no-untyped-call]  # redis-py
            connection.send_packed_command(packed)  # type: ignore[no-untyped-call]  # redis-py
            for _ in batch:
                connection.read_response()
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]  # redis-py
            raise
        finally:
            pool.release(connection)

    def flush(self, timeout: float) -> None:
        """Wait until everything put so far is sent, at most ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._is_sending), timeout)


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
