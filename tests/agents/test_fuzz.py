"""Whatever a client sends gets exactly one named answer, and the console goes on."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import User
from agents.protocol import commands
from tests.agents import scenes
from tests.agents.console import Tab
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = "0" * 32

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def likely(field: str, sids: dict[str, str]) -> st.SearchStrategy[Any]:
    """Values this field may well have, so that the fuzz gets past the front door."""
    own: dict[str, list[Any]] = {
        "conversation": [sids["CH"], "CH" + NOTHING],
        "reservation": [sids["WR"], "WR" + NOTHING],
        "activity": [sids["WA"], "WA" + NOTHING],
        "message": ["IM" + NOTHING],
        "reply_to": ["IM" + NOTHING, None],
        "conversations": [{sids["CH"]: None}, {sids["CH"]: 3}, {"CH" + NOTHING: 0}],
        "attachments": [[], ["nope"]],
        "active": [True, False],
        "force": [True, False],
        "disposition": ["", "resolved"],
    }
    if field in own:
        return st.sampled_from(own[field])
    if field in ("seq", "seen_seq", "worker_seq"):
        return st.integers(0, 2**31 - 1)
    return st.text(min_size=1, max_size=40)


def frames(sids: dict[str, str]) -> st.SearchStrategy[str]:
    def command(kind: type[commands.Command]) -> st.SearchStrategy[dict[str, Any]]:
        names = [field.name for field in dataclasses.fields(kind) if "read" in field.metadata and field.name != "id"]
        values = st.fixed_dictionaries(
            {}, optional={name: st.one_of(likely(name, sids), likely(name, sids), anything) for name in names}
        )
        return st.tuples(values, st.text(min_size=1, max_size=8) | anything).map(
            lambda given: {**given[0], "type": kind.type, "id": given[1]}
        )

    well_formed = st.one_of([command(kind) for kind in commands.COMMANDS.values()]).map(json.dumps)
    return st.one_of(well_formed, well_formed, anything.map(json.dumps), st.text(max_size=60))


async def prepare() -> tuple[User, dict[str, str]]:
    amira = await database_sync_to_async(factory.agent)()
    held = await database_sync_to_async(scenes.conversation)(owner=amira)
    offered = await database_sync_to_async(routing.conversation)()
    reservation = await database_sync_to_async(scenes.offer)(offered, amira)
    activity = await database_sync_to_async(routing.activity)("Break")
    return amira, {"CH": held.sid, "WR": reservation.sid, "WA": activity.sid}


async def test_whatever_is_sent_gets_one_named_answer() -> None:
    amira, sids = await prepare()
    session = ""

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=False)
    @given(st.lists(frames(sids), min_size=5, max_size=25))
    def collect(texts: list[str]) -> None:
        batches.append(texts)

    batches: list[list[str]] = []
    await database_sync_to_async(collect)()

    for texts in batches:
        async with Tab(amira, session=session, keeps_state=False) as tab:
            session = tab.session
            for text in texts:
                await tab.send_raw(text)
                answer = await tab.until("ok", "refused", "error", "pong")
                if answer["type"] in ("refused", "error"):
                    assert answer["code"] not in ("", "internal_error"), (text, answer)
                    assert answer["message"], (text, answer)
            assert await tab.ask_ping() == {"type": "pong"}
            answers = [frame for frame in tab.seen if frame["type"] in ("ok", "refused", "error", "pong")]
            assert len(answers) == len(texts) + 1
