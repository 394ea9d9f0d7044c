"""``manage.py bench intake``: what a webhook costs, from the provider's request to the offer on an agent's screen.

Two figures, each against a floor measured in turns within the same run:

* latency: a signed Messenger webhook in -> ``reservation.created`` on the agent's socket, at a third of saturation.
  Floor: one INSERT + COMMIT, then one Redis PUBLISH received by a subscriber.
* acceptance: durable webhooks a second (verified, parsed, committed, announced). Floor: a bare Django view that reads
  the body and answers, in the same server, by Django's own handler with the site's middleware. (Ours, which the door
  uses, is several times as fast; see ``contactcenter.handler``.) The workers rest meanwhile: on two cores they would
  take their share from one side only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis.asyncio
import websockets
from websockets.typing import Origin

from contactcenter.bench import site
from contactcenter.bench.cluster import ROLES, Cluster
from contactcenter.bench.http import Connection
from contactcenter.bench.report import Figure, median, quantile

LATENCY_GOAL = 8.0
ACCEPTANCE_GOAL = 0.40


class Offers:
    """The agents' sockets: resolves a future per customer text when the offer that shows it arrives."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[float]] = {}
        self.seen = 0

    async def listen(self, url: str, cookie: str, ready: asyncio.Event) -> None:
        origin = "http" + url[2:].split("/ws/")[0]
        async with websockets.connect(
            url, additional_headers={"Cookie": cookie}, origin=Origin(origin), max_size=None
        ) as socket:
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "worker_seq": None, "conversations": {}}))
            async for text in socket:
                now = time.perf_counter()
                frame = json.loads(text)
                if frame["type"] == "ok":
                    ready.set()
                elif frame["type"] == "event" and frame["event"] == "reservation.created":
                    self.seen += 1
                    words = frame["data"]["reservation"]["task"]["attributes"]["words"]
                    future = self.waiting.pop(words, None)
                    if future is not None and not future.done():
                        future.set_result(now)
                elif frame["type"] == "poke":
                    await socket.send(json.dumps({"type": "ping", "id": "p"}))


