"""The router as it runs: a thread that is rung, and processes of which one leads."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from contactcenter.bench import servers
from contactcenter.bench.cluster import ROOT, Cluster, Role
from contactcenter.lib import clock
from routing import worker
from routing.models import Lease, Reservation
from routing.services import dispatch, reservations
from tests.factories import routing as make
from tests.support.waiting import until

# ---- the thread


@pytest.fixture
def running(transactional_db: None) -> Iterator[threading.Event]:
    """A router's thread, leading; set the event to stop it."""
    make.workspace(now=clock.now())
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: Lease.objects.exclude(holder="").filter(name="router").exists())
    yield stop
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.postgres
def test_a_change_rings_the_router_of_the_same_process(
    running: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK", 60.0)
    time.sleep(1.1)  # the look it may be in now is over
    agent = make.worker(now=clock.now())

    task = make.task(now=clock.now())

    until(lambda: make.offers(task) == [(agent.friendly_name, "pending")])


@pytest.mark.postgres
def test_deadlines_pass_without_anybody_ringing(running: threading.Event) -> None:
    agent, other = (make.worker(now=clock.now()) for _ in range(2))
    workflow = make.workflow({"queue": make.queue()}, timeout=1)

    task = make.task(workflow=workflow, now=clock.now())

    until(lambda: [status for _, status in make.offers(task)][:2] == ["timeout", "pending"])
    assert {name for name, _ in make.offers(task)[:2]} == {agent.friendly_name, other.friendly_name}


@pytest.mark.postgres
def test_a_router_that_fails_reads_everything_again_and_goes_on(
    running: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make.worker(now=clock.now())
    round_, failures = dispatch.Router._round, iter([True, True])

    def fail_twice(router: dispatch.Router, now: object) -> int:
        if next(failures, False):
            raise RuntimeError("something nobody thought of")
        return round_(router, now)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch.Router, "_round", fail_twice)
    task = make.task(now=clock.now())

    until(lambda: make.offers(task) == [(agent.friendly_name, "pending")])
    reservations.accept(Reservation.objects.get(task=task), by=agent, now=clock.now())


@pytest.mark.postgres
def test_who_stops_gives_the_lease_back(transactional_db: None) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: Lease.objects.exclude(holder="").exists())

    stop.set()
    thread.join(10)

    lease = Lease.objects.get(name="router")
    assert (lease.holder, lease.expires_at) == ("", None)
    connection.close()


# ---- processes


class House:
    """Router processes over a PostgreSQL and a Redis of their own."""

    def __init__(self, cluster: Cluster, database_url: str) -> None:
        self.cluster = cluster
        self._database_url = database_url

    def run(self, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.cluster.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def waits(self, count: int) -> list[float]:
        out = self.run("-m", "tests.routing.worker_child", "offer", str(count))
        return [float(wait) for wait in json.loads(out.splitlines()[-1])]

    def router(self) -> Role:
        role = self.cluster.start("route")
        role.wait_for("ready")
        return role

    def wait_for_leader(self, role: Role) -> None:
        """Until this process holds the lease."""
        query = "SELECT split_part(holder, ':', 2) FROM routing_lease WHERE name = 'router' AND expires_at > now()"
        with psycopg.connect(self._database_url, autocommit=True) as database:
            until(lambda: database.execute(query).fetchall() == [(str(role.process.pid),)])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with servers.running() as stack:
        folder: Path = tmp_path_factory.mktemp("routers")
        with Cluster(stack.database_url, stack.redis_url, folder) as cluster:
            made = House(cluster, stack.database_url)
            made.run("manage.py", "migrate", "-v", "0")
            made.run("-m", "tests.routing.worker_child", "prepare")
            yield made


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_a_standby_takes_over_within_the_lease_and_a_second(house: House) -> None:
    leader = house.router()
    house.wait_for_leader(leader)
    standby = house.router()
    assert len(house.waits(2)) == 2

    leader.kill()
    killed = time.monotonic()
    house.wait_for_leader(standby)
    took = time.monotonic() - killed

    assert took < dispatch.LEASE_TTL + 2, took
    assert max(house.waits(2)) < 5
    standby.stop()


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_a_leader_that_is_asked_to_stop_hands_over_at_once(house: House) -> None:
    leader = house.router()
    house.wait_for_leader(leader)
    standby = house.router()

    leader.stop()
    stopped = time.monotonic()
    house.wait_for_leader(standby)

    assert time.monotonic() - stopped < worker.LOOK + 1
    assert leader.process.returncode == 0
    standby.stop()


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_the_doorbell_reaches_the_one_that_leads(house: House) -> None:
    """With a standby beside it, and far quicker than the look it takes by itself."""
    leader = house.router()
    house.wait_for_leader(leader)
    standby = house.router()
    house.waits(2)

    waits = house.waits(15)

    assert statistics.median(waits) < worker.LOOK / 4, waits
    for role in (leader, standby):
        role.stop()
