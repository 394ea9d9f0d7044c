from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from contactcenter.lib import clock
from routing.models import Lease

pytestmark = pytest.mark.django_db


def test_healthz_tells_how_long_the_routers_lease_lasts(client: Client) -> None:
    Lease.objects.create(name="router", holder="a", epoch=1, expires_at=clock.now() + dt.timedelta(seconds=60))

    told = client.get("/healthz").json()

    assert told["ok"] is True
    assert 55 < told["router_lease_seconds"] <= 60


def test_healthz_without_a_router_is_still_healthy(client: Client) -> None:
    assert client.get("/healthz").json() == {"ok": True, "database": True, "router_lease_seconds": None}


def test_healthz_is_503_when_the_database_does_not_answer(client: Client) -> None:
    def broken(*_: object) -> object:
        from django.db import OperationalError

        raise OperationalError("gone")

    with connection.execute_wrapper(broken):
        response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"ok": False, "database": False}


def test_metrics_are_for_loopback_unless_there_is_a_token(client: Client, settings: Settings) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"x-forwarded-for": "1.2.3.4"}).status_code == 403

    settings.METRICS_TOKEN = "let-me-see"
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer let-me-see"}).status_code == 200
