"""Celery tasks that do nothing, as a floor: ``celery -A contactcenter.bench.noop worker``."""

from __future__ import annotations

import os

import redis
from celery import Celery

#: Where the last task of a round says that it is done.
DONE = "bench-noop-done"
_URL = os.environ.get("REDIS_URL", "redis://")

app = Celery("noop", broker=_URL)
app.conf.update(task_ignore_result=True, task_default_queue="bench-noop", broker_connection_retry_on_startup=True)


@app.task
def nothing() -> None:
    """Nothing."""


@app.task
def last() -> None:
    redis.Redis.from_url(_URL).lpush(DONE, 1)
