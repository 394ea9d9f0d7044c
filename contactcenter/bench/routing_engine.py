"""The pure engine against a bare heap and deque: the decision kernel, the full engine, and whether it stays flat.

The floor is what any router must do at least for one assignment: take the first of a heap of waiting tasks, put
another in, take a worker off a queue and put one back. It knows no skills. Both sides run in turns in one process.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from contactcenter.bench.report import Figure, median
from routing.engine import chooser, expression, workflow
from routing.engine.lanes import TICKET_BITS, TICKET_MASK
from routing.engine.matcher import Matcher
from routing.engine.model import Offer, TaskSpec, WorkerSpec
from routing.engine.state import Task, Worker
from routing.engine.workflow import Position

WORKERS, TASKS, EXPRESSIONS = 10_000, 100_000, 500
IDLE = 3_000
#: A task put back into the heap comes this much later than it stood: behind everything that waits.
_LATER = 10**12 << TICKET_BITS
_SKILLS, _LANGUAGES, _REGIONS = 50, 25, 10

Turn = Callable[[int], float]


def expressions(count: int = EXPRESSIONS) -> list[str]:
    """Distinct queue expressions over skills, levels, languages and regions; each means 2 to 12 % of the workers."""
    made = [f"skills HAS 's{skill}' AND level >= {level}" for level in range(1, 6) for skill in range(_SKILLS)]
    made += [
        f"languages HAS 'l{language}' AND region != 'r{region}'"
        for region in range(_REGIONS)
        for language in range(_LANGUAGES)
    ]
    for skill, other in itertools.combinations(range(_SKILLS), 2):
        if len(made) >= count:
            break
        made += [f"skills HAS 's{skill}' AND skills HAS 's{other}' AND level >= {level}" for level in (1, 2, 3, 4)]
    step = len(made) / count
    return [made[int(index * step)] for index in range(count)]


def attributes(dice: random.Random) -> dict[str, Any]:
    """What a worker is: everybody different."""
    return {
        "skills": [f"s{skill}" for skill in dice.sample(range(_SKILLS), dice.randint(2, 5))],
        "languages": [f"l{language}" for language in dice.sample(range(_LANGUAGES), dice.randint(1, 4))],
        "region": f"r{dice.randrange(_REGIONS)}",
        "level": dice.randint(1, 5),
    }


class World:
    """A matcher with workers, queues and a workflow with a filter per queue; tasks are put in as asked."""

    def __init__(
        self, *, workers: int = WORKERS, queues: int = EXPRESSIONS, seed: int = 1, capacity: int = 1, step: int = 0
    ) -> None:
        self.dice = random.Random(seed)
        ids = itertools.count(1)
        self.matcher = Matcher(new_id=ids.__next__)
        self.matcher.put_channel("chat", "chat", 10)
        texts = expressions(queues)
        for number, text in enumerate(texts):
            self.matcher.put_queue(number, expression.compile(text).node)
        # Each queue's step may have a time, so that there are timers to keep.
        filters = [
            {"expression": "1==1", "targets": [{"queue": str(number), **({"timeout": step} if step else {})}]}
            for number in range(len(texts))
        ]
        document = workflow.parse({"task_routing": {"filters": filters}}, int)
        self.matcher.put_workflow("W", document, 120.0)
        self.queues = len(texts)
        self.workers = workers
        self.capacity = capacity
        self.now = 1_000_000.0
        self._numbers = itertools.count(1)

    def come(self, idle: int | None = None) -> list[Worker]:
        """The workers come; those beyond ``idle`` are away. In the order of their idleness."""
        there = self.workers if idle is None else idle
        for number in range(self.workers):
            self.matcher.put_worker(self.worker(number, available=number < there))
        self.matcher.decide(self.now)
        return list(self.matcher.workers.values())

    def worker(self, number: int, *, available: bool = True) -> WorkerSpec:
        return WorkerSpec(
            id=f"WK{number}",
            sid=f"WK{number}",
            name=f"Worker {number}",
            attributes=attributes(self.dice),
            activity_sid="WA1" if available else "WA0",
            activity_name="Available" if available else "Offline",
            available=available,
            capacity=10 * self.capacity,
            idle_since=self.now - self.workers + number,
            channels={"chat": (self.capacity, True)},
        )

    def task(self, queue: int | None = None) -> TaskSpec:
        """The next task that comes in, for a random queue unless told."""
        number = next(self._numbers)
        queue = self.dice.randrange(self.queues) if queue is None else queue
        return TaskSpec(
            id=number,
            queue=queue,
            channel="chat",
            workflow="W",
            start=self.now + number * 1e-6,
            position=Position(queue, 0),
            entered=self.now,
            expires=self.now + 86400.0,
        )

    def wait(self, count: int, queues: list[int] | None = None) -> None:
        """So many tasks come and wait."""
        for _ in range(count):
            queue = None if queues is None else self.dice.choice(queues)
            self.matcher.put_task(self.task(queue), settled=True)
        self.matcher.decide(self.now)


# ---- the floor and what is measured against it ------------------------------------------------------------------


def floor(tasks: int, workers: int = WORKERS) -> Turn:
    """Heap and deque at this size, as Python's documentation of heapq shows it: (priority, number, task) in a heap.

    A turn makes so many assignments and returns the seconds they took.
    """
    heap = [(0, number, Waiting(number)) for number in range(tasks)]
    queue = deque(range(workers))
    numbers = itertools.count(tasks)

    def turn(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            worker = queue.popleft()
            _, _, task = heapq.heappop(heap)
            task.worker = worker
            heapq.heappush(heap, (0, next(numbers), task))
            queue.append(worker)
        return time.perf_counter() - began

    return turn


class Waiting:
    """A task of the floor."""

    __slots__ = ("number", "worker")

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker = -1


def kernel_busy(tasks: int = TASKS, unservable: float = 0.0) -> Turn:
    """Everybody is busy; who becomes free gets the best task they can do, and another one comes in.

    ``unservable``: this part of the backlog is for queues nobody is in.
    """
    world = World()
    workers = world.come()
    matcher = world.matcher
    hopeless = int(tasks * unservable)
    for index in range(50):
        matcher.put_queue(("nobody", index), expression.compile(f"skills HAS 'unknown{index}'").node)
    for number in range(tasks):
        spec = world.task()
        if number < hopeless:
            spec.queue, spec.direct = ("nobody", number % 50), True
        matcher.put_task(spec, settled=True)
    matcher._dirty_workers.clear()
    world.dice.shuffle(workers)
    busy = deque(workers)
    eligibility, lanes, tickets = matcher.eligibility, matcher.lanes, matcher._tickets
    for worker in workers:
        eligibility.pick(worker.slot)
    picks: list[Any] = eligibility.picks
    heads = lanes.heads[0]

    def turn(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            worker = busy.popleft()
            key = min(picks[worker.slot](heads))
            task = tickets[key & TICKET_MASK]
            lanes.remove(0, task.klass, key)
            task.key = key + _LATER
            lanes.push(0, task.klass, task.key)
            busy.append(worker)
        return time.perf_counter() - began

    return turn


def free_one_by_one(world: World, tasks: int) -> Turn:
    """As ``kernel_busy`` in any world, with the production choice among all channels and however many classes."""
    workers = world.come()
    matcher = world.matcher
    for _ in range(tasks):
        matcher.put_task(world.task(), settled=True)
    matcher._dirty_workers.clear()
    world.dice.shuffle(workers)
    busy = deque(workers)
    best_for, tickets, lanes = matcher._best_for, matcher._tickets, matcher.lanes

    def turn(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            worker = busy.popleft()
            key = best_for(worker)
            task = tickets[key & TICKET_MASK]
            lanes.remove(0, task.klass, key)
            task.key = key + _LATER
            lanes.push(0, task.klass, task.key)
            busy.append(worker)
        return time.perf_counter() - began

    return turn


def kernel_idle(idle: int = IDLE) -> Turn:
    """Many are idle: each task that comes gets the longest idle worker who can do it, and somebody else is done."""
    world = World()
    workers = world.come()
    matcher = world.matcher
    arrivals: list[Task] = []
    for _ in range(5_000):
        spec = world.task()
        matcher.put_task(spec)
        arrivals.append(matcher.tasks[spec.id])
    matcher._dirty_tasks.clear()
    world.dice.shuffle(workers)
    busy: deque[Worker] = deque()
    clock = itertools.count(int(world.now) + 1)
    line = matcher.idle[0]
    for worker in workers[idle:]:
        line.remove(worker.slot)
        busy.append(worker)
    coming = itertools.cycle(arrivals)
    choose, now = chooser.choose, world.now

    def turn(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            worker = choose(matcher, next(coming), now)
            if worker is not None:
                line.remove(worker.slot)
                busy.append(worker)
                line.insert(busy.popleft().slot, next(clock))
        return time.perf_counter() - began

    return turn


def full(tasks: int, idle: int = 0, capacity: int = 3) -> Turn:
    """The whole engine: offers with their time, 10 % declined, the rest accepted and finished one by one.

    Every task has a time to live and a step's timeout, every offer runs out. A turn counts offers; as many tasks come
    in before it, so that the backlog stays as it is.
    """
    world = World(capacity=capacity, step=3600)
    matcher, dice = world.matcher, world.dice
    world.wait(tasks + world.workers * capacity - idle)
    taken: list[int] = []
    for worker in range(world.workers):
        matcher.put_worker(world.worker(worker))
    for one in matcher.decide(world.now):
        if isinstance(one, Offer):
            matcher.accepted(one.reservation, world.now)
            taken.append(one.task)
    dice.shuffle(taken)
    held = deque(taken)
    verdicts = itertools.cycle([dice.random() < 0.1 for _ in range(9973)])

    def turn(count: int) -> float:
        for _ in range(count):
            matcher.put_task(world.task(), settled=True)
        made = 0
        now = world.now
        began = time.perf_counter()
        while made < count:
            now += 0.001
            matcher.finished(held.popleft(), now)
            decisions = matcher.decide(now)
            while decisions:
                declined = False
                for one in decisions:
                    if one.__class__ is Offer:
                        made += 1
                        if next(verdicts):
                            matcher.declined(one.reservation, now)
                            declined = True
                        else:
                            matcher.accepted(one.reservation, now)
                            held.append(one.task)
                decisions = matcher.decide(now) if declined else []
        spent = time.perf_counter() - began
        world.now = now
        return spent

    return turn


def in_turns(turns: list[Turn], *, rounds: int, count: int) -> list[list[float]]:
    """Rates of each, measured in turns: ABAB. The collector rests meanwhile, for all alike."""
    rates: list[list[float]] = [[] for _ in turns]
    for turn in turns:
        turn(count // 4)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for index, turn in enumerate(turns):
                rates[index].append(count / turn(count))
    finally:
        gc.enable()
    return rates


def figures(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Kernel, full engine and flatness."""
    rounds, count = (7, 10_000) if quick else (9, 30_000)
    say("measuring the engine ...")
    base, busy, idle, whole = in_turns(
        [floor(TASKS), kernel_busy(), kernel_idle(), full(TASKS)], rounds=rounds, count=count
    )
    made = [
        against("decision kernel, everybody busy", busy, base, 4),
        against("decision kernel, many idle", idle, base, 8),
        against("full engine", whole, base, 12),
    ]
    say("measuring flatness ...")
    large = 500_000 if quick else 1_000_000
    few_floor, many_floor, few, many = in_turns(
        [floor(1_000), floor(large), kernel_busy(1_000), kernel_busy(large)], rounds=rounds, count=count
    )
    made.append(
        Figure(
            f"flat: 1,000 -> {large:,} waiting",
            median(many) / median(few),
            median(many_floor) / median(few_floor),
            "",
            0.8,
            ">=",
        )
    )
    all_served, hopeless = in_turns([kernel_busy(), kernel_busy(unservable=0.95)], rounds=rounds, count=count)
    made.append(Figure("backlog 95 % unservable", median(hopeless), median(all_served), "/s", 0.8, ">="))
    return made


def against(name: str, ours: list[float], floor_: list[float], goal: float) -> Figure:
    """How many times slower than the floor, as the median over the rounds."""
    return Figure(name, 1e6 / median(ours), 1e6 / median(floor_), "us", goal, "<=")
