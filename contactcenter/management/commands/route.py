"""``manage.py route``: the router of a scaled site. Start two: one leads, the other stands by."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the router (it leads while it holds the lease; start a second one to stand by)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "route is part of a scaled site and needs REDIS_URL. In one process (serve) it runs by itself."
            )
        from routing import worker

        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("ready")
        self.stdout.flush()
        worker.run_alone(stop)
