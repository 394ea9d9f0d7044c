"""Celery tasks that do nothing, as a floor: Celery as it comes, over Redis.

``celery -A contactcenter.bench.noop worker`` does them; ``python -m contactcenter.bench.noop`` publishes as many as the
lines of its standard input say, and answers each line with the seconds until the last was done. Both want to run
without Django's settings: those would bring the product's own, faster transport with them.
"""

from __future__ import annotations

import os
import sys
import time

import redis
from celery import Celery

#: Where the last task of a round says that it is done.
DONE = "bench-noop-done"
_URL = os.environ.get("REDIS_URL", "redis://")

app = Celery("noop", broker=_URL)
app.conf.update(task_ignore_result=True, task_default_queue="bench-noop", broker_connection_retry_on_startup=True)


@app.task(name="nothing")
def nothing() -> None:
    """Nothing."""


@app.task(name="last")
def last() -> None:
    redis.Redis.from_url(_URL).lpush(DONE, 1)


def publish(count: int, client: redis.Redis) -> float:
    """Seconds from the first of ``count`` tasks until the last is done."""
    client.delete(DONE)
    began = time.perf_counter()
    for _ in range(count - 1):
        nothing.delay()
    last.delay()
    if client.blpop([DONE], timeout=120) is None:
        sys.exit("The Celery worker does not answer.")
    return time.perf_counter() - began


if __name__ == "__main__":
    connection = redis.Redis.from_url(_URL, socket_timeout=None)
    for line in sys.stdin:
        print(publish(int(line), connection), flush=True)
