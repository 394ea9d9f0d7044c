"""One process: web and sockets, Celery workers, router, timers, listeners. For ``manage.py demo`` and small sites.

Queues are split over pools so that a slow send never delays intake: with one pool, twelve slow sends held incoming
messages up for five seconds. Each pool has a Celery app of its own, because workers of one app share its queues.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from celery.worker import state

from contactcenter import timers
from contactcenter.celery import app as default_app
from contactcenter.celery import make_app

log = structlog.get_logger(__name__)

#: pool name -> (queues, threads)
POOLS: dict[str, tuple[list[str], int]] = {
    "inbound": (["inbound"], 4),
    "outbound": (["outbound", "media", "low"], 8),
}
#: Longest wait for workers to end. What is cut off is found by a sweep at the next start, as after kill -9.
GRACE = 1.5


class Pool:
    """One Celery worker with a thread pool, in a thread."""

    def __init__(self, name: str, queues: list[str], threads: int) -> None:
        self.ready = threading.Event()
        app = make_app(f"contactcenter-{name}")
        app.finalize()
        self._controller = app.WorkController(
            hostname=f"{name}@embedded",
            pool="threads",
            concurrency=threads,
            queues=queues,
            ready_callback=lambda consumer: self.ready.set(),
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            task_events=False,
            loglevel=logging.WARNING,
        )
        self._thread = threading.Thread(target=self._controller.start, name=f"pool-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> bool:
        self._thread.join(max(timeout, 0))
        return not self._thread.is_alive()


class Router:
    """The router's thread."""

    def __init__(self) -> None:
        from routing import worker

        self._stop = threading.Event()
        self._thread = threading.Thread(target=worker.run, args=(self._stop,), name="router", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout: float) -> bool:
        self._thread.join(max(timeout, 0))
        return not self._thread.is_alive()


class Backstage:
    """Everything but the web server."""

    def __init__(self) -> None:
        default_app.finalize()
        self._pools = [Pool(name, queues, threads) for name, (queues, threads) in POOLS.items()]
        self._router = Router()
        self._timers = timers.Timers(default_app, timers.schedule())

    def start(self) -> None:
        """Start all, and wait until the workers listen: what is queued from now on is heard."""
        for pool in self._pools:
            pool.start()
        self._router.start()
        for pool in self._pools:
            if not pool.ready.wait(15):
                raise RuntimeError("A worker pool did not start within 15 s.")
        self._timers.start()

    def stop(self) -> bool:
        """End all within ``GRACE`` seconds. False when something still runs then."""
        until = time.monotonic() + GRACE
        self._router.stop()
        state.should_stop = 0  # every worker of this process looks at it
        self._timers.stop()
        ended = [pool.join(until - time.monotonic()) for pool in self._pools]
        return self._router.join(until - time.monotonic()) and all(ended)


@contextlib.contextmanager
def only_one(folder: Path) -> Any:
    """Hold the data folder: a second process on it would be a second router. Raises ``BlockingIOError``."""
    with (folder / "lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def run(listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Run until SIGINT or SIGTERM, then end the process with exit code 0. ``on_ready`` is called once it serves."""
    from contactcenter.server import Server  # first: Twisted wants its reactor chosen before anything else uses it

    os.environ["CELERY_SKIP_CHECKS"] = "1"  # each pool would run Django's checks again
    server = Server(listening, on_ready)
    backstage = Backstage()
    backstage.start()
    try:
        server.run()
    finally:
        failed = sys.exc_info()[0] is not None
        if not backstage.stop():
            log.warning("embedded.cut_off")
        _leave(1 if failed else 0)


def _leave(code: int) -> None:
    """End without waiting for threads that are busy with a slow network: rows say what is left to do."""
    from contactcenter.lib import hints

    hints.flush()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
