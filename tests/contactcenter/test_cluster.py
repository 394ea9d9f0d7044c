"""Scaled mode: every process its own, over a real PostgreSQL and Redis."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from contactcenter.bench.cluster import ROLES, ROOT, Cluster
from contactcenter.bench.servers import Stack
from tests.support.waiting import until

pytestmark = pytest.mark.faults  # starts and ends servers of its own


def _health(url: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{url}/healthz") as response:
        found: dict[str, object] = json.load(response)
        return found


@pytest.fixture
def cluster(own_stack: Stack, tmp_path: Path) -> Iterator[Cluster]:
    """Migrated, nothing started."""
    with Cluster(own_stack.database_url, own_stack.redis_url, tmp_path, LOG_LEVEL="INFO") as made:
        migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
        subprocess.run(migrate, cwd=ROOT, env=made.environment, check=True)
        yield made


def _wait_for_workers(stack: Stack, count: int) -> None:
    """Until so many workers ask Redis for jobs."""
    until(lambda: sum(client["cmd"] == "brpop" for client in stack.redis.client.client_list()) >= count, 60)


def test_all_processes_start_work_together_and_end_politely(cluster: Cluster, own_stack: Stack) -> None:
    roles = {name: cluster.start(name) for name in ROLES}
    roles["route"].wait_for("router.leads")
    _wait_for_workers(own_stack, 2)

    health = _health(cluster.url)
    for role in roles.values():
        role.stop()

    assert health["ok"] is True
    assert isinstance(health["router_lease_seconds"], float)
    assert health["router_lease_seconds"] > 0
    assert {name: role.process.returncode for name, role in roles.items()} == dict.fromkeys(ROLES, 0)


def test_a_second_router_takes_over_when_the_first_is_killed(cluster: Cluster) -> None:
    first = cluster.start("route")
    first.wait_for("router.leads")
    second = cluster.start("route")
    second.wait_for("ready")
    assert not any("router.leads" in line for line in second.lines)

    first.kill()

    second.wait_for("router.leads")


def test_a_router_with_redis_away_still_ends_on_a_signal(cluster: Cluster, own_stack: Stack) -> None:
    router = cluster.start("route")
    router.wait_for("router.leads")
    own_stack.redis.stop()

    started = time.monotonic()
    router.stop()

    assert router.process.returncode == 0
    assert time.monotonic() - started < 8
