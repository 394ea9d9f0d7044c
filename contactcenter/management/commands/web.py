"""``manage.py web``: the web and socket process of a scaled site (PostgreSQL and Redis). Start as many as needed."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand

from contactcenter.management import site


class Command(BaseCommand):
    help = "Run one web and socket process of a scaled site."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        site.add_arguments(parser, port=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError("web needs REDIS_URL (workers are other processes). For one process use serve.")
        from contactcenter.server import Server

        listening = site.listen(options["host"], options["port"])
        url = site.url_of(listening)  # now: the server takes the socket over

        def ready() -> None:
            self.stdout.write(f"ready {url}")
            self.stdout.flush()

        Server(listening, ready).run()
