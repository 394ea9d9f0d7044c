"""No task waits beside an agent who could have it, whatever happens and in whatever order.

A day of random doings through the services; after each the router looks once, as if nobody had rung. So every door
must leave its news, and the router must act on it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from routing.engine import expression
from routing.engine.matcher import Matcher
from routing.models import Change, Reservation, Task, TaskChannel, Worker, WorkerChannel
from routing.services import capacity, dispatch, presence, reservations, tasks
from tests.factories import routing as make

LANGUAGES = ("ar", "en")


class Day:
    """An office, a router, and everything that can happen in it."""

    def __init__(self, seed: int, now: dt.datetime) -> None:
        self.dice = random.Random(seed)
        self.now = now
        make.workspace(wrap_up_limit=90)
        queues = {name: make.queue(name=name, target_workers=f"languages HAS '{name}'") for name in LANGUAGES}
        everyone = make.queue(name="all")
        self.workflows = {
            name: make.workflow(
                {"queue": queues[name], "expression": "worker.level >= task.level", "timeout": 60, "priority": 5},
                {"queue": queues[name], "timeout": 60, "order_by": "worker.level DESC"},
                {"queue": everyone},
                timeout=40,
            )
            for name in LANGUAGES
        }
        self.workers = [self.new_worker() for _ in range(4)]
        self.router = dispatch.Router("day")
        assert self.router.lead(now)

    def new_worker(self) -> Worker:
        languages = self.dice.sample(LANGUAGES, self.dice.randint(0, 2))
        attributes = {"languages": languages, "level": self.dice.randint(0, 3)}
        capacities = {"chat": self.dice.randint(0, 3), "voice": 1}
        return make.worker(attributes=attributes, capacities=capacities, capacity=40, now=self.now)

    def one(self, rows: Any) -> Any:
        found = list(rows)
        return self.dice.choice(found) if found else None

    # ---- what can happen

    def task_comes(self) -> None:
        make.task(
            workflow=self.workflows[self.dice.choice(LANGUAGES)],
            attributes={"level": self.dice.randint(0, 3)},
            task_channel=self.dice.choice(["chat", "chat", "voice"]),
            conversation=make.conversation() if self.dice.random() < 0.5 else None,
            timeout=self.dice.choice([200, 86400]),
            now=self.now,
        )

    def worker_comes(self) -> None:
        if len(self.workers) < 7:
            self.workers.append(self.new_worker())

    def activity_changes(self) -> None:
        name = self.dice.choice(["Available", "Available", "Break"])
        worker = self.one(self.workers)
        presence.set_activity(
            worker, make.activity(name), by=None, reject_pending=self.dice.random() < 0.5, now=self.now
        )

    def skills_change(self) -> None:
        languages = self.dice.sample(LANGUAGES, self.dice.randint(0, 2))
        presence.update_attributes(
            self.one(self.workers), {"languages": languages, "level": self.dice.randint(0, 3)}, now=self.now
        )

    def capacity_changes(self) -> None:
        if self.dice.random() < 0.3:
            capacity.set_total(self.one(self.workers), capacity=self.dice.choice([10, 30, 40]), now=self.now)
        else:
            chat = TaskChannel.objects.get(unique_name="chat")
            capacity.set_channel(self.one(self.workers), chat, capacity=self.dice.randint(0, 3), now=self.now)

    def offer_is_answered(self) -> None:
        offer = self.one(Reservation.objects.filter(status="pending").select_related("worker"))
        if offer is not None:
            answer = self.dice.choice([reservations.accept, reservations.accept, reservations.reject])
            answer(offer, by=offer.worker, now=self.now)

    def task_goes_on(self) -> None:
        task = self.one(Task.objects.filter(status__in=["assigned", "wrapping"]))
        if task is not None:
            self.dice.choice([tasks.complete, tasks.wrap_up, tasks.requeue])(task, by=None, now=self.now)

    def task_changes(self) -> None:
        task = self.one(Task.objects.filter(status__in=["pending", "reserved"]))
        if task is not None:
            if self.dice.random() < 0.3:
                tasks.cancel(task, reason="left", now=self.now)
            else:
                level = self.dice.randint(0, 3)
                tasks.update(task, priority=self.dice.randint(0, 9), attributes={"level": level}, now=self.now)

    def console_comes_or_goes(self) -> None:
        worker = self.one(self.workers)
        if self.dice.random() < 0.5:
            presence.connected(worker, worker.sid, now=self.now)
        else:
            presence.disconnected(worker.sid, self.now)

    def time_passes(self) -> None:
        self.now += dt.timedelta(seconds=self.dice.choice([1, 5, 20, 30, 60, 200]))
        for row in Worker.objects.filter(sockets__isnull=False):
            presence.heartbeat(row.sid, self.now)
        presence.sweep(self.now)

    def a_new_router_leads(self) -> None:
        self.router.retire()
        self.router = dispatch.Router("day-again")
        assert self.router.lead(self.now)

    def step(self) -> None:
        happening: Callable[[], None] = self.dice.choice(
            [
                *[self.task_comes] * 4,
                *[self.offer_is_answered] * 4,
                *[self.task_goes_on] * 3,
                *[self.time_passes] * 3,
                *(self.worker_comes, self.activity_changes, self.skills_change, self.capacity_changes),
                *(self.task_changes, self.console_comes_or_goes, self.a_new_router_leads),
            ]
        )
        with contextlib.suppress(Refused):
            happening()
        self.router.tick(self.now, rung=False)

    # ---- what must hold

    def check(self) -> None:
        assert not Change.objects.exists()
        for worker in Worker.objects.all():
            live = list(Reservation.objects.filter(worker=worker, status__in=Reservation.LIVE).select_related("task"))
            assert worker.load == sum(row.weight for row in live) <= worker.ceiling
            for channel in WorkerChannel.objects.filter(worker=worker):
                assert channel.load == sum(
                    row.units for row in live if row.task.task_channel_id == channel.task_channel_id
                )
        for task in Task.objects.filter(status="pending").select_related("queue", "task_channel"):
            assert self.who_could_have(task) == [], (task, self.now)
        assert memory(self.router) == memory(self.fresh())

    def who_could_have(self, task: Task) -> list[str]:
        """Everybody eligible, available and with room who did not decline it lately: by the rows alone."""
        targets = task.workflow.configuration["task_routing"]["filters"][0]["targets"]  # type: ignore[union-attr]
        test = targets[task.target_index].get("expression", "1==1")
        found = []
        for worker in Worker.objects.filter(activity__available=True):
            scope = {"worker": worker.attributes, "task": task.attributes}
            channel = WorkerChannel.objects.get(worker=worker, task_channel=task.task_channel)
            declined = task.declined.get(worker.pk.hex)
            if (
                expression.compile(task.queue.target_workers).matches(worker.attributes)  # type: ignore[union-attr]
                and expression.compile(test).matches(scope)
                and channel.is_available
                and channel.load < channel.capacity
                and worker.load + task.task_channel.weight <= worker.capacity
                and (declined is None or dt.datetime.fromisoformat(declined) <= self.now - dt.timedelta(seconds=30))
            ):
                found.append(worker.friendly_name)
        return found

    def fresh(self) -> dispatch.Router:
        router = dispatch.Router("reader")
        router.memory.rebuild(self.now)
        for matcher in router.memory.matchers.values():
            assert matcher.decide(self.now.timestamp()) == []
        return router


def memory(router: dispatch.Router) -> dict[str, Any]:
    """What a router knows, in a form that two can be compared by."""
    (matcher,) = router.memory.matchers.values()
    assert isinstance(matcher, Matcher)
    return {
        "workers": {
            worker.id: (worker.available, worker.load, worker.loads, worker.caps, worker.pending, worker.idle_since)
            for worker in matcher.workers.values()
        },
        "tasks": {
            task.id: (task.state, task.position, task.queue, task.priority, task.version, dict(task.declined))
            for task in matcher.tasks.values()
        },
        "holds": {hold.id: (hold.accepted, hold.worker.id, hold.units, hold.weight) for hold in matcher.holds.values()},
        "waiting": sorted(task.id for task in matcher.tasks.values() if task.in_lane),
        "free": [
            sorted(worker.id for worker in matcher.workers.values() if idle.keys[worker.slot] >= 0)
            for idle in matcher.idle
        ],
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_nothing_waits_beside_somebody_who_could_have_it(seed: int, now: dt.datetime) -> None:
    day = Day(seed, now)
    for _ in range(80):
        day.step()
        day.check()
    assert Task.objects.count() > 10
