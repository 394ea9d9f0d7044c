"""Running things one after the other, and telling at the end how each of them went."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from contactcenter.lib import bootstrap


@dataclasses.dataclass
class Stage:
    """One program to run. ``counts`` reads how many tests passed from the file its output went to, when it has one."""

    name: str
    command: list[str]
    counts: Callable[[Path], dict[str, int]] | None = None
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    #: What a pytest that found nothing to run ends with; fine where only some tests were asked for.
    may_be_empty: bool = False


@dataclasses.dataclass
class Outcome:
    stage: Stage
    ok: bool
    seconds: float
    counts: dict[str, int]


def node(*script_and_arguments: str) -> list[str]:
    """A command line for a program of node_modules."""
    executable, _folder = bootstrap.node()
    return [executable, *script_and_arguments]


def run(stages: list[Stage], say: Callable[[str], None], *, skips_fail: bool = False) -> list[Outcome]:
    """Run every stage, whatever became of the one before."""
    return [_run(stage, say, skips_fail) for stage in stages]


def _run(stage: Stage, say: Callable[[str], None], skips_fail: bool) -> Outcome:
    say(f"\n=== {stage.name} ".ljust(100, "="))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cc-stage-") as folder:
        report = Path(folder) / "counts.json"
        command = [part.replace("{report}", str(report)) for part in stage.command]
        env = {**os.environ, **stage.env, "TEST_COUNTS": str(report)}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        code = subprocess.call(command, cwd=settings.BASE_DIR, env=env)
        counts = stage.counts(report) if stage.counts and report.exists() else {}
    ok = code == 0 or (code == 5 and stage.may_be_empty)
    if skips_fail and counts.get("skipped"):
        say(f"{counts['skipped']} skipped, and in CI a skip is a failure.")
        ok = False
    return Outcome(stage, ok, time.monotonic() - started, counts)


def pytest_counts(report: Path) -> dict[str, int]:
    """Written by tests/support/report.py."""
    counts: dict[str, int] = json.loads(report.read_text())
    return counts


def vitest_counts(report: Path) -> dict[str, int]:
    told = json.loads(report.read_text())
    return {
        "passed": told["numPassedTests"],
        "failed": told["numFailedTests"] + told.get("numFailedTestSuites", 0) * (told["numFailedTests"] == 0),
        "skipped": told["numPendingTests"] + told.get("numTodoTests", 0),
    }


def table(outcomes: list[Outcome]) -> str:
    """A line for each stage."""
    width = max(len(outcome.stage.name) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        told = ", ".join(f"{number} {word}" for word, number in outcome.counts.items() if number)
        mark = "ok  " if outcome.ok else "FAIL"
        lines.append(f"{mark}  {outcome.stage.name:{width}}  {outcome.seconds:6.1f} s  {told}".rstrip())
    return "\n".join(lines)
