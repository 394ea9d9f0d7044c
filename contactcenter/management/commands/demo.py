"""``manage.py demo``: a contact center with people, channels and conversations in it, to try out."""

from __future__ import annotations

import argparse
import io
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from django.core.management.base import BaseCommand

from contactcenter.management import site


class Command(BaseCommand):
    help = "Run a contact center filled with demo data, in one process. Ctrl-C ends it; the data stays."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        site.add_arguments(parser, port=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.REDIS_URL:
            raise CommandError("demo runs in one process. Unset REDIS_URL (and DATABASE_URL) and start it again.")
        listening = site.listen(options["host"], options["port"])
        # The channel simulator is part of this very process, on a loopback address.
        settings.SIMULATORS = True
        settings.EGRESS_ALLOW_PRIVATE = [*settings.EGRESS_ALLOW_PRIVATE, site.url_of(listening).removeprefix("http://")]
        site.run(self, listening, self._prepare)

    def _prepare(self, url: str) -> list[str]:
        told = ""
        if "seed_demo" in get_commands():
            told = str(call_command("seed_demo", stdout=io.StringIO()) or "")
        return [
            "",
            f"  Shop with the chat widget   {url}/shop/",
            f"  Channel simulator           {url}/simulator/",
            f"  Agent console               {url}/console/",
            f"  Admin                       {url}/admin/",
            "",
            *("  " + line for line in told.splitlines()),
            "",
            f"  The data is in {settings.DATA_DIR}. Ctrl-C ends this.",
            "",
        ]
