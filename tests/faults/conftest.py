"""A whole scaled installation, a provider and agents' consoles, and the means to hurt them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from contactcenter.bench import servers
from contactcenter.bench.cluster import ROOT, Cluster, Role
from tests.faults import provider as providers
from tests.faults.console import Console
from tests.support.waiting import until

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

    def open(self) -> None:
        """Start every role that does not run."""
        for role in ROLES:
            if not self.cluster.alive(role):
                self.cluster.start(role)
        self.provider.point_at(self.cluster.url, self.hook)

    def doom(self, role: str, point: str) -> Role:
        """Start a role anew, to die by kill -9 when it gets to ``point``."""
        for old in self.cluster.alive(role):
            old.stop()
            self.cluster.roles.remove(old)
        return self.cluster.start(role, CRASH_AT=point)

    def console(self, number: int = 0) -> Console:
        made = Console(self.cluster.url, self.cookies[number])
        self.consoles.append(made)
        made.wait_for(lambda console: console.worker is not None)
        return made

    def raise_the_dead(self) -> None:
        """Start again, without a crash point, whatever was killed."""
        for role in [role for role in self.cluster.roles if not role.is_alive]:
            assert role.process.returncode == -9, f"{role.name} ended by itself:\n" + "\n".join(role.lines[-30:])
            self.cluster.roles.remove(role)
            self.cluster.start(role.name)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def last_words(self) -> str:
        """What every process printed last."""
        return "\n".join(f"--- {role.name}\n" + "\n".join(role.lines[-15:]) for role in self.cluster.roles)

    def eventually(self, query: str, expected: list[tuple[Any, ...]], *parameters: Any, seconds: float = 60.0) -> None:
        """The query's rows become these. Raises ``AssertionError`` with what they were at last."""
        found: list[tuple[Any, ...]] = []

        def ask() -> bool:
            found[:] = self.rows(query, *parameters)
            return found == expected

        until(ask, seconds, every=0.1, why=lambda: f"{query}: {found}, not {expected}\n{self.last_words()}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation with four agents, in which a module's tests do their harm one after the other."""
    tmp_path = tmp_path_factory.mktemp("house")
    with servers.running() as stack, providers.running() as provider:
        address = provider.address.removeprefix("http://")
        with Cluster(stack.database_url, stack.redis_url, tmp_path, EGRESS_ALLOW_PRIVATE=address) as cluster:
            _run(cluster, "manage.py", "migrate", "-v", "0")
            told = json.loads(_run(cluster, "-m", "contactcenter.bench", "4", provider.address).splitlines()[-1])
            made = House(stack, cluster, provider, told["hook"], told["cookies"])
            made.open()
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
