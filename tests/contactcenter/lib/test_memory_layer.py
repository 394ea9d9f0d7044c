from __future__ import annotations

import asyncio
import threading

from contactcenter.lib.memory_layer import MemoryChannelLayer


async def test_messages_arrive_in_the_order_they_were_sent() -> None:
    layer = MemoryChannelLayer()

    for number in range(3):
        await layer.send("a", {"number": number})

    assert [(await layer.receive("a"))["number"] for _ in range(3)] == [0, 1, 2]


async def test_a_group_reaches_its_members_and_nobody_who_left() -> None:
    layer = MemoryChannelLayer()
    await layer.group_add("g", "stays")
    await layer.group_add("g", "leaves")
    await layer.group_discard("g", "leaves")

    await layer.group_send("g", {"type": "push"})
    await layer.send("leaves", {"type": "other"})

    assert await layer.receive("stays") == {"type": "push"}
    assert await layer.receive("leaves") == {"type": "other"}


async def test_a_send_from_another_thread_wakes_a_waiting_receiver() -> None:
    layer = MemoryChannelLayer()
    await layer.group_add("g", "a")
    waiting = asyncio.create_task(layer.receive("a"))
    await asyncio.sleep(0)

    threading.Thread(target=layer.group_send_nowait, args=("g", {"type": "push"})).start()

    assert await asyncio.wait_for(waiting, 2) == {"type": "push"}


def test_several_threads_and_loops_lose_nothing() -> None:
    layer = MemoryChannelLayer(capacity=10_000)
    received: dict[str, list[int]] = {"a": [], "b": []}
    joined = threading.Barrier(3)

    def read(name: str) -> None:
        async def take() -> None:
            await layer.group_add("g", name)
            joined.wait()
            for _ in range(1000):
                received[name].append((await asyncio.wait_for(layer.receive(name), 10))["number"])

        asyncio.run(take())

    readers = [threading.Thread(target=read, args=(name,)) for name in received]
    for reader in readers:
        reader.start()
    joined.wait()

    def write() -> None:
        for number in range(250):
            layer.group_send_nowait("g", {"number": number})

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for thread in (*writers, *readers):
        thread.join(20)

    assert sorted(received["a"]) == sorted(received["b"]) == sorted(list(range(250)) * 4)


async def test_a_reader_too_far_behind_loses_the_newest_and_the_layer_stays_bounded() -> None:
    layer = MemoryChannelLayer(capacity=2)

    for number in range(5):
        await layer.send("slow", {"number": number})

    assert [(await layer.receive("slow"))["number"] for _ in range(2)] == [0, 1]


async def test_a_member_that_never_reads_again_is_forgotten() -> None:
    layer = MemoryChannelLayer(capacity=1, expiry=0)
    await layer.group_add("g", "gone")
    await layer.group_send("g", {"number": 1})
    await asyncio.sleep(0.01)  # any time at all: it expires at once

    await layer.group_send("g", {"number": 2})

    assert layer._groups == {}
    assert layer._mailboxes == {}


async def test_a_cancelled_receiver_leaves_nothing_behind() -> None:
    layer = MemoryChannelLayer()
    waiting = asyncio.create_task(layer.receive("a"))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert layer._mailboxes == {}
