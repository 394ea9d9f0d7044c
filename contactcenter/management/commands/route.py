"""``manage.py route``: the router of a scaled site. Start two: one leads, the other stands by."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand

#: Longest wait for the broker's connection to end after the router has given its lease back.
GRACE = 3.0


class Command(BaseCommand):
    help = "Run the router (it leads while it holds the lease; start a second one to stand by)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "route is part of a scaled site and needs REDIS_URL. In one process (serve) it runs by itself."
            )
        from celery.worker import state

        from contactcenter.celery import make_app
        from routing import worker

        app = make_app("contactcenter-router")
        app.steps["consumer"].add(worker.ListenWhileLeading)
        app.finalize()
        stop = threading.Event()
        # Its own thread: with the broker away, routing goes on at a look every second.
        router = threading.Thread(target=worker.run, args=(stop,), name="router")
        doorbell = app.WorkController(
            hostname=f"router-{os.getpid()}@{os.uname().nodename}",
            pool="solo",
            queues=[worker.QUEUE],
            ready_callback=lambda consumer: None,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            task_events=False,
            loglevel=logging.WARNING,
        )

        def end(number: int, frame: Any) -> None:
            stop.set()
            state.should_stop = 0
            threading.Thread(target=_leave_when_done, args=(router,), daemon=True).start()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        router.start()
        self.stdout.write("ready")
        self.stdout.flush()
        doorbell.start()
        stop.set()
        router.join()


def _leave_when_done(router: threading.Thread) -> None:
    """The lease is given back; do not wait longer for a broker that is away."""
    router.join()
    threading.Event().wait(GRACE)
    os._exit(0)
