"""The flow of the demo."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conversations.models import Channel
from flows.models import ChannelFlow, Flow
from flows.services import publishing

_FOLDER = Path(__file__).resolve().parents[1] / "demo"
NAME = "Customer support"


def definition(name: str) -> Any:
    """A document of ``flows/demo``: "support" or "straight_to_queue"."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def install_demo(
    channels: Iterable[Channel] = (), *, document: str = "support", name: str = NAME, now: dt.datetime
) -> Flow:
    """The demo's flow, published, for those of ``channels`` that have none. Safe to repeat; changes of people stay."""
    flow, is_new = Flow.objects.get_or_create(friendly_name=name, defaults={"created_at": now})
    if is_new or flow.published is None:
        publishing.publish(flow, definition(document), commit_message="Demo")
    for channel in channels:
        ChannelFlow.objects.get_or_create(channel=channel, defaults={"flow": flow, "created_at": now})
    return flow
