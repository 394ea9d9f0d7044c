"""Durable assignments: committed on a real PostgreSQL, constraints on, events written, by the production router.

A round is a start of shift: so many agents come on, the router hears of it, reads them, decides and commits. Its
floors, in turns with it on the same server:

* one client that inserts one row and commits, again and again: what durability costs at least;
* a router that takes one task at a time with SKIP LOCKED and writes the same rows;
* Celery no-op tasks through a real Redis, published and done: what one message per task would cost. Celery as it
  comes: not our transport, which spares it the book of unacknowledged messages.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from django.db import connection, models, transaction

from contactcenter.bench import routing_engine
from contactcenter.bench.cluster import ROOT
from contactcenter.bench.report import Figure, median
from contactcenter.lib import clock, ids
from routing import sql
from routing.engine import expression
from routing.models import Activity, Change, Task, TaskChannel, TaskQueue, Worker, WorkerChannel, Workflow
from routing.services import dispatch, setup

CHATS = 3


class Shift:
    """Workers at home, and a backlog that waits for them, as rows."""

    def __init__(self, *, workers: int, tasks: int, queues: int) -> None:
        now = clock.now()
        self.dice = random.Random(5)
        self.workspace = setup.ensure_default_workspace(now)
        self.available = Activity.objects.get(workspace=self.workspace, friendly_name="Available")
        offline = Activity.objects.get(workspace=self.workspace, friendly_name="Offline")
        channels = list(TaskChannel.objects.filter(workspace=self.workspace))
        self.chat = next(channel for channel in channels if channel.unique_name == "chat")
        self.texts = routing_engine.expressions(queues)
        self.queues = [
            TaskQueue(workspace=self.workspace, friendly_name=f"Queue {number}", target_workers=text)
            for number, text in enumerate(self.texts)
        ]
        copy(self.queues)
        filters = [
            {"expression": f"queue == {number}", "targets": [{"queue": row.sid}]}
            for number, row in enumerate(self.queues)
        ]
        self.workflow = Workflow.objects.create(
            workspace=self.workspace,
            friendly_name="Shift",
            configuration={"task_routing": {"filters": filters}},
            task_reservation_timeout=86400,
        )
        self.at_home = [
            Worker(
                workspace=self.workspace,
                friendly_name=f"Agent {number}",
                activity=offline,
                attributes=routing_engine.attributes(self.dice),
                capacity=10 * CHATS,
                ceiling=10 * CHATS,
                idle_since=now + dt.timedelta(microseconds=number),
            )
            for number in range(workers)
        ]
        copy(self.at_home)
        copy(
            [
                WorkerChannel(worker=row, task_channel=channel, capacity=CHATS, ceiling=CHATS)
                for row in self.at_home
                for channel in channels
            ]
        )
        self.add_tasks(tasks)

    def add_tasks(self, count: int) -> None:
        """So many tasks come in and wait, for random queues."""
        now = clock.now()
        made = []
        for number in range(count):
            index = self.dice.randrange(len(self.queues))
            made.append(
                Task(
                    workspace=self.workspace,
                    workflow=self.workflow,
                    queue=self.queues[index],
                    task_channel=self.chat,
                    attributes={"queue": index, "customer": f"Customer {number}", "language": "en"},
                    filter_index=index,
                    target_index=0,
                    virtual_start_time=now + dt.timedelta(microseconds=number),
                    workflow_entered_at=now,
                    queue_entered_at=now,
                    expires_at=now + dt.timedelta(days=1),
                    created_at=now,
                )
            )
        copy(made)

    def next(self, count: int) -> list[Worker]:
        """The next agents who come on."""
        some, self.at_home = self.at_home[:count], self.at_home[count:]
        return some

    def come_on(self, count: int) -> None:
        """So many agents become available, and leave the news of it."""
        some = [worker.pk for worker in self.next(count)]
        with transaction.atomic():
            Worker.objects.filter(pk__in=some).update(activity=self.available, activity_since=clock.now())
            sql.insert([Change(kind="worker", subject=worker_id) for worker_id in some])


def copy(rows: Sequence[models.Model]) -> None:
    """Insert many rows of one model."""
    fields = rows[0]._meta.concrete_fields
    values = [tuple(getattr(row, field.attname) for field in fields) for row in rows]
    sql.write(rows[0]._meta.db_table, [str(field.column) for field in fields], values)


def tidy() -> None:
    """As autovacuum would; it must not run inside a measured round."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


