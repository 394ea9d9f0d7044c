from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import live


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The demo's address; one process for a module's journeys, each with its own customers and agents."""
    with live.running("demo") as process:
        yield process.url
