"""Fixtures: the real PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contactcenter.bench import servers


@pytest.fixture(scope="session")
def stack() -> Iterator[servers.Stack]:
    """A private PostgreSQL and Redis for processes that a test starts; shared by the session's tests.

    Not the test database: ``pytest --stack`` puts that on servers of its own.
    """
    with servers.running() as started:
        yield started


@pytest.fixture
def own_stack() -> Iterator[servers.Stack]:
    """The same for one test alone, which may flush, stop and restart it."""
    with servers.running() as started:
        yield started
