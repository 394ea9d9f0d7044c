"""Our values -> frames of the wire. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from channels_adapters.gateway import HistoryFile, HistoryMessage, ThreadState

Frame = dict[str, Any]
#: attachment key -> a short-lived signed address
Address = Callable[[str], str]

_FROM = {"contact": "visitor", "user": "agent", "external": "agent", "bot": "bot", "system": "system"}


def external_id(visitor: str, cid: str) -> str:
    """A visitor's message id on the channel. The cid is the browser's own, so it only counts beside its visitor."""
    return f"{visitor}:{cid}"


def time(at: dt.datetime) -> str:
    """``2026-11-22T07:00:00.123Z``"""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message(value: HistoryMessage, visitor: str, address: Address) -> Frame:
    """One message as its visitor sees it."""
    frame: Frame = {
        "t": "message",
        "id": value.sid,
        "conversation": value.conversation,
        "seq": value.seq,
        "from": {"type": _FROM.get(value.author, "system"), "name": value.author_name, "avatar": None},
        "kind": value.kind,
        "text": value.text,
        "attachments": [file(item, address) for item in value.files],
        "quick_replies": list(value.quick_replies),
        "at": time(value.at),
    }
    if value.direction == "in":
        frame["from"]["name"] = ""
        # What has no id of its own on the channel is stored under its key.
        frame["cid"] = value.external_id.removeprefix("key:").removeprefix(external_id(visitor, ""))
    return frame


def file(value: HistoryFile, address: Address) -> Frame:
    return {
        "id": value.key,
        "kind": value.kind,
        "name": value.name,
        "type": value.content_type,
        "size": value.size,
        "url": address(value.key) if value.state == "stored" else "",
    }


def state(value: ThreadState, *, is_available: bool, queue: Frame | None) -> Frame:
    """Who answers, and how far things are. Sent whole whenever it changed."""
    return {
        "t": "state",
        "conversation": value.conversation,
        "open": value.is_open,
        "owner": value.owner,
        "agent": {"name": value.agent_name} if value.agent_name else None,
        "agent_online": is_available,
        "read_seq": value.read_seq,
        "customer_read_seq": value.customer_read_seq,
        "queue": queue if value.is_open and value.owner == "queue" else None,
    }


def ack(cid: str, at: dt.datetime, known: HistoryMessage | None) -> Frame:
    """Stored. ``seq`` and ``id`` when they are known already: otherwise they come with the message itself."""
    return {
        "t": "ack",
        "cid": cid,
        "id": known.sid if known else None,
        "seq": known.seq if known else None,
        "conversation": known.conversation if known else None,
        "at": time(known.at if known else at),
        "dup": known is not None,
    }


def error(code: str, message: str = "", *, cid: str = "", retry: float | None = None) -> Frame:
    frame: Frame = {"t": "error", "code": code, "message": message, "cid": cid or None}
    if retry is not None:
        frame["retry_ms"] = max(1, round(retry * 1000))
    return frame
