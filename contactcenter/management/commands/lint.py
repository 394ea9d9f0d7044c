"""``manage.py lint``: form, style, types, layers, migrations and the front end's types."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from contactcenter.management import stages
from contactcenter.management.stages import Stage

BIN = Path(sys.executable).parent


def all_stages() -> dict[str, Stage]:
    return {
        "format": Stage("Form", [str(BIN / "ruff"), "format", "--check", "."]),
        "style": Stage("Style", [str(BIN / "ruff"), "check", "."]),
        "types": Stage("Types", [str(BIN / "mypy")]),
        "imports": Stage("Layers", [str(BIN / "lint-imports")]),
        "migrations": Stage("Migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
        "front-end": Stage(
            "Front end",
            stages.node(
                "node_modules/svelte-check/bin/svelte-check", "--tsconfig", "tsconfig.json", "--fail-on-warnings"
            ),
        ),
    }


class Command(BaseCommand):
    help = "Check form, style, types, layers, migrations and the front end. With --fix, mend what can be mended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="first let ruff format and fix what it can")
        parser.add_argument("--only", default="", help="checks to run, separated by commas")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = all_stages()
        if options["only"]:
            chosen = {name: chosen[name] for name in options["only"].split(",")}
        if options["fix"]:
            ruff = str(BIN / "ruff")
            mend = [Stage("Fix", [ruff, "check", "--fix", "-q", "."]), Stage("Fix", [ruff, "format", "-q", "."])]
            stages.run(mend, self.say)
        outcomes = stages.run(list(chosen.values()), self.say)
        self.say("\n=== Summary ".ljust(100, "="))
        self.say(stages.table(outcomes))
        sys.exit(0 if all(outcome.ok for outcome in outcomes) else 1)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
