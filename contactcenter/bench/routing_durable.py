"""Durable assignments: committed on a real PostgreSQL, constraints on, events written, by the production router.

A round is a start of shift: so many agents come on, the router hears of it, reads them, decides and commits. Its
floors, in turns with it on the same server:

* one client that inserts one row and commits, again and again: what durability costs at least;
* a router that takes one task at a time with SKIP LOCKED and writes the same rows;
* Celery no-op tasks through a real Redis, published and done: what one message per task would cost.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction

from contactcenter.bench import routing_engine
from contactcenter.bench.cluster import ROOT
from contactcenter.bench.report import Figure, median
from contactcenter.lib import clock, ids
from routing import sql
from routing.models import Activity, Change, Reservation, Task, TaskChannel, TaskQueue, Worker, WorkerChannel, Workspace
from routing.models import Workflow as WorkflowRow
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
        self.chat = TaskChannel.objects.get(workspace=self.workspace, unique_name="chat")
        queues_ = [
            TaskQueue(workspace=self.workspace, friendly_name=f"Queue {number}", target_workers=text)
            for number, text in enumerate(routing_engine.expressions(queues))
        ]
        TaskQueue.objects.bulk_create(queues_)
        steps = [
            {"expression": f"queue == {number}", "targets": [{"queue": row.sid}]} for number, row in enumerate(queues_)
        ]
        self.workflow = WorkflowRow.objects.create(
            workspace=self.workspace,
            friendly_name="Shift",
            configuration={"task_routing": {"filters": steps}},
            task_reservation_timeout=86400,
        )
        people = [
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
        Worker.objects.bulk_create(people, batch_size=2_000)
        WorkerChannel.objects.bulk_create(
            [WorkerChannel(worker=row, task_channel=self.chat, capacity=CHATS, ceiling=CHATS) for row in people],
            batch_size=5_000,
        )
        self.at_home = [row.pk for row in people]
        self.queues = queues_
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
        for start in range(0, count, 5_000):
            Task.objects.bulk_create(made[start : start + 5_000])

    def come_on(self, count: int) -> None:
        """So many agents become available, and leave the news of it."""
        some, self.at_home = self.at_home[:count], self.at_home[count:]
        with transaction.atomic():
            Worker.objects.filter(pk__in=some).update(activity=self.available, activity_since=clock.now())
            sql.insert([Change(kind="worker", subject=worker_id) for worker_id in some])

    def vacuum(self) -> None:
        """As autovacuum would have done; it must not run inside a measured round."""
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) routing_task, routing_worker, routing_workerchannel, routing_reservation")


class Ours:
    """The production router, in this process."""

    def __init__(self, shift: Shift, agents: int) -> None:
        self._shift, self._agents = shift, agents
        self.router = dispatch.Router("bench", ttl=600.0)
        if not self.router.lead(clock.now()):
            raise RuntimeError("The lease is taken.")
        self.router.tick(clock.now())

    def turn(self) -> float:
        """Assignments a second of one start of shift."""
        self._shift.come_on(self._agents)
        began = time.perf_counter()
        made = self.router.tick(clock.now())
        spent = time.perf_counter() - began
        if made < self._agents * CHATS * 0.95:
            raise RuntimeError(f"Only {made} offers for {self._agents} agents.")
        return made / spent


class Commits:
    """INSERT and COMMIT, one client, psycopg without anything in between."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._psycopg = connection.connection.__class__.connect(**_parameters())
        self._psycopg.execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, body text)")
        self._psycopg.commit()

    def turn(self, seconds: float) -> float:
        """Commits a second."""
        made, began = 0, time.perf_counter()
        until = began + seconds
        while time.perf_counter() < until:
            self._psycopg.execute("INSERT INTO bench_floor (body) VALUES (%s)", ("x" * 200,))
            self._psycopg.commit()
            made += 1
        return made / (time.perf_counter() - began)


def _parameters() -> dict[str, Any]:
    keep = ("host", "port", "dbname", "user", "password")
    return {key: value for key, value in connection.get_connection_params().items() if key in keep and value}
