"""``manage.py bench quality``: are the decisions right? The production matcher under virtual time, against theory.

Customers come and agents work as the theory assumes; who gets whom is decided by the very code the router runs. What
comes out must agree with closed forms within the statistics' own error (|z| <= 3, batch means).
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from contactcenter.bench import quality_oracles as oracles
from contactcenter.bench.report import Figure
from routing.engine import expression
from routing.engine.matcher import Matcher
from routing.engine.model import Cancel, Offer, TaskSpec, WorkerSpec

#: Whoever goes off the hook at the start would wait forever for an offer to run out otherwise.
_FOREVER = 1e9
BATCHES = 40


class Outcome(NamedTuple):
    """One customer: ``wait`` until somebody took them, or until they gave up."""

    number: int
    kind: int
    came: float
    wait: float
    agent: int  # -1: gave up
    until: float  # when the agent was done with them


class Simulation:
    """Poisson arrivals by class, exponential service by agent, one task at a time. Deterministic by its seed."""

    def __init__(
        self,
        graph: oracles.Graph,
        *,
        seed: int,
        impatience: float = 0.0,
        priorities: Sequence[int] = (),
        overdue_after: float | None = None,
    ) -> None:
        self.graph = graph
        self.dice = random.Random(seed)
        self.impatience = impatience
        self.priorities = priorities or [0] * len(graph.arrivals)
        ids = itertools.count(1)
        self.matcher = Matcher(new_id=ids.__next__, overdue_after=overdue_after)
        self.matcher.put_channel("chat", "chat", 1)
        for kind in range(len(graph.arrivals)):
            self.matcher.put_queue(kind, expression.compile(f"skills HAS {kind}").node)
        for agent, skills in enumerate(graph.skills):
            self.matcher.put_worker(
                WorkerSpec(
                    id=agent,
                    sid=f"WK{agent}",
                    name=f"Agent {agent}",
                    attributes={"skills": sorted(skills)},
                    activity_sid="WA1",
                    activity_name="Available",
                    available=True,
                    capacity=1,
                    idle_since=agent * 1e-6,
                    channels={"chat": (1, True)},
                )
            )
        self.matcher.decide(0.001)

    def run(self, count: int) -> list[Outcome]:
        """What became of the first ``count`` customers, in the order they were served or gave up."""
        matcher, dice, graph = self.matcher, self.dice, self.graph
        total = sum(graph.arrivals)
        kinds = list(range(len(graph.arrivals)))
        now, numbers = 1.0, itertools.count()
        next_arrival = now + dice.expovariate(total)
        departures: list[tuple[float, int]] = []
        came: dict[int, tuple[int, float]] = {}
        outcomes: list[Outcome] = []
        while len(outcomes) < count:
            due = matcher.next_due() if self.impatience or matcher.overdue_after else None
            now = min(next_arrival, departures[0][0] if departures else _FOREVER, due if due is not None else _FOREVER)
            if now == next_arrival:
                number, kind = next(numbers), dice.choices(kinds, graph.arrivals)[0]
                came[number] = kind, now
                matcher.put_task(
                    TaskSpec(
                        id=number,
                        queue=kind,
                        channel="chat",
                        direct=True,
                        priority=self.priorities[kind],
                        start=now,
                        entered=now,
                        expires=now + dice.expovariate(self.impatience) if self.impatience else None,
                    )
                )
                next_arrival = now + dice.expovariate(total)
            elif departures and now == departures[0][0]:
                matcher.finished(heapq.heappop(departures)[1], now)
            for decision in matcher.decide(now):
                if isinstance(decision, Offer):
                    matcher.accepted(decision.reservation, now)
                    kind, at = came.pop(decision.task)
                    agent = int(decision.worker)
                    until = now + dice.expovariate(graph.services[agent])
                    outcomes.append(Outcome(int(decision.task), kind, at, now - at, agent, until))
                    heapq.heappush(departures, (until, decision.task))
                elif isinstance(decision, Cancel):
                    matcher.drop_task(decision.task)
                    kind, at = came.pop(decision.task)
                    outcomes.append(Outcome(int(decision.task), kind, at, now - at, -1, now))
        return outcomes


def score(values: Sequence[float], expected: float, *, batches: int = BATCHES) -> tuple[float, float]:
    """(mean, z): how many standard errors the mean of a correlated series lies from ``expected``, by batch means.

    The first tenth is left out: it starts from an empty house.
    """
    kept = values[len(values) // 10 :]
    size = len(kept) // batches
    means = [sum(kept[size * index : size * (index + 1)]) / size for index in range(batches)]
    mean = sum(means) / batches
    error = math.sqrt(sum((one - mean) ** 2 for one in means) / (batches - 1) / batches)
    return mean, (mean - expected) / error


def pool(agents: int, load: float) -> oracles.Graph:
    """So many alike, at this load."""
    return oracles.Graph(f"pool of {agents}", [agents * load], [1.0] * agents, [frozenset({0})] * agents)


def audit(
    graph: oracles.Graph,
    outcomes: Sequence[Outcome],
    priorities: Sequence[int] = (),
    overdue_after: float = math.inf,
) -> int:
    """Replay it with a reference that looks at everybody for everything: how many decisions it would not have made.

    Wrong is who is served while somebody who comes first waits whom the same agent could serve, and who is given to
    one agent while another able one has been idle for longer.
    """
    ranks = priorities or [0] * len(graph.arrivals)
    idle_since = {agent: agent * 1e-6 for agent in range(len(graph.services))}
    arrivals = iter(sorted(outcomes, key=lambda one: one.came))
    coming = next(arrivals, None)
    waiting: dict[int, Outcome] = {}
    wrong = 0

    def place(one: Outcome, now: float) -> tuple[float, float]:
        return (-math.inf if now - one.came >= overdue_after else -ranks[one.kind], one.came)

    for one in sorted(outcomes, key=lambda one: one.came + one.wait):
        now = one.came + one.wait
        while coming is not None and coming.came <= now:
            waiting[coming.number] = coming
            coming = next(arrivals, None)
        waiting.pop(one.number, None)
        if one.agent < 0:
            continue
        skills, mine = graph.skills[one.agent], place(one, now)
        wrong += any(other.kind in skills and place(other, now) < mine for other in waiting.values())
        able = [agent for agent, known in enumerate(graph.skills) if one.kind in known]
        since = idle_since[one.agent]
        wrong += any(idle_since[agent] < since and idle_since[agent] < now for agent in able)
        idle_since[one.agent] = one.until  # in the future: busy till then
    return wrong


def run(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Every figure. ``ours`` is what was simulated, ``floor`` the closed form."""
    count = 60_000 if quick else 1_100_000
    made: list[Figure] = []
    for graph in [pool(5, 0.9), pool(20, 0.9), pool(50, 0.9)]:
        say(f"Erlang C, {graph.name} ...")
        waits = [one.wait for one in Simulation(graph, seed=1).run(count)]
        agents = len(graph.services)
        made.append(
            _agrees(f"Erlang C, {agents} agents: mean wait", waits, oracles.erlang_c_wait(agents * 0.9, 1.0, agents))
        )
    say("Erlang A ...")
    impatient = pool(50, 1.1)
    gave_up = [float(one.agent < 0) for one in Simulation(impatient, seed=2, impatience=0.5).run(count)]
    made.append(
        _agrees("Erlang A, 50 agents at 110 %: gave up", gave_up, oracles.erlang_a_abandoned(55.0, 1.0, 50, 0.5))
    )
    for graph in oracles.GRAPHS:
        say(f"product form, {graph.name} ...")
        waits = [one.wait for one in Simulation(graph, seed=3).run(count)]
        made.append(_agrees(f"product form, {graph.name}: mean wait", waits, oracles.product_form_wait(graph)))
    say("order ...")
    made += _order(20_000 if quick else 200_000)
    say("pooling, fairness, starvation ...")
    made += [_pooling(count), *_fairness(100_000), *_starvation(30_000 if quick else 300_000)]
    return made


