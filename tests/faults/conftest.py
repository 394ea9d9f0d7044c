"""A whole scaled installation, a provider and agents' consoles, and the means to hurt them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contactcenter.bench.cluster import ROOT, Cluster
from tests.faults import provider as providers
from tests.faults.console import Console
from tests.support import servers

ROLES = ("web", "worker", "sender", "route", "beat")


@dataclasses.dataclass
class House:
    """``cluster``'s processes over ``stack``'s servers; ``provider`` writes to it, agents sit at ``console(n)``."""

    stack: servers.Stack
    cluster: Cluster
    provider: providers.Provider
    hook: str
    cookies: list[str]
    consoles: list[Console] = dataclasses.field(default_factory=list)

    def open(self, *, crash_at: str = "", roles: tuple[str, ...] = ROLES) -> None:
        """Start every role; with ``crash_at``, whoever gets to that point first dies there."""
        for role in roles:
            self.cluster.start(role, **({"CRASH_AT": crash_at} if crash_at else {}))
        self.provider.point_at(self.cluster.url, self.hook)

    def console(self, number: int = 0) -> Console:
        made = Console(self.cluster.url, self.cookies[number])
        self.consoles.append(made)
        made.wait_for(lambda console: console.worker is not None)
        return made

    def raise_the_dead(self) -> list[str]:
        """Start again, without a crash point, whatever has died; the names."""
        dead = [role for role in self.cluster.roles if not role.is_alive]
        for role in dead:
            assert role.process.returncode == -9, f"{role.name} ended by itself:\n" + "\n".join(role.lines[-30:])
            self.cluster.roles.remove(role)
            self.cluster.start(role.name)
        return [role.name for role in dead]

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def eventually(self, query: str, expected: list[tuple[Any, ...]], seconds: float = 40.0) -> None:
        """The query's rows become these. Raises ``AssertionError`` with what they were at last."""
        deadline = time.monotonic() + seconds
        while (found := self.rows(query)) != expected:
            assert time.monotonic() < deadline, f"{query}: {found}, not {expected}"
            time.sleep(0.1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An installation with four agents, migrated and furnished, with nothing running yet."""
    with servers.running() as stack, providers.running() as provider:
        address = provider.address.removeprefix("http://")
        with Cluster(stack.database_url, stack.redis_url, tmp_path, EGRESS_ALLOW_PRIVATE=address) as cluster:
            _run(cluster, "manage.py", "migrate", "-v", "0")
            told = json.loads(_run(cluster, "-m", "contactcenter.bench", "4", provider.address).splitlines()[-1])
            made = House(stack, cluster, provider, told["hook"], told["cookies"])
            try:
                yield made
            finally:
                provider.close()
                for console in made.consoles:
                    console.close()


def _run(cluster: Cluster, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=cluster.environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
