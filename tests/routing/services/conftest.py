from __future__ import annotations

import datetime as dt

import pytest

from tests.routing.services.transfer_scene import Scene


@pytest.fixture
def scene(now: dt.datetime) -> Scene:
    return Scene(now)
