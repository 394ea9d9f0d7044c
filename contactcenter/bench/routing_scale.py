"""Limits and accidents: TaskRouter's ceilings in memory, a restart, a killed router, and what the broker carries."""

from __future__ import annotations

import functools
import gc
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import redis
from django.conf import settings
from django.db import close_old_connections

from contactcenter.bench import routing_engine
from contactcenter.bench.cluster import Cluster
from contactcenter.bench.report import Figure, median
from contactcenter.bench.routing_durable import Shift, tidy
from contactcenter.lib import clock
from routing.models import Change, Lease, Reservation, Task
from routing.services import dispatch, facts, memory, reservations, tasks

WORKERS, QUEUES, TASKS = 15_000, 5_000, 500_000


def ceilings(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """The rate with everything at TaskRouter's ceiling, against ours at the reference size; and the memory it takes."""
    say("measuring the ceilings ...")
    gc.collect()
    before = _resident()
    large = routing_engine.World(workers=WORKERS, queues=QUEUES)
    turns = [
        routing_engine.free_one_by_one(large, TASKS),
        routing_engine.free_one_by_one(routing_engine.World(), routing_engine.TASKS),
    ]
    memory = _resident() - before
    big, small = routing_engine.in_turns(turns, rounds=7, count=5_000 if quick else 20_000)
    name = f"{WORKERS:,} workers, {QUEUES:,} queues, {TASKS:,} tasks"
    return [
        Figure(f"{name}: rate", median(big), median(small), "/s", 0.5, ">="),
        Figure(f"{name}: memory", memory, 4096.0, "MiB", 1, "<="),
    ]


def _resident() -> float:
    """This process's resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def rebuild(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """A new leader reads everything, against SELECTing the tasks alone."""
    say("measuring a restart ...")
    router = dispatch.Router("bench-rebuild", ttl=600.0)
    ours, floor = [], []
    count = 0
    for number in range(4 if quick else 8):
        gc.collect()
        began = time.perf_counter()
        live = Task.objects.filter(status__in=Task.LIVE).order_by("virtual_start_time", "id")
        count = sum(1 for _ in live.values_list(*facts._TASK).iterator(chunk_size=facts.BATCH))
        middle = time.perf_counter()
        router.memory.rebuild(clock.now())
        with memory.uncollected():  # as in the router's tick
            while router.memory.unread:
                router.memory.read_on(clock.now())
        ended = time.perf_counter()
        if number:
            floor.append(middle - began)
            ours.append(ended - middle)
        router.forget()
    return [Figure(f"rebuild {count:,} tasks / SELECT of them", median(ours), median(floor), "s", 4, "<=")]


def fail_over(cluster: Cluster, shift: Shift, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Kill -9 of the leading router -> the next committed assignment, against the lease's time."""
    say("killing routers ...")
    gaps = []
    for _ in range(3 if quick else 7):
        while len(cluster.alive("route")) < 2:
            cluster.start("route").wait_for("ready")
        pid = _leader()
        known = Reservation.objects.count()
        os.kill(pid, signal.SIGKILL)
        began = time.perf_counter()
        shift.come_on(1)
        _until(functools.partial(_are_more_than, known))
        gaps.append(time.perf_counter() - began)
        for role in cluster.alive("route"):
            role.is_alive  # noqa: B018  (reaps the killed one)
    return [Figure("kill -9 -> next assignment / lease", median(gaps), dispatch.LEASE_TTL + 1.0, "s", 1, "<=")]


def _are_more_than(known: int) -> bool:
    return Reservation.objects.count() > known


def _leader() -> int:
    found: list[int] = []

    def look() -> bool:
        holder = Lease.objects.filter(name=dispatch.LEASE).values_list("holder", flat=True).first() or ""
        parts = holder.split(":")
        if len(parts) == 3 and parts[1].isdigit() and Path(f"/proc/{parts[1]}").exists():
            found.append(int(parts[1]))
        return bool(found)

    _until(look)
    return found[0]


def _until(test: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not test():
        if time.monotonic() > until:
            raise RuntimeError("The router did not do it within a minute.")
        time.sleep(0.01)  # rows tell nobody that they are there


def broker(cluster: Cluster, shift: Shift, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Messages Celery's broker carries per assigned task, while tasks come, are accepted and completed."""
    say("counting messages ...")
    while not cluster.alive("route"):
        cluster.start("route")
    _leader()
    client = redis.Redis.from_url(settings.REDIS_URL)
    shift.come_on(50)
    _until(lambda: not Change.objects.exists())
    count = 300 if quick else 1_000
    before, began = _pushes(client), time.perf_counter()
    done = 0
    while done < count:
        now = clock.now()
        for _ in range(5):
            index = shift.dice.randrange(len(shift.queues))
            tasks.create(workflow=shift.workflow, attributes={"queue": index}, task_channel="chat", now=now)
        for offer in Reservation.objects.filter(status="pending").select_related("worker", "task").order_by("?")[:10]:
            reservations.accept(offer, by=offer.worker, now=now)
            tasks.complete(offer.task, by=offer.worker, reason="done", now=now)
            done += 1
        if time.perf_counter() - began > 120:
            raise RuntimeError(f"Only {done} tasks were assigned within two minutes.")
    sent = _pushes(client) - before
    client.close()
    return [Figure("broker messages / assigned task", float(sent), float(done), "", 0.2, "<=")]


def _pushes(client: redis.Redis) -> int:
    stats = client.info("commandstats")
    return int(stats.get("cmdstat_lpush", {}).get("calls", 0))


def run(
    shift: Shift, database_url: str, redis_url: str, data: Path, *, quick: bool, say: Callable[[str], None]
) -> list[Figure]:
    """Everything here that needs servers."""
    tidy()
    made = rebuild(quick=quick, say=say)
    with Cluster(database_url, redis_url, data, LOG_LEVEL="ERROR") as cluster:
        made += broker(cluster, shift, quick=quick, say=say)
        made += fail_over(cluster, shift, quick=quick, say=say)
    close_old_connections()
    return made
