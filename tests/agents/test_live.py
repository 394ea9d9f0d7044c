"""The console against our real process: cut lines, and a server killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.agents.live_console import LiveTab, Phone
from tests.support.live import Live

pytestmark = pytest.mark.faults

OMAR = "7340150028816004"


async def test_a_rejected_offer_goes_to_the_next_agent_who_speaks_the_customers_language(
    live_process: Callable[..., Live],
) -> None:
    live = live_process("demo")
    phone = Phone(live.url, OMAR)
    async with (
        LiveTab(live.url, "amira", "demo-amira") as amira,
        LiveTab(live.url, "omar", "demo-omar") as omar,
        LiveTab(live.url, "chen", "demo-chen") as chen,
    ):
        for tab in (chen, amira, omar):
            await tab.go_available()
        phone.says("وكيل مباشر")
        await phone.hears("أي قسم")
        phone.says("الدعم")

        first, offer = await first_offered(amira, omar)
        await first.ask("reservation.reject", reservation=offer["sid"])
        other, offer = await first_offered(*({amira, omar} - {first}))
        sid = (await other.ask("reservation.accept", reservation=offer["sid"]))["conversation"]
        await other.ask("subscribe", conversations={sid: None})
        await other.ask("message.send", conversation=sid, key="k", text="مرحبًا، كيف أساعدك؟", seen_seq=4)

        await phone.hears("مرحبًا، كيف أساعدك؟")
        assert all(frame["type"] != "event" or "reservation" not in frame["data"] for frame in chen.seen)
        await first.until("worker", lambda state: state["reservations"] == [])


async def first_offered(*tabs: LiveTab) -> tuple[LiveTab, dict[str, str]]:
    """Who of them is offered something first, and the offer."""

    async def wait(tab: LiveTab) -> tuple[LiveTab, dict[str, str]]:
        state = await tab.until("worker", lambda state: any(r["status"] == "pending" for r in state["reservations"]))
        return tab, next(one for one in state["reservations"] if one["status"] == "pending")

    waiting = [asyncio.create_task(wait(tab)) for tab in tabs]
    done, late = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return done.pop().result()


def texts(state: dict[str, list[dict[str, str]]]) -> list[str]:
    return [message["text"] for message in state["messages"]]


async def test_a_console_cut_off_and_a_server_killed_lose_nothing(live_process: Callable[..., Live]) -> None:
    live = live_process("demo")
    phone = Phone(live.url, OMAR)
    async with LiveTab(live.url, "supervisor", "demo-supervisor") as tab:
        phone.says("متى تفتحون؟")
        sid = await tab.newest_conversation()
        await tab.ask("subscribe", conversations={sid: None})
        await tab.until(sid, lambda state: len(state["messages"]) >= 2)
        await tab.close()

        for number in range(3):
            phone.says(f"أين طلبي؟ {number}")
        await tab.settled(sid)
        live.kill()
        live.start()
        tab.move(live.url)
        await tab.open()
        held = tab.states[sid]
        assert held is not None
        tab.seen.clear()
        await tab.catch_up()

        async with LiveTab(live.url, "supervisor", "demo-supervisor") as fresh:
            await fresh.ask("subscribe", conversations={sid: None})
            last = fresh.states[sid]
            assert last is not None
            assert await tab.until(sid, lambda state: state["seq"] >= last["seq"]) == last
        replayed = [frame["seq"] for frame in tab.seen if frame.get("stream") == sid]
        assert replayed == list(range(held["seq"] + 1, last["seq"] + 1))
        assert {frame["type"] for frame in tab.seen if frame.get("stream") == sid} == {"event"}
        assert [text for text in texts(last) if text.startswith("أين")] == [f"أين طلبي؟ {n}" for n in range(3)]
