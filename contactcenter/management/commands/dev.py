"""``manage.py dev``: the demo, restarted when a Python file changes, with Vite's development server beside it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from contactcenter import server
from contactcenter.management import stages

FOLDERS = ("contactcenter", "conversations", "routing", "flows", "agents", "channels_adapters", "templates")


class Command(BaseCommand):
    help = "Run the demo for developing: restarts on changes, front end straight from its sources."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the site (default 8000)")
        parser.add_argument("--data", default=str(settings.BASE_DIR / "data" / "dev"), help="data folder")

    def handle(self, *args: Any, **options: Any) -> None:
        vite_port = _free_port()
        env = {
            **os.environ,
            "VITE_DEV_PORT": str(vite_port),
            "DEBUG": "1",
            "CONTACTCENTER_BOOTSTRAP": "off",
            "LOG_STYLE": "console",
        }
        env.pop("DATA_DIR", None)
        vite = subprocess.Popen(stages.node("node_modules/vite/bin/vite.js"), cwd=settings.BASE_DIR, env=env)
        # The widget is one file other people's pages load: it is built, again and again, not served by Vite.
        widget = subprocess.Popen(
            stages.node(
                "node_modules/vite/bin/vite.js",
                *("build", "--watch", "--logLevel", "warn", "--config", "vite.widget.config.ts"),
            ),
            cwd=settings.BASE_DIR,
            env=env,
        )
        site = [sys.executable, "manage.py", "demo", "--port", str(options["port"]), "--data", options["data"]]
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            _run_again_and_again(site, env)
        except KeyboardInterrupt:
            pass
        finally:
            for process in (vite, widget):
                process.terminate()
            for process in (vite, widget):
                process.wait()


def _free_port() -> int:
    with server.listen("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])


def _run_again_and_again(command: list[str], env: dict[str, str]) -> None:
    while True:
        seen = _snapshot()
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env)
        try:
            # A process that fails (a typo) is not started again before something has changed.
            while _snapshot() == seen:
                time.sleep(0.5)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
        print("Something changed; starting again.", flush=True)


def _snapshot() -> dict[Path, int]:
    """When each source file was changed last."""
    found: dict[Path, int] = {}
    for folder in FOLDERS:
        for pattern in ("*.py", "*.html", "*.mo"):
            for path in (settings.BASE_DIR / folder).rglob(pattern):
                try:
                    found[path] = path.stat().st_mtime_ns
                except FileNotFoundError:
                    continue  # an editor is replacing it
    return found
