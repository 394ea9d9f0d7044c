"""``celery beat`` for scaled mode: several may run, the one holding the lease rings. It keeps no state of its own."""

from __future__ import annotations

import os
import socket
from typing import Any

import structlog
from celery.beat import Scheduler
from django.db import Error, connection

log = structlog.get_logger(__name__)

LEASE = "beat"
TTL = 10.0


class LeasedScheduler(Scheduler):
    """Celery's in-memory scheduler, ringing only while it leads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if not self._leads():
            return 1.0
        return min(float(super().tick(*args, **kwargs)), 1.0)

    def _leads(self) -> bool:
        from routing.services import leases

        try:
            return bool(leases.acquire(LEASE, self.holder, TTL))
        except Error as error:
            log.warning("beat.no_database", error=type(error).__name__)
            connection.close()  # a broken one would be used for ever
            return False
