from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import adapters
from tests.factories.adapters import Provider


@pytest.fixture(autouse=True)
def provider() -> Iterator[Provider]:
    """The scripted provider behind the test adapters ("echo", "window", "idempotent")."""
    with adapters.installed() as installed:
        yield installed
