from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from kombu import Connection, Queue

import contactcenter.celery  # noqa: F401  (names the transport)


def test_a_waiting_consumer_is_woken_at_once() -> None:
    arrived: list[tuple[float, Any]] = []
    with Connection("embedded://localhost") as reading, Connection("embedded://localhost") as writing:
        queue = reading.SimpleBuffer("broker-test-wake")

        def read() -> None:
            message = queue.get(timeout=5)
            arrived.append((time.monotonic(), message.payload))

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(0.1)
        with writing.SimpleBuffer("broker-test-wake") as put:
            sent_at = time.monotonic()
            put.put({"n": 1})
        reader.join(5)

    ((at, payload),) = arrived
    assert payload == {"n": 1}
    assert at - sent_at < 0.2  # polling every quarter of a second would take longer more often than not


def test_an_idle_consumer_gives_up_in_time_to_be_stopped() -> None:
    with (
        Connection("embedded://localhost") as connection,
        connection.channel() as channel,
        connection.Consumer(Queue("broker-test-idle"), channel=channel),
    ):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=2.0)

    assert time.monotonic() - started < 1.0
