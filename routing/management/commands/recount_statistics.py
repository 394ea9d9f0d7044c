"""``manage.py recount_statistics``: count the figures again from the events."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from routing.services import fold


class Command(BaseCommand):
    help = "Count the statistics of the last 30 days again from the events; says where the kept figures differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare only; exit 1 where they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            differences = fold.recount(clock.now(), check=options["check"])
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        for line in differences:
            self.stdout.write(line)
        if options["check"]:
            self.stdout.write(f"{len(differences)} figures differ." if differences else "All figures are right.")
            sys.exit(1 if differences else 0)
        self.stdout.write(f"{len(differences)} figures mended." if differences else "All figures were right.")
