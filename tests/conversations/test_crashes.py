"""kill -9 at every step between the webhook's commit and the provider's answer: nothing is lost, nothing doubled."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contactcenter.bench.servers import Stack
from tests.conversations.crash_child import TEXTS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

#: Where it dies, and in which process.
DEATHS = [
    ("intake", "inbound.before_commit"),
    ("intake", "inbound.committed"),
    ("work", "lane.claimed"),
    ("work", "message.stored"),
    ("work", "message.stored:2"),
    ("work", "send.committed"),
    ("work", "send.committed:3"),
    ("work", "lane.done"),
    ("work", "lane.done:3"),
    ("work", "delivery.claimed"),
    ("work", "delivery.claimed:2"),
    ("work", "delivery.sent"),
    ("work", "delivery.sent:3"),
    ("work", "delivery.recorded"),
    ("work", "delivery.recorded:3"),
]


class House:
    """A database and a provider's ledger, and processes of ours that come and die."""

    def __init__(self, folder: Path, environment: dict[str, str], connect: Callable[[], Any]) -> None:
        self.folder, self._connect = folder, connect
        inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.conversations.crash_child", str(folder)],
            cwd=ROOT,
            env={**inherited, **environment, "DATA_DIR": str(folder), "LOG_LEVEL": "CRITICAL"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._mother.stdout is not None
        assert self._mother.stdout.readline() == "ready\n"

    def run(self, step: str, *, line: str = "echo", crash_at: str = "") -> int:
        """One process's life; 0, or -9 when it died where it was told to."""
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.write(json.dumps({"step": step, "line": line, "crash_at": crash_at}) + "\n")
        self._mother.stdin.flush()
        status = int(self._mother.stdout.readline())
        assert status in (0, -signal.SIGKILL)
        return status

    def end(self) -> None:
        self._mother.communicate(timeout=20)

    def rows(self, sql: str) -> list[Any]:
        with contextlib.closing(self._connect()) as connection:
            return [tuple(row) for row in connection.execute(sql).fetchall()]

    def ledger(self) -> list[tuple[str, str]]:
        path = self.folder / "provider"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def _sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("sqlite")
    house = House(folder, {}, lambda: sqlite3.connect(folder / "contactcenter.sqlite3"))
    house.run("prepare")
    shutil.copytree(folder, f"{folder}-prepared")
    yield house
    house.end()


@pytest.fixture
def on_sqlite(_sqlite_house: House) -> House:
    """An SQLite file with tables and lines, as on the first day."""
    folder = _sqlite_house.folder
    shutil.rmtree(folder)
    shutil.copytree(f"{folder}-prepared", folder)
    return _sqlite_house


@pytest.fixture(scope="module")
def _postgres_house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("postgres")
    _create(stack, "crash", "template1")
    url = stack.database_url.replace("/test?", "/crash?")
    environment = {"DATABASE_URL": url, "REDIS_URL": stack.redis_url}
    house = House(folder, environment, lambda: psycopg.connect(_dsn(url)))
    house.run("prepare")
    _create(stack, "prepared", "crash")
    yield house
    house.end()


@pytest.fixture
def on_postgres(stack: Stack, _postgres_house: House) -> House:
    """A PostgreSQL database with tables and lines, as on the first day."""
    _create(stack, "crash", "prepared")
    (_postgres_house.folder / "provider").unlink(missing_ok=True)
    return _postgres_house


def _dsn(url: str) -> str:
    return url.replace("postgres://", "postgresql://")


def _create(stack: Stack, name: str, template: str) -> None:
    with psycopg.connect(_dsn(stack.database_url), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def _story(house: House, dies_in: str, crash_at: str, *, line: str) -> None:
    """The provider's request, a death, what follows by itself."""
    for step in ("intake", "work"):
        if step == dies_in:
            assert house.run(step, line=line, crash_at=crash_at) == -signal.SIGKILL
            if step == "work":
                break
            # Not answered: the provider delivers again.
            assert house.run(step, line=line) == 0
        else:
            assert house.run(step, line=line) == 0
    # Twice: what a first sweep brings up may itself be waiting for a second.
    house.run("recover", line=line)
    house.run("recover", line=line)


def _check(house: House, *, unknown: int, doubled: int) -> None:
    assert house.rows("SELECT status FROM conversations_inboundevent ORDER BY at, id") == [("done",)] * len(TEXTS)
    inbound = house.rows("SELECT text FROM conversations_message WHERE direction = 'in' ORDER BY seq")
    assert inbound == [(text,) for text in TEXTS]
    answers = house.rows("SELECT text FROM conversations_message WHERE direction = 'out' ORDER BY seq")
    assert answers == [(f"re: {text}",) for text in TEXTS]
    numbers = house.rows("SELECT seq FROM conversations_message ORDER BY seq")
    assert numbers == [(number,) for number in range(1, 2 * len(TEXTS) + 1)]
    events = house.rows("SELECT seq FROM conversations_event ORDER BY seq")
    assert events == [(number,) for number in range(1, len(events) + 1)]
    assert house.rows("SELECT count(*) FROM conversations_conversation") == [(1,)]

    statuses = [status for (status,) in house.rows("SELECT status FROM conversations_transmission")]
    assert sorted(statuses) == sorted(["sent"] * (len(TEXTS) - unknown) + ["unknown"] * unknown)
    ledger = house.ledger()
    assert len(ledger) - len({ref for ref, _text in ledger}) == doubled
    known = {text for _ref, text in ledger}
    lost = house.rows("SELECT text FROM conversations_transmission WHERE status = 'sent'")
    assert {text for (text,) in lost} <= known
    assert list(dict.fromkeys(text for _ref, text in ledger)) == [f"re: {t}" for t in TEXTS if f"re: {t}" in known]


def _expected(crash_at: str) -> dict[str, int]:
    """What cannot be known stays unknown; it is shown, and never sent twice."""
    return {"unknown": int(crash_at.startswith(("delivery.claimed", "delivery.sent"))), "doubled": 0}


@pytest.mark.parametrize(("dies_in", "crash_at"), DEATHS)
def test_no_death_loses_or_doubles_anything(dies_in: str, crash_at: str, on_sqlite: House) -> None:
    _story(on_sqlite, dies_in, crash_at, line="echo")

    _check(on_sqlite, **_expected(crash_at))


@pytest.mark.postgres
@pytest.mark.parametrize(("dies_in", "crash_at"), [death for death in DEATHS if ":" not in death[1]])
def test_no_death_loses_or_doubles_anything_on_postgresql(dies_in: str, crash_at: str, on_postgres: House) -> None:
    _story(on_postgres, dies_in, crash_at, line="echo")

    _check(on_postgres, **_expected(crash_at))


@pytest.mark.parametrize("crash_at", ["delivery.claimed", "delivery.sent:2"])
def test_where_the_provider_removes_doubles_nothing_stays_unknown(crash_at: str, on_sqlite: House) -> None:
    _story(on_sqlite, "work", crash_at, line="idempotent")

    _check(on_sqlite, unknown=0, doubled=int(crash_at.startswith("delivery.sent")))


def test_what_was_committed_needs_no_second_delivery(on_sqlite: House) -> None:
    assert on_sqlite.run("intake", crash_at="inbound.committed") == -signal.SIGKILL

    on_sqlite.run("recover")

    _check(on_sqlite, unknown=0, doubled=0)
