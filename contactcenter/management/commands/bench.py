"""``manage.py bench intake|routing|quality [--quick] [--json]``: our figures against floors of the same run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from contactcenter.bench import report
from contactcenter.bench.cluster import ROOT, Cluster

INNER = "CONTACTCENTER_BENCH_INNER"


class Command(BaseCommand):
    help = "Measure this product against floors, on a private PostgreSQL and Redis started for the purpose."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=["intake", "routing", "quality"],
            help="intake: a webhook's way to an agent's screen; routing: the router's speed; quality: its decisions"
            " against queueing theory",
        )
        parser.add_argument("--quick", action="store_true", help="fewer samples and rounds: about a minute")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get(INNER):
            self._measure(options)
            return
        if options["what"] == "quality":  # pure computing
            from contactcenter.bench import quality

            self._report(quality.run(quick=options["quick"], say=self._say), options)
            return
        from contactcenter.bench import servers

        with servers.running(durable=True) as stack, tempfile.TemporaryDirectory() as data:
            environment = Cluster(stack.database_url, stack.redis_url, Path(data)).environment
            ended = subprocess.run(
                [sys.executable, "manage.py", "bench", options["what"], *self._flags(options)],
                cwd=ROOT,
                env={**environment, INNER: "1"},
                check=False,
            )
        if ended.returncode:
            raise CommandError("The benchmark did not come to an end; the lines above say why.")

    def _flags(self, options: dict[str, Any]) -> list[str]:
        return [f"--{name}" for name in ("quick", "json") if options[name]]

    def _measure(self, options: dict[str, Any]) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        from contactcenter.bench import intake, routing

        measure = {"intake": intake.run, "routing": routing.run}[options["what"]]
        where = (settings.DATABASE_URL, settings.REDIS_URL, Path(settings.DATA_DIR))
        figures = measure(*where, quick=options["quick"], say=self._say)
        self._report(figures, options)

    def _say(self, line: str) -> None:
        self.stderr.write(line)

    def _report(self, figures: list[report.Figure], options: dict[str, Any]) -> None:
        self.stdout.write(report.table(figures))
        if options["json"]:
            self.stdout.write(report.as_json_line(figures))
