"""Queueing theory in closed form: what waiting must come to under first come, first served and longest idle.

Erlang (1917) for one pool of agents; with impatient customers Palm (1946), known as Erlang A; and for skills the
product form of FCFS-ALIS (Adan and Weiss, "A skill based parallel service system under FCFS-ALIS", Stochastic
Systems 4(1), 2014): Poisson arrivals, exponential service that depends on the agent only.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence


def erlang_c_wait(arrivals: float, service: float, agents: int) -> float:
    """The mean wait of M/M/c: ``arrivals`` and ``service`` are rates."""
    offered = arrivals / service
    blocked = 1.0
    for count in range(1, agents + 1):
        blocked = offered * blocked / (count + offered * blocked)
    load = offered / agents
    waits = blocked / (1 - load + load * blocked)
    return waits / (agents * service - arrivals)


def erlang_a_abandoned(arrivals: float, service: float, agents: int, impatience: float) -> float:
    """The part of the customers of M/M/c+M who give up; ``impatience`` is the rate at which each waiting one does."""
    weight, total, waiting = 1.0, 1.0, 0.0
    for count in range(1, agents * 50 + 1000):
        weight *= arrivals / (min(count, agents) * service + max(0, count - agents) * impatience)
        total += weight
        waiting += weight * max(0, count - agents)
        if count > agents and weight < total * 1e-15:
            break
    return impatience * (waiting / total) / arrivals


@dataclasses.dataclass(frozen=True)
class Graph:
    """Classes of customers by their arrival rates, agents by their service rates, and who can serve whom."""

    name: str
    arrivals: Sequence[float]
    services: Sequence[float]
    #: by agent: the classes they can serve
    skills: Sequence[frozenset[int]]


def product_form_wait(graph: Graph) -> float:
    """The mean wait over all customers under FCFS-ALIS.

    The stationary law is a product along the order in which the busy agents' customers came and the idle became idle;
    orders are summed over by sets: ``busy(S)`` over all orders of S, ``idle(T)`` likewise, T the others.
    """
    everyone = (1 << len(graph.services)) - 1
    agents = range(len(graph.services))

    def rate(some: int) -> float:
        return sum(graph.services[agent] for agent in agents if some >> agent & 1)

    def only(some: int) -> float:
        """The arrivals that nobody but these can serve."""
        servers = [{agent for agent in agents if kind in graph.skills[agent]} for kind in range(len(graph.arrivals))]
        inside = {agent for agent in agents if some >> agent & 1}
        return sum(flow for flow, who in zip(graph.arrivals, servers, strict=True) if who <= inside)

    def reached(some: int) -> float:
        """The arrivals that one of these can serve."""
        kinds = {kind for agent in agents if some >> agent & 1 for kind in graph.skills[agent]}
        return sum(graph.arrivals[kind] for kind in kinds)

    @functools.cache
    def busy(some: int) -> tuple[float, float]:
        """(weight, weight times the mean number waiting)."""
        if not some:
            return 1.0, 0.0
        load = only(some) / rate(some)
        if load >= 1:
            raise ValueError(f"{graph.name}: more comes than can be served")
        before = [busy(some & ~(1 << agent)) for agent in agents if some >> agent & 1]
        factor = 1 / (rate(some) * (1 - load))
        weight = sum(one for one, _ in before)
        return weight * factor, (sum(mean for _, mean in before) + weight * load / (1 - load)) * factor

    @functools.cache
    def idle(some: int) -> float:
        if not some:
            return 1.0
        return sum(idle(some & ~(1 << agent)) for agent in agents if some >> agent & 1) / reached(some)

    total = waiting = 0.0
    for some in range(everyone + 1):
        weight, mean = busy(some)
        others = idle(everyone & ~some)
        total += weight * others
        waiting += mean * others
    return waiting / total / sum(graph.arrivals)


def _of(*skills: str) -> list[frozenset[int]]:
    return [frozenset(map(int, each)) for each in skills]


#: Skill graphs of two to six agents, from a shared pool to rings and trees, with equal and unequal rates.
GRAPHS = [
    Graph("pool of 4", [3.4], [1.0] * 4, _of("0", "0", "0", "0")),
    Graph("N", [0.7, 0.9], [1.0, 1.0], _of("01", "1")),
    Graph("W", [0.6, 0.6, 0.5], [1.0, 1.0], _of("01", "12")),
    Graph("M", [0.9, 1.5], [1.0, 1.0, 1.0], _of("0", "01", "1")),
    Graph("ring of 4", [0.85] * 4, [1.0] * 4, _of("01", "12", "23", "30")),
    Graph("chain of 5", [0.8, 0.7, 0.9, 0.8, 0.7], [1.0] * 5, _of("01", "12", "23", "34", "4")),
    Graph(
        "uneven 6 x 5",
        [0.9, 1.1, 0.6, 1.2, 0.8],
        [0.7, 1.3, 0.9, 1.1, 0.8, 1.0],
        _of("01", "12", "23", "34", "40", "13"),
    ),
    Graph("specialists and one generalist", [0.8, 0.8, 0.8], [1.0, 1.0, 1.0, 0.6], _of("0", "1", "2", "012")),
    Graph("levels", [0.9, 0.9, 0.8], [1.0, 1.0, 1.0], _of("0", "01", "012")),
]
