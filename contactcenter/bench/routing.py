"""``manage.py bench routing``: the router's figures, each against its floor in the same run.

What each row means is in docs/performance.md. The engine's rows need no database; the others run the production
router and batch code on a PostgreSQL and Redis of their own, with fsync on.
"""

from __future__ import annotations

from collections.abc import Callable

from contactcenter.bench import routing_engine
from contactcenter.bench.report import Figure


def run(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures, on an empty, migrated database."""
    return [*routing_engine.figures(quick=quick, say=say)]
