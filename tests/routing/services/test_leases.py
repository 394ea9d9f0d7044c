"""A lease has one holder at a time, by the database's clock, and an epoch that tells earlier ones apart."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction

from routing.models import Lease
from routing.services import leases

pytestmark = pytest.mark.django_db


def expire(name: str) -> None:
    Lease.objects.filter(name=name).update(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))


def test_a_held_lease_is_not_given_to_another() -> None:
    assert leases.acquire("router", "a", 60) == 1

    assert leases.acquire("router", "b", 60) is None
    assert leases.acquire("other", "b", 60) == 1


def test_taking_ones_own_lease_again_keeps_its_epoch() -> None:
    leases.acquire("router", "a", 60)

    assert leases.acquire("router", "a", 60) == 1


def test_an_expired_lease_goes_to_the_next_with_a_higher_epoch() -> None:
    leases.acquire("router", "a", 60)
    expire("router")

    assert leases.acquire("router", "b", 60) == 2


def test_who_lets_the_own_lease_expire_gets_a_new_epoch_too() -> None:
    leases.acquire("router", "a", 60)
    expire("router")

    assert leases.acquire("router", "a", 60) == 2


def test_holding_renews_and_tells_who_lost_it() -> None:
    leases.acquire("router", "a", 60)
    expire("router")

    with transaction.atomic():
        assert leases.hold("router", "a", 1, 60) is True
    assert leases.acquire("router", "b", 60) is None
    expire("router")
    leases.acquire("router", "b", 60)

    with transaction.atomic():
        assert leases.hold("router", "a", 1, 60) is False


def test_a_released_lease_is_free_at_once() -> None:
    leases.acquire("router", "a", 60)
    leases.release("router", "a", 99)
    assert leases.acquire("router", "b", 60) is None

    leases.release("router", "a", 1)

    assert leases.acquire("router", "b", 60) == 2
