"""Webhook bodies as Facebook writes them, for the simulator and for tests. Pure.

``sign`` in signature.py makes the header; ``body`` the bytes it covers (non-ASCII escaped, as Facebook does).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from channels_adapters.simulator.base import compact_json

Event = dict[str, Any]


def milliseconds(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


@dataclasses.dataclass(frozen=True)
class PageWire:
    """What one page's webhooks look like."""

    page_id: str
    app_id: str

    def body(self, *events: Event, name: str = "messaging") -> bytes:
        """One request with one entry of these events. ``name``: "messaging" or "standby"."""
        return compact_json({"object": "page", "entry": [self.entry(*events, name=name)]})

    def entry(self, *events: Event, name: str = "messaging") -> Event:
        return {"time": max((e.get("timestamp", 0) for e in events), default=0), "id": self.page_id, name: list(events)}

    def event(self, psid: str, at: dt.datetime, **content: Any) -> Event:
        """One element from a person: the key in ``content`` is its kind."""
        return {
            "sender": {"id": psid},
            "recipient": {"id": self.page_id},
            "timestamp": milliseconds(at),
            **content,
        }

    def message(self, psid: str, mid: str, at: dt.datetime, **content: Any) -> Event:
        """``content``: text, attachments, quick_reply, reply_to ..."""
        return self.event(psid, at, message={"mid": mid, **content})

    def echo(self, psid: str, mid: str, at: dt.datetime, *, app_id: str = "", **content: Any) -> Event:
        """A message of the page, by ``app_id`` (ours when empty)."""
        app = app_id or self.app_id
        message = {"mid": mid, "is_echo": True, "app_id": int(app) if app.isdigit() else app, **content}
        return {
            "sender": {"id": self.page_id},
            "recipient": {"id": psid},
            "timestamp": milliseconds(at),
            "message": message,
        }

    def delivery(self, psid: str, mids: list[str], watermark: dt.datetime, at: dt.datetime) -> Event:
        return self.event(psid, at, delivery={"mids": mids, "watermark": milliseconds(watermark)})

    def read(self, psid: str, watermark: dt.datetime, at: dt.datetime) -> Event:
        return self.event(psid, at, read={"watermark": milliseconds(watermark)})

    def reaction(self, psid: str, mid: str, emoji: str, at: dt.datetime) -> Event:
        """``emoji`` empty: withdrawn."""
        if not emoji:
            return self.event(psid, at, reaction={"action": "unreact", "mid": mid})
        return self.event(psid, at, reaction={"reaction": "other", "emoji": emoji, "action": "react", "mid": mid})

    def edit(self, psid: str, mid: str, text: str, revision: int, at: dt.datetime) -> Event:
        return self.event(psid, at, message_edit={"mid": mid, "text": text, "num_edit": revision})

    def postback(self, psid: str, mid: str, title: str, payload: str, at: dt.datetime) -> Event:
        return self.event(psid, at, postback={"mid": mid, "title": title, "payload": payload})
