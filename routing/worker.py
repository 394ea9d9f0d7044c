"""The router as a process: one thread that leads while it holds the lease, and wakes when rung or by itself.

``run(stop)`` is that thread in embedded mode; ``manage.py route`` does the same as ``run_alone``, with an ear for the
bell. It needs no broker: with Redis away it still looks every second.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time

import structlog
from django.db import Error, connection

from contactcenter.lib import bell, clock
from routing import doorbell
from routing.services import dispatch

log = structlog.get_logger(__name__)

#: Seconds after which the router looks without being rung.
LOOK = 1.0
#: Seconds between two tries of a router that stands by: what an outage lasts longer than the lease.
STAND_BY = 0.1
#: Seconds a database error is left alone before the next try.
PAUSE = 0.5
#: How often a waiting router looks whether it should stop.
_SLICE = 0.2


class Loop:
    """The router's thread. ``leads`` may be read from other threads."""

    def __init__(self, stop: threading.Event, *, ttl: float = dispatch.LEASE_TTL) -> None:
        self._stop = stop
        self._bell = threading.Event()
        self._router = dispatch.Router(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[:120], ttl=ttl)

    @property
    def leads(self) -> bool:
        return self._router.leads

    def ring(self) -> None:
        """There is news."""
        self._bell.set()

    def run(self) -> None:
        """Lead or stand by until told to stop; then give the lease back."""
        doorbell.attach(self._bell)
        try:
            while not self._stop.is_set():
                is_well = self._turn()
                self._wait(PAUSE if not is_well else LOOK if self._router.leads else STAND_BY)
            self._router.retire()
        except Error as error:
            log.warning("router.cannot_retire", error=type(error).__name__)
        finally:
            doorbell.attach(None)
            connection.close()

    def _turn(self) -> bool:
        """Once around. False after an error."""
        rung = self._bell.is_set()
        self._bell.clear()
        try:
            if self._router.leads or self._router.lead(clock.now()):
                self._router.tick(clock.now(), rung=rung)
            return True
        except dispatch.LeaseLost:
            log.warning("router.lease_lost", holder=self._router.holder)
        except Exception:
            # It has forgotten everything; the next turn takes the lease again and reads the rows.
            log.exception("router.failed", holder=self._router.holder)
            connection.close()
        return False

    def _wait(self, seconds: float) -> None:
        due = self._router.next_due()
        if due is not None:
            seconds = min(seconds, max(0.0, due - clock.now().timestamp()))
        until = time.monotonic() + seconds
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._bell.wait(min(left, _SLICE)):
                return


def run(stop: threading.Event) -> None:
    """Be this process's router until ``stop`` is set. Blocks; embedded, run it in a thread of its own."""
    Loop(stop).run()


def run_alone(stop: threading.Event) -> None:
    """As ``run``, for a process of its own: rung over Redis."""
    loop = Loop(stop)
    ear = threading.Thread(target=bell.listen, args=(doorbell.BELL, loop.ring, stop), name="doorbell", daemon=True)
    ear.start()
    loop.run()
