"""Periodic work: each app's ``jobs.SCHEDULE`` ({dotted job name: seconds}), read by ``celery beat`` and, embedded, by
the timer thread. A timer holds no state: it rings, and the job looks at the rows that are due."""

from __future__ import annotations

import importlib
import importlib.util
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from celery import Celery
from django.db import close_old_connections

log = structlog.get_logger(__name__)

APPS = ["conversations", "routing", "flows", "agents"]


def schedule() -> dict[str, float]:
    """Every periodic job and its interval in seconds."""
    found: dict[str, float] = {}
    for app in APPS:
        if importlib.util.find_spec(f"{app}.jobs") is not None:
            found.update(getattr(importlib.import_module(f"{app}.jobs"), "SCHEDULE", {}))
    return found


class Timers:
    """The timer thread of embedded mode: runs the jobs right here, one run of each at a time."""

    def __init__(self, app: Celery, intervals: dict[str, float]) -> None:
        self._app = app
        self._intervals = intervals
        self._running: set[str] = set()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="sweep")
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more; what runs may finish."""
        self._stopping.set()
        self._thread.join(2)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        due = dict.fromkeys(self._intervals, time.monotonic())
        while not self._stopping.is_set():
            now = time.monotonic()
            for job, at in due.items():
                if at <= now and job not in self._running:
                    due[job] = now + self._intervals[job]
                    self._running.add(job)
                    self._pool.submit(self._sweep, job)
            self._stopping.wait(0.1)

    def _sweep(self, job: str) -> None:
        close_old_connections()
        try:
            self._app.tasks[job].run()
        except Exception:
            log.exception("timer.failed", job=job)
        finally:
            close_old_connections()
            self._running.discard(job)
