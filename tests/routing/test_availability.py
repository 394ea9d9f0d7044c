from __future__ import annotations

import pytest
from django.core.cache import cache

from channels_adapters import gateway
from routing.models import Worker
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def test_customers_are_told_whether_anybody_is_there() -> None:
    cache.clear()
    make.worker(activity_name="Offline")
    before = gateway.is_available("webchat", "shop")
    cache.clear()
    Worker.objects.update(activity=make.activity("Available"))

    assert before is False
    assert gateway.is_available("webchat", "shop") is True
    cache.clear()
