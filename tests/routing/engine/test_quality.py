"""The production matcher under virtual time agrees with queueing theory; ``manage.py bench quality`` looks longer."""

from __future__ import annotations

import pytest

from contactcenter.bench import quality, quality_oracles


def test_the_product_form_of_one_pool_is_erlangs_formula() -> None:
    graph = quality.pool(4, 0.85)

    assert quality_oracles.product_form_wait(graph) == pytest.approx(quality_oracles.erlang_c_wait(3.4, 1.0, 4))


def test_waiting_in_one_pool_is_as_erlang_says() -> None:
    waits = [one.wait for one in quality.Simulation(quality.pool(5, 0.8), seed=11).run(30_000)]

    _, z = quality.score(waits, quality_oracles.erlang_c_wait(4.0, 1.0, 5))

    assert abs(z) <= 3


def test_as_many_give_up_as_erlang_a_says() -> None:
    outcomes = quality.Simulation(quality.pool(10, 1.1), seed=12, impatience=0.5).run(20_000)

    _, z = quality.score([float(one.agent < 0) for one in outcomes], quality_oracles.erlang_a_abandoned(11, 1, 10, 0.5))

    assert abs(z) <= 3


@pytest.mark.parametrize("graph", quality_oracles.GRAPHS, ids=lambda graph: graph.name)
def test_waiting_with_skills_is_as_the_product_form_says(graph: quality_oracles.Graph) -> None:
    waits = [one.wait for one in quality.Simulation(graph, seed=13).run(12_000)]

    _, z = quality.score(waits, quality_oracles.product_form_wait(graph))

    assert abs(z) <= 3


def test_no_decision_is_one_the_reference_would_not_have_made() -> None:
    graph, priorities = quality_oracles.GRAPHS[6], [0, 3, 0, 1, 0]

    outcomes = quality.Simulation(graph, seed=14, priorities=priorities).run(4_000)

    assert quality.audit(graph, outcomes, priorities) == 0
    assert quality.audit(graph, outcomes, [0] * 5) > 0  # the audit sees what is out of order


def test_nobody_is_overtaken_once_they_waited_as_long_as_anybody_may() -> None:
    graph = quality_oracles.Graph("two priorities", [9.0, 0.8], [1.0] * 10, [frozenset({0, 1})] * 10)
    priorities = [9, 0]

    bounded = quality.Simulation(graph, seed=15, priorities=priorities, overdue_after=2.0).run(6_000)
    without = quality.Simulation(graph, seed=15, priorities=priorities).run(6_000)

    assert quality.audit(graph, bounded, priorities, 2.0) == 0
    assert quality.audit(graph, without, priorities, 2.0) > 0


def test_offers_are_spread_more_evenly_than_by_chance() -> None:
    outcomes = quality.Simulation(quality.pool(10, 0.8), seed=16).run(20_000)

    offers = [sum(one.agent == agent for one in outcomes) for agent in range(10)]

    assert max(offers) / min(offers) <= 1.05
