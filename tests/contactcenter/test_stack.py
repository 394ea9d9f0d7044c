from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_database_is_a_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        (version,) = cursor.fetchone()

    assert int(version) >= 140000


@pytest.mark.redis
def test_redis_answers() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.ping() is True
