"""Tells ``manage.py test`` how many tests passed (TEST_COUNTS names the file to write)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    path = os.environ.get("TEST_COUNTS")
    if path and "PYTEST_XDIST_WORKER" not in os.environ:
        stats = terminalreporter.stats
        counts = {word: len(stats.get(word, ())) for word in ("passed", "failed", "skipped", "xfailed", "deselected")}
        counts["errors"] = len(stats.get("error", ()))
        Path(path).write_text(json.dumps(counts))
