"""The console against our real process: cut lines, and a server killed and started again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.agents.live_console import LiveTab, Phone
from tests.support.live import Live

pytestmark = pytest.mark.faults

OMAR = "7340150028816004"


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
