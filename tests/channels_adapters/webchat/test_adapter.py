from __future__ import annotations

from typing import Any

import httpx
import pytest

from channels_adapters.contract import Context, Health, Notice, OutboundMessage, SendReceipt
from channels_adapters.webchat import session
from channels_adapters.webchat.adapter import WebchatAdapter
from channels_adapters.webchat.config import Site
from channels_adapters.webchat.models import Visitor
from tests.factories.webchat import NOW

ADAPTER = WebchatAdapter()
VISITOR = Visitor(site="shop", seen_at=NOW)
GROUP = session.Session(Site("shop"), VISITOR).group


@pytest.fixture
def pushed() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def context(pushed: list[tuple[str, dict[str, Any]]]) -> Context:
    return Context(
        connection={},
        channel={"allowed_origins": ["self"]},
        channel_address="shop",
        http=httpx.Client(),
        now=NOW,
        publish=lambda group, frame: pushed.append((group, frame)),
    )


def test_sending_only_wakes_the_visitor(context: Context, pushed: list[Any]) -> None:
    receipt = ADAPTER.send(OutboundMessage(ref="TX1", recipient=VISITOR.address, text="secret words", seq=7), context)

    assert receipt == SendReceipt("TX1", "sent")
    assert pushed == [(GROUP, {"t": "look", "seq": 7})]


@pytest.mark.parametrize(
    ("notice", "frame"),
    [
        (("typing", {"active": True, "name": "Sara"}), {"t": "typing", "on": True, "name": "Sara"}),
        (("typing", {"active": False}), {"t": "typing", "on": False, "name": ""}),
        (("read", {"seq": 4}), {"t": "look"}),
        (("queue", {"ahead": 2, "wait_seconds": None}), {"t": "look"}),
        (("agent", {"name": "Sara"}), {"t": "look"}),
    ],
)
def test_notices_reach_the_visitors_sockets(
    notice: tuple[str, dict[str, Any]], frame: dict[str, Any], context: Context, pushed: list[Any]
) -> None:
    ADAPTER.notify(Notice(notice[0], VISITOR.address, notice[1]), context)

    assert pushed == [(GROUP, frame)]


def test_a_site_no_page_may_show_is_reported(context: Context) -> None:
    assert ADAPTER.probe(context) == Health(ok=True)
    context.channel = {}
    assert not ADAPTER.probe(context).ok
