from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections


@pytest.fixture(autouse=True)
def _threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The consoles of a test end with their threads. (Channels' test client keeps threads from closing connections.)"""
    with ThreadPoolExecutor(16, thread_name_prefix="console") as pool:
        monkeypatch.setattr("agents.threads.pool", pool)
        yield
        together = threading.Barrier(max(len(pool._threads), 1))

        def close(_: int) -> None:
            together.wait(5)
            connections.close_all()

        list(pool.map(close, range(len(pool._threads))))
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture
def no_jobs(drain: object) -> None:
    """Jobs are recorded and never run (``drain`` does that by being there)."""
