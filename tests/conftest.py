"""The suite's ground rules and fixtures.

How a test here works
---------------------
``db``          the fast kind: a SQLite file (or the stack's PostgreSQL), rolled back at the end. Code under test
                behaves as if it really committed: what it registers with ``transaction.on_commit`` runs when its own
                outermost ``atomic`` block ends (see ``support.commits``). Use ``transactional_db`` only where other
                connections or threads must see the rows.
``drain``       jobs never reach a broker in a test: ``job.delay(...)`` puts them into a recording queue, their
                arguments through JSON as Celery would. ``drain()`` runs what is queued, in order, including what
                those jobs queue in turn, and returns how many ran; ``drain(queue="outbound")`` only those of a queue;
                ``drain.names()`` lists what waits; ``drain.clear()`` loses it (hints may be lost: your code must cope).
``pushes``      every frame that went through ``push.send``: a list of ``(group, frame)``.
``now``         2026-03-02 09:00 UTC, a Monday. Services take ``now``; add timedeltas instead of sleeping.
``stack``       a private PostgreSQL and Redis for processes a test starts (``stack.database_url``, ``.redis_url``);
                ``own_stack``: the same for one test, to flush, stop and restart.
``live_process``  our real process on a temporary data folder: ``live = live_process("demo")``; ``live.url``. Ended
                with SIGINT, and exit code 0 is required. For a module's fixture: ``support.live.running("demo")``.
``cluster``     scaled mode, each process its own: ``cluster.start_all()``, ``cluster.processes["worker"].kill()``,
                ``cluster.start("web", env={"CRASH_AT": "inbound.committed"})``, ``cluster.stack.redis.flush()``.
``browser_page``  ``browser_page(locale="ar", color_scheme="dark", viewport=(390, 844))`` -> a Playwright page in a
                real Chromium. Console errors and CSP violations fail the test.

Markers: ``postgres`` (needs PostgreSQL), ``redis`` (needs Redis), ``stack`` (run on both stacks), ``journey``
(a whole story in a browser), ``faults`` (starts and kills processes). ``pytest --stack`` starts the private servers
first and runs everything on them; without it, ``postgres`` and ``redis`` tests are left out and counted as deselected.
``manage.py test`` runs all of it. Factories live in tests/factories/<app>.py.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.support import commits, environment, jobs
from tests.support.jobs import JobQueue

environment.prepare()  # before anything imports a model: conftests of the folders below do

pytest_plugins = ["tests.support.report", "tests.support.stack", "tests.support.live", "tests.support.browser"]

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    # Acted on by support.environment: the servers must be there before Django is.
    parser.addoption("--stack", action="store_true", help="run on a private PostgreSQL and Redis, started here")


def pytest_unconfigure(config: pytest.Config) -> None:
    environment.clean_up()


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "postgres: needs a real PostgreSQL (pytest --stack)",
        "redis: needs a real Redis (pytest --stack)",
        "stack: runs on SQLite and memory, and again on PostgreSQL and Redis",
        "journey: a whole story in a real browser",
        "faults: starts, kills and ends processes and servers",
    ):
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs servers nobody started. Deselected is counted in the closing line, never silent."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    needs_servers = [item for item in items if item.get_closest_marker("postgres") or item.get_closest_marker("redis")]
    if needs_servers:
        config.hook.pytest_deselected(items=needs_servers)
        items[:] = [item for item in items if item not in set(needs_servers)]


@pytest.fixture(autouse=True, scope="session")
def _commits_are_seen() -> Iterator[None]:
    with commits.seen_inside_test_transactions():
        yield


@pytest.fixture(autouse=True)
def _every_test_begins_in_english() -> Iterator[None]:
    """A request leaves its language behind in the thread of the test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def drain(monkeypatch: pytest.MonkeyPatch) -> JobQueue:
    """The recording job queue; call it to run what waits."""
    queue = JobQueue()
    jobs.record_into(queue, monkeypatch)
    return queue


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every ``(group, frame)`` pushed during the test; they still reach the sockets."""
    from contactcenter.lib import push

    seen: list[tuple[str, dict[str, Any]]] = []
    send: Callable[[str, dict[str, Any]], None] = push.send

    def record(group: str, frame: dict[str, Any]) -> None:
        seen.append((group, frame))
        send(group, frame)

    monkeypatch.setattr(push, "send", record)
    return seen


@pytest.fixture
def now() -> dt.datetime:
    return NOW