class Floor:
    """INSERT + COMMIT + PUBLISH -> subscriber, as lean as Python does it."""

    def __init__(self, database: psycopg.AsyncConnection, client: redis.asyncio.Redis) -> None:
        self._database, self._client = database, client
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._subscription = client.pubsub()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, database_url: str, redis_url: str) -> Floor:
        database = await psycopg.AsyncConnection.connect(database_url)
        await database.execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, body text)")
        await database.commit()
        floor = cls(database, redis.asyncio.from_url(redis_url))
        await floor._subscription.subscribe("bench-floor")
        floor._task = asyncio.create_task(floor._listen())
        return floor

    async def _listen(self) -> None:
        async for message in self._subscription.listen():
            if message["type"] == "message":
                future = self._waiting.pop(message["data"].decode(), None)
                if future is not None:
                    future.set_result(time.perf_counter())

    async def once(self, name: str) -> float:
        """Seconds from the INSERT to the subscriber."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        began = time.perf_counter()
        await self._database.execute("INSERT INTO bench_floor (body) VALUES (%s)", (name * 20,))
        await self._database.commit()
        await self._client.publish("bench-floor", name)
        return float(await asyncio.wait_for(future, 10) - began)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._subscription.aclose()  # type: ignore[no-untyped-call]  # redis-py
        await self._client.aclose()
        await self._database.close()


async def _saturation(host: str, port: int, hook: str, offers: Offers, count: int) -> float:
    """Offers a second when webhooks come as fast as they are taken."""
    before, began = offers.seen, time.perf_counter()
    connections = [Connection(host, port) for _ in range(8)]
    numbers = iter(range(count))

    async def feed(connection: Connection) -> None:
        for number in numbers:
            body, headers = site.webhook(f"saturate {number}")
            await connection.post(hook, body, headers)

    await asyncio.gather(*(feed(connection) for connection in connections))
    until = time.perf_counter() + 120
    while offers.seen - before < count and time.perf_counter() < until:  # noqa: ASYNC110  (an event a frame costs more)
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.close()
    if offers.seen - before < count:
        raise RuntimeError(f"Only {offers.seen - before} of {count} offers came within two minutes.")
    return count / (time.perf_counter() - began)


async def _open_loop(
    rate: float, count: int, ours: Callable[[int], Awaitable[float]], floor: Callable[[int], Awaitable[float]]
) -> tuple[list[float], list[float]]:
    """Start ``count`` of each in turns, on a fixed schedule whatever they take (no coordinated omission)."""
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1
    tasks: tuple[list[asyncio.Task[float]], list[asyncio.Task[float]]] = ([], [])
    for number in range(2 * count):
        # Ours at ``rate``; the floor half-way between two of ours.
        await asyncio.sleep(max(0.0, began + number / (2 * rate) - loop.time()))
        kind = number % 2
        work = (ours, floor)[kind](number // 2)
        tasks[kind].append(asyncio.ensure_future(work))
    results = [await asyncio.gather(*side) for side in tasks]
    warm = count // 10
    return results[0][warm:], results[1][warm:]


async def _latency(
    cluster: Cluster, built: site.Site, samples: int, say: Callable[[str], None]
) -> tuple[list[Figure], float]:
    parts = urlsplit(cluster.url)
    host, port = str(parts.hostname), int(parts.port or 80)
    offers = Offers()
    listeners = []
    for agent in built.agents:
        ready = asyncio.Event()
        url = f"ws://{host}:{port}/ws/console/"
        listeners.append(asyncio.create_task(offers.listen(url, agent.cookie, ready)))
        await asyncio.wait_for(ready.wait(), 30)
    await _saturation(host, port, built.hook, offers, 40)  # warm-up
    saturation = await _saturation(host, port, built.hook, offers, max(100, samples // 2))
    rate = saturation / 3
    say(f"saturation {saturation:,.0f} offers/s; measuring at {rate:,.1f}/s")
    pool: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(16):
        pool.put_nowait(Connection(host, port))
    floor = await Floor.open(cluster.environment["DATABASE_URL"], cluster.environment["REDIS_URL"])

    async def ours(number: int) -> float:
        words = f"measure {number}"
        future = asyncio.get_running_loop().create_future()
        offers.waiting[words] = future
        body, headers = site.webhook(words)
        began = time.perf_counter()
        connection = await pool.get()
        try:
            status = await connection.post(built.hook, body, headers)
        finally:
            pool.put_nowait(connection)
        if status != 200:
            raise RuntimeError(f"The webhook was answered with {status}.")
        return float(await asyncio.wait_for(future, 60) - began)

    try:
        mine, floors = await _open_loop(rate, samples, ours, lambda number: floor.once(f"floor-{number}"))
    finally:
        await floor.close()
        for listener in listeners:
            listener.cancel()
    figures = [
        Figure(
            f"webhook -> offer, {name}",
            1000 * quantile(mine, q),
            1000 * quantile(floors, q),
            "ms",
            LATENCY_GOAL,
            "<=",
        )
        for name, q in (("p50", 0.5), ("p99", 0.99))
    ]
    return figures, saturation


async def _rate(host: str, port: int, seconds: float, post: Callable[[Connection], Awaitable[int]]) -> float:
    """Requests a second over eight connections in a closed loop."""
    connections = [Connection(host, port) for _ in range(8)]
    until = time.perf_counter() + seconds

    async def feed(connection: Connection) -> int:
        done = 0
        while time.perf_counter() < until:
            if await post(connection) != 200:
                raise RuntimeError("The server refused a request of the benchmark.")
            done += 1
        return done

    began = time.perf_counter()
    done = sum(await asyncio.gather(*(feed(connection) for connection in connections)))
    spent = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return done / spent


async def _acceptance(cluster: Cluster, built: site.Site, rounds: int, seconds: float) -> Figure:
    parts = urlsplit(cluster.url)
    host, port = str(parts.hostname), int(parts.port or 80)

    async def durable(connection: Connection) -> int:
        return await connection.post(built.hook, *site.webhook("accept me"))

    async def bare(connection: Connection) -> int:
        return await connection.post("/bench/bare/", *site.webhook("accept me"))

    for post in (durable, bare):
        await _rate(host, port, seconds / 2, post)
    ours, floors = [], []
    for _ in range(rounds):
        ours.append(await _rate(host, port, seconds, durable))
        floors.append(await _rate(host, port, seconds, bare))
    return Figure("durable webhooks", median(ours), median(floors), "/s", ACCEPTANCE_GOAL, ">=")


def run(database_url: str, redis_url: str, data: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Both figures, on an empty, migrated database. Raises when something does not work at all."""
    samples, rounds, seconds = (150, 3, 1.0) if quick else (600, 7, 2.0)
    with Cluster(database_url, redis_url, data, BENCH="1", LOG_LEVEL="ERROR") as cluster:
        graph = cluster.start("graph").wait_for("ready ").split()[1]
        cluster.environment["EGRESS_ALLOW_PRIVATE"] = graph.removeprefix("http://")
        built = site.prepare(agents=30, graph_base=graph)
        web = cluster.start("web")
        say("measuring acceptance ...")
        acceptance = asyncio.run(_acceptance(cluster, built, rounds, seconds))
        web.stop()
        # What acceptance left behind is not part of the latency figure.
        _forget_intake(redis_url)
        for role in ROLES:
            cluster.start(role)
        say("measuring latency ...")
        latency, _saturation_rate = asyncio.run(_latency(cluster, built, samples, say))
    return [*latency, acceptance]


def _forget_intake(redis_url: str) -> None:
    from conversations.models import InboundEvent, Payload

    InboundEvent.objects.all().delete()
    Payload.objects.all().delete()
    redis.Redis.from_url(redis_url).flushall()
