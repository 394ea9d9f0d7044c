"""``manage.py bench routing``: the router's figures, each against its floor in the same run.

What each row means is in docs/performance.md. The engine's rows need no database; the others run the production
router and batch code on a PostgreSQL and Redis of their own, with fsync on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contactcenter.bench import routing_durable, routing_engine, routing_scale
from contactcenter.bench.report import Figure


def run(database_url: str, redis_url: str, data: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures, on an empty, migrated database. Raises when something does not work at all."""
    figures = routing_engine.figures(quick=quick, say=say)
    figures += routing_scale.ceilings(quick=quick, say=say)
    say("filling the database ...")
    shift = routing_durable.Shift(workers=10_000, tasks=100_000, queues=500)
    figures += routing_durable.figures(shift, quick=quick, say=say)
    figures += routing_scale.run(shift, database_url, redis_url, data, quick=quick, say=say)
    return figures
