from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.conf import settings

from contactcenter.lib import hints, push


async def test_a_pushed_frame_reaches_the_group_from_any_thread() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("room", channel)

    threads = [threading.Thread(target=push.send, args=("room", {"n": n})) for n in (1, 2)]
    for thread in threads:
        thread.start()
        thread.join()

    assert [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(2)] == [
        {"type": "push", "frame": {"n": 1}},
        {"type": "push", "frame": {"n": 2}},
    ]
    await layer.group_discard("room", channel)


def test_a_push_that_cannot_be_sent_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("no layer")

    monkeypatch.setattr(push, "get_channel_layer", broken)

    push.send("room", {"n": 1})


@pytest.mark.redis
async def test_a_burst_arrives_whole_and_in_order_over_redis() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("burst", channel)

    for number in range(500):
        push.send("burst", {"n": number})
    frames = [(await asyncio.wait_for(layer.receive(channel), 5))["frame"]["n"] for _ in range(500)]

    assert frames == list(range(500))


@pytest.mark.redis
async def test_whatever_a_frame_says_arrives_over_redis() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("words", channel)

    push.send("words", {"text": "مرحبا \u2028", "none": None, "deep": [{"a": [1.5, True]}]})
    push.send("words", {"beyond_64_bits": 2**70})
    plain, large = [(await asyncio.wait_for(layer.receive(channel), 5))["frame"] for _ in range(2)]

    assert plain == {"text": "مرحبا \u2028", "none": None, "deep": [{"a": [1.5, True]}]}
    assert large == {"beyond_64_bits": float(2**70)}  # as a browser reads it


@pytest.mark.redis
def test_a_redis_that_is_away_never_holds_the_caller_up(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {**settings.CHANNEL_LAYERS["default"]["CONFIG"], "hosts": ["redis://127.0.0.1:1/0"]}
    monkeypatch.setitem(settings.CHANNEL_LAYERS["default"], "CONFIG", config)
    away = hints.Sender()
    monkeypatch.setattr(hints, "_sender", lambda: away)

    for number in range(hints.BACKLOG + 500):
        push.send("room", {"n": number})

    assert away.backlog <= hints.BACKLOG