class Ours:
    """The production router, in this process."""

    def __init__(self, shift: Shift, agents: int) -> None:
        self._shift, self._agents = shift, agents
        self.router = dispatch.Router("bench", ttl=600.0)
        if not self.router.lead(clock.now()):
            raise RuntimeError("The lease is taken.")
        self.router.tick(clock.now())
        while self.router.memory.unread:
            self.router.tick(clock.now())

    def turn(self) -> float:
        """Assignments a second of one start of shift."""
        self._shift.come_on(self._agents)
        began = time.perf_counter()
        made = self.router.tick(clock.now())
        spent = time.perf_counter() - began
        if made < self._agents * CHATS * 0.9:
            raise RuntimeError(f"Only {made} offers for {self._agents} agents.")
        return made / spent


class Commits:
    """INSERT and COMMIT, one client, nothing in between."""

    def __init__(self, client: psycopg.Connection[Any]) -> None:
        self._client = client
        client.execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, body text)")
        client.commit()

    def turn(self, seconds: float) -> float:
        """Commits a second."""
        made, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            self._client.execute("INSERT INTO bench_floor (body) VALUES (%s)", ("x" * 200,))
            self._client.commit()
            made += 1
        return made / (time.perf_counter() - began)


class OneAtATime:
    """The usual way to build a router on a table: SKIP LOCKED, one task per transaction, the same rows written.

    It is spared the hard part: which queues an agent is in it knows from memory, so it only looks at their heads.
    """

    def __init__(self, client: psycopg.Connection[Any], shift: Shift) -> None:
        self._client, self._shift = client, shift
        self._tests = [expression.compile(text).matches for text in shift.texts]

    def turn(self, agents: int) -> float:
        """Assignments a second while some agents come on. What it did is left as news, for our router to read."""
        coming = self._shift.next(agents)
        for worker in coming:
            self._client.execute(
                "UPDATE routing_worker SET activity_id = %s WHERE id = %s", (self._shift.available.pk, worker.pk)
            )
        self._client.commit()
        served = [
            (
                worker,
                [row.pk for row, test in zip(self._shift.queues, self._tests, strict=True) if test(worker.attributes)],
            )
            for worker in coming
        ]
        taken: list[Any] = []
        began = time.perf_counter()
        for worker, queues in served:
            for _ in range(CHATS):
                task = self._assign(worker, queues)
                if task is not None:
                    taken.append(task)
        spent = time.perf_counter() - began
        news = [Change(kind="task", subject=task) for task in taken]
        sql.insert([*news, *(Change(kind="worker", subject=worker.pk) for worker in coming)])
        return len(taken) / spent

    def _assign(self, worker: Worker, queues: list[Any]) -> Any:
        run, now = self._client.execute, clock.now()
        row = run(
            """
            SELECT t.id, t.event_seq, t.attributes, t.queue_id, t.workflow_id FROM routing_task t WHERE t.id = (
                SELECT h.id FROM unnest(%s::uuid[]) AS q(id) CROSS JOIN LATERAL (
                    SELECT id, priority, virtual_start_time FROM routing_task
                    WHERE queue_id = q.id AND ended_at IS NULL AND status = 'pending'
                    ORDER BY priority DESC, virtual_start_time LIMIT 1
                ) AS h ORDER BY h.priority DESC, h.virtual_start_time LIMIT 1
            ) AND t.status = 'pending' FOR NO KEY UPDATE SKIP LOCKED
            """,
            (queues,),
        ).fetchone()
        held = run(
            "SELECT load, event_seq FROM routing_worker WHERE id = %s AND load + 10 <= capacity FOR NO KEY UPDATE",
            (worker.pk,),
        ).fetchone()
        if row is None or held is None:
            self._client.rollback()
            return None
        task_id, task_seq, attributes, queue_id, workflow_id = row
        run(
            "UPDATE routing_task SET status = 'reserved', version = version + 1, event_seq = event_seq + 1,"
            " assignment_count = assignment_count + 1 WHERE id = %s",
            (task_id,),
        )
        run(
            "UPDATE routing_worker SET load = load + 10, version = version + 1, event_seq = event_seq + 1"
            " WHERE id = %s",
            (worker.pk,),
        )
        run(
            "UPDATE routing_workerchannel SET load = load + 1 WHERE worker_id = %s AND task_channel_id = %s",
            (worker.pk, self._shift.chat.pk),
        )
        reservation = ids.new_id()
        run(
            "INSERT INTO routing_reservation (id, created_at, task_id, worker_id, role, status, weight, units, due_at,"
            " reason, version) VALUES (%s, %s, %s, %s, 'owner', 'pending', 10, 1, %s, '', 0)",
            (reservation, now, task_id, worker.pk, now + dt.timedelta(days=1)),
        )
        data = {
            "reservation": {
                "sid": f"WR{reservation.hex}",
                "task": {"sid": f"WT{task_id.hex}", "attributes": attributes},
            },
            "worker": {"sid": worker.sid, "name": worker.friendly_name, "attributes": worker.attributes},
        }
        event = ids.new_id()
        run(
            "INSERT INTO routing_event (id, created_at, workspace_id, type, data, task_id, task_seq, worker_id,"
            " worker_seq, reservation_id, queue_id, workflow_id, task_channel_id)"
            " VALUES (%s, %s, %s, 'reservation.created', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(event, now, self._shift.workspace.pk, json.dumps(data), task_id, task_seq + 1, worker.pk),
                *(held[1] + 1, reservation, queue_id, workflow_id, self._shift.chat.pk),
            ),
        )
        run("INSERT INTO routing_eventbatch (created_at, events) VALUES (%s, %s)", (now, event.bytes))
        self._client.commit()
        return task_id


