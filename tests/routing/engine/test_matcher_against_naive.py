"""The matcher makes the decisions a router would make that looks at everybody for everything: always, in any story."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing.engine import expression, workflow
from routing.engine.matcher import Matcher
from routing.engine.model import Cancel, Decision, Expire, Move, Offer, TaskSpec, WorkerSpec
from tests.routing.engine.naive import NaiveRouter, Queue

ACTIVITIES = {"WA1": True, "WA2": False}
QUEUES = {
    "all": ("1==1", 1, False),
    "ar": ("languages HAS 'ar'", 1, False),
    "vip": ("level >= 3 OR vip == true", 2, False),
    "news": ("1==1", 1, True),
    "none": ("1==0", 1, False),
}
DOCUMENTS: dict[str, Any] = {
    "plain": {"filters": [], "default_filter": {"queue": "all"}},
    "steps": {
        "filters": [
            {
                "expression": "language == 'ar'",
                "targets": [
                    {"queue": "ar", "expression": "worker.level >= task.level", "priority": 5, "timeout": 20},
                    {"expression": "worker.level != null", "timeout": 30, "order_by": "worker.level DESC"},
                    {"queue": "all", "order_by": "worker.level ASC, worker.age DESC"},
                ],
            },
            {
                "expression": "vip == true",
                "targets": [
                    {"queue": "vip", "known_worker_sid": "task.agent", "skip_if": "1==1"},
                    {"queue": "vip", "skip_if": "workers.available == 0", "timeout": "15"},
                ],
            },
            {"expression": "1==1", "targets": [{"queue": "news", "timeout": 40}]},
        ],
        "default_filter": {"queue": "all"},
    },
    "light": {
        "filters": [
            {
                "expression": "1==1",
                "targets": [
                    {"queue": "ar", "expression": "worker.channel.chat.assigned_tasks < 1", "timeout": 30},
                    {"queue": "all", "expression": "worker.channel.chat.configured_capacity > task.level"},
                ],
            }
        ]
    },
    "short": {
        "filters": [{"expression": "1==1", "targets": [{"queue": "vip", "timeout": 10}, {"queue": "ar", "timeout": 5}]}]
    },
}
CHANNELS = {"chat": 10, "voice": 30}

attributes = st.fixed_dictionaries(
    {},
    optional={
        "languages": st.lists(st.sampled_from(["ar", "en"]), unique=True, max_size=2),
        "level": st.one_of(st.integers(0, 4), st.just("high")),
        "vip": st.booleans(),
        "age": st.integers(20, 22),
    },
)
capacities = st.tuples(st.integers(0, 3), st.integers(0, 1))
task_attributes = st.fixed_dictionaries(
    {},
    optional={
        "language": st.sampled_from(["ar", "en"]),
        "level": st.integers(0, 3),
        "vip": st.booleans(),
        "agent": st.sampled_from(["WK0", "WK1", "WK9", None]),
    },
)


class Stories(RuleBasedStateMachine):
    """Both routers are told the same; after every step their decisions must be the same."""

    @initialize(
        newest_first=st.booleans(),
        overdue_after=st.sampled_from([None, None, 50.0]),
        interruptible=st.sets(st.sampled_from(sorted(CHANNELS))),
        optimized=st.sets(st.sampled_from(sorted(CHANNELS))),
    )
    def begin(
        self, newest_first: bool, overdue_after: float | None, interruptible: set[str], optimized: set[str]
    ) -> None:
        ids = itertools.count(1)
        rules: dict[str, Any] = {
            "reoffer_after": 30.0,
            "newest_queues_first": newest_first,
            "overdue_after": overdue_after,
        }
        self.matcher = Matcher(new_id=lambda: next(ids), **rules)
        self.naive = NaiveRouter(**rules)
        self.naive.interruptible, self.naive.optimized = interruptible, optimized
        for name, weight in CHANNELS.items():
            self.matcher.put_channel(
                name, name, weight, interruptible=name in interruptible, optimized=name in optimized
            )
            self.naive.weights[name] = weight
        for name, (text, max_reserved, newest) in QUEUES.items():
            compiled = expression.compile(text)
            self.matcher.put_queue(name, compiled.node, max_reserved=max_reserved, newest_first=newest)
            self.naive.queues[name] = Queue(compiled.matches, max_reserved, newest)
        for name, document in DOCUMENTS.items():
            parsed = workflow.parse({"task_routing": document}, lambda ref: ref if ref in QUEUES else None)
            self.matcher.put_workflow(name, parsed, 25.0)
            self.naive.workflows[name] = (parsed, 25.0)
        self.now = 1000.0
        self.workers: dict[str, WorkerSpec] = {}
        self.made = itertools.count()
        self.specs: dict[int, TaskSpec] = {}
        self.unsettled = 0
        self.at_once = 100

    def settle(self) -> None:
        """Ask both, compare, and do what a router's process does with deadlines. Not in a rush: then later, at once."""
        if self.unsettled:
            self.unsettled -= 1
            if self.unsettled:
                return
        while True:
            ours, theirs = self.decide(), self.naive.decide(self.now)
            order = (Offer, Move)
            assert [d for d in ours if isinstance(d, order)] == [d for d in theirs if isinstance(d, order)]
            assert sorted(map(repr, ours)) == sorted(map(repr, theirs))
            ends = [d for d in ours if isinstance(d, (Expire, Cancel))]
            if not ends:
                return
            for end in sorted(ends, key=repr):
                if isinstance(end, Expire):
                    if end.reservation in self.matcher.holds:
                        self.matcher.declined(end.reservation, self.now)
                        self.naive.declined(end.reservation, self.now)
                else:
                    self.matcher.drop_task(end.task)
                    self.naive.drop_task(end.task)

    def decide(self) -> list[Decision]:
        """All decisions, from as many calls as it takes; all of one task's offers and moves from the same."""
        made = self.matcher.decide(self.now, self.at_once)
        while not self.matcher.is_settled:
            more = self.matcher.decide(self.now, self.at_once)
            told = {one.task for one in made if isinstance(one, (Offer, Move))}
            assert not [one for one in more if isinstance(one, (Offer, Move)) and one.task in told]
            made += more
        return made

    @rule(at_once=st.sampled_from([1, 2, 5, 100]))
    def decides_at_once(self, at_once: int) -> None:
        self.at_once = at_once

    @rule(steps=st.integers(2, 8))
    def many_things_happen_at_once(self, steps: int) -> None:
        self.unsettled = steps

    def tell(self, spec: WorkerSpec) -> None:
        # Idle times are the routers' own once somebody accepted; tell both the same.
        known = self.naive.workers.get(spec.id)
        if known is not None:
            spec.idle_since, spec.idle_on = known.idle_since, known.idle_on
        self.matcher.put_worker(spec)
        self.naive.put_worker(spec, self.matcher.workers[spec.id].slot)

    @rule(
        is_available=st.booleans(),
        attributes=attributes,
        caps=capacities,
        total=st.sampled_from([100, 30, 20]),
        idle_on=st.dictionaries(st.sampled_from(sorted(CHANNELS)), st.integers(0, 5).map(float)),
    )
    def worker_comes(
        self,
        is_available: bool,
        attributes: dict[str, Any],
        caps: tuple[int, int],
        total: int,
        idle_on: dict[str, float],
    ) -> None:
        name = f"WK{len(self.workers)}"
        self.workers[name] = WorkerSpec(
            id=name,
            sid=name,
            name=name.lower(),
            attributes=attributes,
            activity_sid="WA1" if is_available else "WA2",
            activity_name="-",
            available=is_available,
            capacity=total,
            idle_since=self.now,
            channels={"chat": (caps[0], True), "voice": (caps[1], True)},
            idle_on=idle_on,
        )
        self.tell(self.workers[name])
        self.settle()

    @precondition(lambda self: self.naive.workers)
    @rule(data=st.data(), is_available=st.booleans(), attributes=attributes, caps=capacities)
    def worker_changes(self, data: Any, is_available: bool, attributes: dict[str, Any], caps: tuple[int, int]) -> None:
        name = data.draw(st.sampled_from(sorted(self.naive.workers)))
        old = self.naive.workers[name]
        self.tell(
            WorkerSpec(
                *(name, name, name.lower(), attributes, "WA1" if is_available else "WA2", "-", is_available),
                *(old.capacity, old.idle_since, {"chat": (caps[0], True), "voice": (caps[1], caps[0] > 1)}),
            )
        )
        self.settle()

    @precondition(lambda self: self.naive.workers)
    @rule(data=st.data())
    def worker_goes(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.naive.workers)))
        self.matcher.drop_worker(name)
        self.naive.drop_worker(name)
        self.settle()

    @rule(
        name=st.sampled_from(sorted(DOCUMENTS)),
        attributes=task_attributes,
        channel=st.sampled_from(sorted(CHANNELS)),
        priority=st.integers(0, 2),
        age=st.sampled_from([0, 0, 5, 100]),
        ttl=st.sampled_from([None, 45, 300]),
        not_worker=st.sampled_from(["", "", "", "WK0"]),
    )
    def task_comes(
        self,
        name: str,
        attributes: dict[str, Any],
        channel: str,
        priority: int,
        age: int,
        ttl: int | None,
        not_worker: str,
    ) -> None:
        document = self.naive.workflows[name][0]
        position = document.enter(attributes)
        assert position is not None
        target = document.target(position)
        assert target is not None
        spec = TaskSpec(
            id=next(self.made),
            queue=target.queue,
            channel=channel,
            workflow=name,
            attributes=attributes,
            priority=priority if target.priority is None else target.priority,
            start=self.now - age,
            position=position,
            entered=self.now,
            expires=None if ttl is None else self.now + ttl,
            not_worker=not_worker,
        )
        self.put(spec)

    @rule(
        to=st.sampled_from(["ar", "vip", "news", "WK0", "WK1"]),
        channel=st.sampled_from(sorted(CHANNELS)),
        priority=st.integers(0, 2),
        ignore_capacity=st.booleans(),
    )
    def task_comes_for_a_queue_or_a_worker(self, to: str, channel: str, priority: int, ignore_capacity: bool) -> None:
        worker = to if to.startswith("WK") else ""
        spec = TaskSpec(
            id=next(self.made),
            queue="all" if worker else to,
            channel=channel,
            workflow="plain",
            priority=priority,
            start=self.now,
            entered=self.now,
            direct=True,
            only_worker=worker,
            ignore_capacity=ignore_capacity and bool(worker),
        )
        self.put(spec)

    def put(self, spec: TaskSpec) -> None:
        self.specs[spec.id] = spec
        self.matcher.put_task(spec)
        self.naive.put_task(spec)
        self.settle()

    @precondition(lambda self: any(task.state == "waiting" for task in self.naive.tasks.values()))
    @rule(data=st.data(), priority=st.integers(0, 9))
    def task_is_reprioritised(self, data: Any, priority: int) -> None:
        waiting = [number for number, task in self.naive.tasks.items() if task.state == "waiting"]
        number = data.draw(st.sampled_from(sorted(waiting)))
        task = self.naive.tasks[number]
        old = self.specs[number]
        spec = TaskSpec(
            id=number,
            queue=task.queue,
            channel=old.channel,
            workflow=old.workflow,
            attributes=old.attributes,
            priority=priority,
            start=old.start,
            position=workflow.Position(task.filter, task.step),
            entered=task.entered,
            expires=old.expires,
            declined=dict(task.declined),
            not_worker=old.not_worker,
            direct=old.direct,
            only_worker=old.only_worker,
            ignore_capacity=old.ignore_capacity,
        )
        self.put(spec)

    def offers(self, *, accepted: bool) -> list[int]:
        return sorted(res.id for task in self.naive.tasks.values() for res in task.res if res.accepted is accepted)

    @precondition(lambda self: self.offers(accepted=False))
    @rule(data=st.data())
    def offer_is_accepted(self, data: Any) -> None:
        number = data.draw(st.sampled_from(self.offers(accepted=False)))
        self.matcher.accepted(number, self.now)
        self.naive.accepted(number, self.now)
        self.settle()

    @precondition(lambda self: self.offers(accepted=False))
    @rule(data=st.data())
    def offer_is_declined(self, data: Any) -> None:
        number = data.draw(st.sampled_from(self.offers(accepted=False)))
        self.matcher.declined(number, self.now)
        self.naive.declined(number, self.now)
        self.settle()

    @precondition(lambda self: self.offers(accepted=True))
    @rule(data=st.data())
    def task_is_finished(self, data: Any) -> None:
        task, _ = self.naive.find(data.draw(st.sampled_from(self.offers(accepted=True))))
        self.matcher.finished(task.spec.id, self.now)
        self.naive.finished(task.spec.id, self.now)
        self.settle()

    @precondition(lambda self: self.naive.tasks)
    @rule(data=st.data())
    def task_is_canceled(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.naive.tasks)))
        self.matcher.drop_task(number)
        self.naive.drop_task(number)
        self.settle()

    @rule(seconds=st.sampled_from([0.25, 1, 5, 10, 25, 30, 100]))
    def time_passes(self, seconds: float) -> None:
        # As a process does it: from deadline to deadline.
        self.unsettled = 0
        self.settle()
        until = self.now + seconds
        while (due := self.matcher.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.settle()
        self.now = until
        self.settle()

    @invariant()
    def nobody_is_over_capacity(self) -> None:
        for worker in (getattr(self, "matcher", None) and self.matcher.workers.values()) or []:
            by_channel, total = self.naive.load(worker.id)
            assert worker.load == total
            assert worker.loads == [by_channel.get(name, 0) for name in self.matcher.channel_ids]

    @invariant()
    def nobody_waits_beside_an_eligible_worker_with_room(self) -> None:
        naive: NaiveRouter | None = getattr(self, "naive", None)
        if naive is not None and not self.unsettled:
            for task in naive.tasks.values():
                assert task.state != "waiting" or naive.choose(task, naive.target(task)) is None

    @invariant()
    def what_waits_is_in_its_lane_and_nothing_else_is(self) -> None:
        matcher = getattr(self, "matcher", None)
        if matcher is not None and not self.unsettled:
            waiting = sum(task.state == "waiting" for task in self.naive.tasks.values())
            assert matcher.lanes.count() == waiting == sum(task.in_lane for task in matcher.tasks.values())


Stories.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestStories = Stories.TestCase
