"""Scaled mode: every process its own, over a real PostgreSQL and Redis."""

from __future__ import annotations

import json
import signal
import time
import urllib.request

import pytest

from tests.support.live import Cluster

pytestmark = pytest.mark.faults  # starts and ends servers of its own


def _health(url: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{url}/healthz") as response:
        found: dict[str, object] = json.load(response)
        return found


def test_all_processes_start_work_together_and_end_politely(cluster: Cluster) -> None:
    cluster.start_all()
    url = cluster.url
    cluster.processes["router"].wait_for(r"router\.leads")

    health = _health(url)
    codes = {name: process.stop(signal.SIGTERM) for name, process in cluster.processes.items()}

    assert health["ok"] is True
    assert isinstance(health["router_lease_seconds"], float)
    assert health["router_lease_seconds"] > 0
    assert codes == {"web": 0, "worker": 0, "router": 0, "beat": 0}


def test_a_second_router_takes_over_when_the_first_is_killed(cluster: Cluster) -> None:
    first = cluster.start("router")
    first.wait_for(r"router\.leads")
    second = cluster.start("router2")
    second.wait_for(r"^ready")
    assert "router.leads" not in second.output()

    first.kill()

    second.wait_for(r"router\.leads", seconds=30)


def test_a_router_with_redis_away_still_ends_on_a_signal(cluster: Cluster) -> None:
    router = cluster.start("router")
    router.wait_for(r"router\.leads")
    cluster.stack.redis.stop()
    time.sleep(1)

    started = time.monotonic()
    assert router.stop(signal.SIGTERM) == 0
    assert time.monotonic() - started < 8