class NoOps:
    """Celery tasks that do nothing: one process publishes them, a worker as Celery starts it (prefork) does them."""

    def __init__(self) -> None:
        # Without Django's settings, which would bring our own transport (see ``noop``).
        plain = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        module = "contactcenter.bench.noop"
        worker = [sys.executable, "-m", "celery", "-A", module, "worker", "--loglevel", "ERROR"]
        worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        quiet = subprocess.DEVNULL
        self._worker = subprocess.Popen(worker, cwd=ROOT, env=plain, stdout=quiet, stderr=quiet, start_new_session=True)
        self._publisher = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=plain,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self.turn(20)
        except BaseException:
            self.close()
            raise

    def turn(self, count: int) -> float:
        """Tasks a second, from the first publishing until the last is done."""
        asking, answer = self._publisher.stdin, self._publisher.stdout
        assert asking is not None
        assert answer is not None
        asking.write(f"{count}\n")
        asking.flush()
        line = answer.readline()
        if not line:
            raise RuntimeError("The Celery worker does not answer.")
        return count / float(line)

    def close(self) -> None:
        os.killpg(self._worker.pid, signal.SIGKILL)  # it has nothing to finish
        self._worker.wait(20)
        self._publisher.kill()
        self._publisher.communicate(timeout=20)


def client() -> psycopg.Connection[Any]:
    """A connection to the same database with nothing of Django in it."""
    keep = ("host", "port", "dbname", "user", "password")
    given = connection.get_connection_params()
    return psycopg.connect(**{key: value for key, value in given.items() if key in keep and value})


def figures(shift: Shift, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Durable assignments against the three floors. Leaves the lease free."""
    rounds, agents = (7, 500) if quick else (9, 900)
    say("measuring durable assignments ...")
    ours, one, no_ops = Ours(shift, agents), OneAtATime(client(), shift), NoOps()
    commits = Commits(client())
    rates: dict[str, list[float]] = {"ours": [], "commits": [], "one": [], "celery": []}
    try:
        tidy()
        for number in range(rounds + 1):
            turns = {
                "commits": commits.turn(0.3 if quick else 1.0),
                "ours": ours.turn(),
                "one": one.turn(40),
                "celery": no_ops.turn(300),
            }
            ours.router.tick(clock.now())
            for name, rate in turns.items():
                if number:  # the first round warms up
                    rates[name].append(rate)
    finally:
        no_ops.close()
        ours.router.retire()
    mine = median(rates["ours"])
    return [
        Figure("durable / INSERT+COMMIT, one client", mine, median(rates["commits"]), "/s", 3, ">="),
        Figure("durable / SKIP LOCKED, one at a time", mine, median(rates["one"]), "/s", 20, ">="),
        Figure("durable / Celery no-op tasks", mine, median(rates["celery"]), "/s", 10, ">="),
    ]
