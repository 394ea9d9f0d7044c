"""A router that stands by reads while a silent leader's lease runs out, and trusts that only if nobody wrote."""

from __future__ import annotations

import datetime as dt

import pytest

from routing.engine.state import OFFERED
from routing.models import Lease
from routing.services import dispatch
from routing.services.memory import Memory
from tests.factories import routing as make
from tests.support import waiting

pytestmark = pytest.mark.django_db

TTL = 60.0


def left(seconds: float) -> None:
    """So much is left of the lease: nobody has renewed it since."""
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    Lease.objects.filter(name=dispatch.LEASE).update(expires_at=ends)


@pytest.fixture
def leader(now: dt.datetime) -> dispatch.Router:
    make.workspace()
    router = dispatch.Router("leader", ttl=TTL)
    assert router.lead(now)
    return router


@pytest.fixture
def standby() -> dispatch.Router:
    return dispatch.Router("standby", ttl=TTL)


def test_nothing_is_read_while_the_leader_is_well(
    leader: dispatch.Router, standby: dispatch.Router, now: dt.datetime
) -> None:
    assert not standby.lead(now)

    assert not standby.memory.matchers


def test_what_was_read_before_the_lease_ended_is_not_read_again(
    leader: dispatch.Router, standby: dispatch.Router, monkeypatch: pytest.MonkeyPatch, now: dt.datetime
) -> None:
    waits = make.task(now=now)
    leader.tick(now)
    left(2)
    assert not standby.lead(now)
    assert standby.memory.matchers
    assert standby.next_due() is None  # deadlines are the leader's
    worker = make.worker(now=now)  # leaves news
    monkeypatch.setattr(Memory, "rebuild", None)

    waiting.until(lambda: standby.lead(now))
    standby.tick(now)

    assert make.offers(waits) == [(worker.friendly_name, "pending")]


@pytest.mark.parametrize("was_seen", [True, False])
def test_what_the_leader_wrote_after_all_is_read(
    was_seen: bool, leader: dispatch.Router, standby: dispatch.Router, now: dt.datetime
) -> None:
    make.worker(now=now)
    left(20)
    assert not standby.lead(now)
    task = make.task(now=now)
    leader.tick(now)  # it was only slow
    if was_seen:
        assert not standby.lead(now)
        assert not standby.memory.matchers

    left(-1)
    assert standby.lead(now)

    (matcher,) = standby.memory.matchers.values()
    assert matcher.tasks[task.pk].state == OFFERED
