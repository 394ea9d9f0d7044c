"""``manage.py route``: a router process of a scaled site. Start two: one leads, the other takes over within seconds."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run a router: it leads while it holds the lease, else it stands by."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError("route needs REDIS_URL; demo and serve have the router in their one process.")
        from contactcenter.celery import make_app
        from routing import worker

        app = make_app("contactcenter-router")
        app.steps["consumer"].add(worker.ListenWhileLeading)
        stop = threading.Event()
        router = threading.Thread(target=worker.run, args=(stop,), name="router")
        router.start()
        controller = app.WorkController(
            hostname="router@%h",
            pool="solo",
            concurrency=1,
            queues=[worker.QUEUE],
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            task_events=False,
            loglevel=logging.WARNING,
        )
        try:
            controller.start()
        finally:
            stop.set()
            router.join(5)
        raise SystemExit(controller.exitcode or 0)
