from __future__ import annotations

import pytest


@pytest.fixture
def no_jobs(drain: object) -> None:
    """Jobs are recorded and never run (``drain`` does that by being there)."""
