from __future__ import annotations

import threading
import time

import pytest
from kombu import Connection, Queue

import contactcenter.celery  # noqa: F401  (names the transport)


def test_a_waiting_consumer_is_woken_at_once() -> None:
    arrived: list[float] = []
    sent: list[float] = []
    with Connection("embedded://localhost") as reading, Connection("embedded://localhost") as writing:
        queue = reading.SimpleBuffer("broker-test-wake")

        def read() -> None:
            for _ in range(9):
                queue.get(timeout=5)
                arrived.append(time.monotonic())

        reader = threading.Thread(target=read)
        reader.start()
        with writing.SimpleBuffer("broker-test-wake") as put:
            for number in range(9):
                time.sleep(0.03)  # the reader waits again by then: being woken is what is measured
                sent.append(time.monotonic())
                put.put({"n": number})
        reader.join(10)

    delays = sorted(at - since for at, since in zip(arrived, sent, strict=True))
    assert delays[4] < 0.03  # the median; looking every quarter of a second would make it a tenth


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
