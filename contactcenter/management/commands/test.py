"""``manage.py test``: all the tests, with all they need."""

from __future__ import annotations

import argparse
import os
import sys
import time

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from contactcenter.management import stages, tools
from contactcenter.management.stages import Stage

#: Tests that touch neither database nor socket: running them on PostgreSQL as well would only take time.
PURE = [
    "tests/architecture",
    "tests/routing/engine",
    "tests/flows/widgets",
    "tests/contactcenter/lib/test_bootstrap.py",
    "tests/contactcenter/test_translations.py",
]


def _pytest(name: str, *arguments: str, selected: list[str], env: dict[str, str] | None = None) -> Stage:
    command = [sys.executable, "-m", "pytest", "-q", *arguments, *selected]
    return Stage(name, command, stages.pytest_counts, env=env or {}, may_be_empty=bool(selected))


def all_stages(selected: list[str]) -> dict[str, Stage]:
    """Every stage by its short name; ``selected`` are arguments for pytest (paths, -k ...)."""
    workers = ["-n", str(min(os.cpu_count() or 1, 8)), "--dist", "worksteal"]
    pure = [f"--ignore={path}" for path in PURE]
    return {
        "embedded": _pytest(
            "Python tests on SQLite and memory",
            *workers,
            *("-m", "not journey and not faults and not postgres and not redis"),
            selected=selected,
        ),
        "stack": _pytest(
            "Python tests on PostgreSQL and Redis",
            *("--stack", "--migrations", *workers, *([] if selected else pure), "-m", "not journey and not faults"),
            selected=selected,
        ),
        "vitest": Stage(
            "Front-end tests",
            stages.node(
                "node_modules/vitest/vitest.mjs",
                *("run", "--reporter=default", "--reporter=json", "--outputFile.json={report}"),
            ),
            stages.vitest_counts,
            env={"NO_COLOR": "1"},
        ),
        "svelte-check": Stage(
            "Front-end types",
            stages.node(
                "node_modules/svelte-check/bin/svelte-check", "--tsconfig", "tsconfig.json", "--fail-on-warnings"
            ),
        ),
        "journeys": _pytest(
            "Journeys in a browser, and faults",
            *("-n", "2", "--dist", "loadfile", "--timeout", "300", "-m", "journey or faults"),
            selected=selected,
        ),
    }


class Command(BaseCommand):
    help = (
        "Run all tests: Python on SQLite and on a private PostgreSQL and Redis, the front end, and journeys in a real "
        "browser. Further arguments go to pytest; with any of them only its stages run."
    )
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        parser = argparse.ArgumentParser(prog="manage.py test", description=self.help, allow_abbrev=False)
        parser.add_argument(
            "--only", help="stages to run, separated by commas: embedded,stack,vitest,svelte-check,journeys"
        )
        options, selected = parser.parse_known_args(argv[2:])
        try:
            sys.exit(self.run_all(options.only, selected))
        except CommandError as error:
            sys.exit(f"{error}")

    def run_all(self, only: str | None, selected: list[str]) -> int:
        started = time.monotonic()
        stages_by_name = all_stages(selected)
        names = only.split(",") if only else ["embedded", "stack", "journeys"] if selected else list(stages_by_name)
        if unknown := set(names) - set(stages_by_name):
            raise CommandError(f"There is no stage {', '.join(sorted(unknown))}. Stages: {', '.join(stages_by_name)}")
        if {"stack", "journeys"} & set(names):
            tools.ensure(self.say)
        in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
        outcomes = stages.run([stages_by_name[name] for name in names], self.say, skips_fail=in_ci)

        totals: dict[str, int] = {"passed": 0, "failed": 0}
        for outcome in outcomes:
            for word, number in outcome.counts.items():
                totals[word] = totals.get(word, 0) + number
        totals["failed"] += totals.pop("errors", 0)
        broken = sum(not outcome.ok and not outcome.counts.get("failed") for outcome in outcomes)
        self.say("\n=== Summary ".ljust(100, "="))
        self.say(stages.table(outcomes))
        extra = "".join(f", {totals[word]} {word}" for word in ("skipped", "xfailed") if totals.get(word))
        if broken:
            extra += f", {broken} stage{'s' if broken > 1 else ''} failed as a whole"
        self.say(f"\n{totals['passed']} passed, {totals['failed']} failed{extra} in {time.monotonic() - started:.1f}s")
        return 0 if all(outcome.ok for outcome in outcomes) else 1

    def say(self, text: str) -> None:
        print(text, flush=True)