def _agrees(name: str, values: Sequence[float], expected: float) -> Figure:
    """Simulated against the closed form; what counts is how many standard errors lie between."""
    mean, z = score(values, expected)
    return Figure(name, mean, expected, "", 3, "<=", score=abs(z), label="|z|")


def _order(count: int) -> list[Figure]:
    made = []
    for graph, priorities in [(oracles.GRAPHS[4], [0] * 4), (oracles.GRAPHS[6], [0, 3, 0, 1, 0])]:
        outcomes = Simulation(graph, seed=4, priorities=priorities).run(count)
        wrong = audit(graph, outcomes, priorities)
        name = f"order of {count:,}, {graph.name}: decisions a reference would not have made"
        made.append(Figure(name, wrong, 0, "", 0, "<=", score=wrong))
    return made


def _pooling(count: int) -> Figure:
    """Six classes, sixty agents with two neighbouring skills each: how much of one pool's advantage is lost."""
    skills = [frozenset({agent % 6, (agent + 1) % 6}) for agent in range(60)]
    graph = oracles.Graph("two skills", [9.3] * 6, [1.0] * 60, skills)
    waits = [one.wait for one in Simulation(graph, seed=5).run(count)]
    kept = waits[len(waits) // 10 :]
    pooled, separate = oracles.erlang_c_wait(55.8, 1.0, 60), oracles.erlang_c_wait(9.3, 1.0, 10)
    lost = (sum(kept) / len(kept) - pooled) / (separate - pooled)
    return Figure("pooling lost with two skills per agent", sum(kept) / len(kept), pooled, "", 0.08, "<=", score=lost)


def _fairness(count: int) -> list[Figure]:
    """Ten alike at 80 %: the busiest against the least busy, in offers and in time, and against a throw of dice."""
    outcomes = Simulation(pool(10, 0.8), seed=6).run(count)
    dice = random.Random(7)
    offers, random_offers, busy = [0] * 10, [0] * 10, [0.0] * 10
    for one in outcomes:
        offers[one.agent] += 1
        busy[one.agent] += one.until - one.came - one.wait
        random_offers[dice.randrange(10)] += 1
    by_dice = max(random_offers) / min(random_offers)
    return [
        Figure(
            "fairness: offers, most / least",
            max(offers) / min(offers),
            by_dice,
            "",
            1.05,
            "<=",
            score=max(offers) / min(offers),
        ),
        Figure(
            "fairness: time at work, most / least",
            max(busy) / min(busy),
            by_dice,
            "",
            1.05,
            "<=",
            score=max(busy) / min(busy),
        ),
    ]


def _starvation(count: int) -> list[Figure]:
    """Urgent customers alone fill 90 % of ten agents, others come besides: the others with and without a bound."""
    graph = oracles.Graph("two priorities", [9.0, 0.8], [1.0] * 10, [frozenset({0, 1})] * 10)
    bound = 5.0
    bounded = Simulation(graph, seed=8, priorities=[9, 0], overdue_after=bound).run(count)
    free = Simulation(graph, seed=8, priorities=[9, 0]).run(count)
    overtaken = audit(graph, bounded, [9, 0], bound)
    longest = [max(one.wait for one in outcomes if one.kind == 1) for outcomes in (bounded, free)]
    return [
        Figure("starvation: overtaken after the bound", overtaken, 0, "", 0, "<=", score=overtaken),
        Figure("starvation: longest wait with / without a bound", longest[0], longest[1], "", 1, "<="),
    ]
