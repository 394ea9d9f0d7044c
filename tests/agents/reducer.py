"""What a console does with frames, in Python: the reference the front end's reducer is held to."""

from __future__ import annotations

import copy
from typing import Any

LIVE = ("pending", "accepted", "wrapping")

State = dict[str, Any]


class MissedEvent(AssertionError):
    """An event came whose predecessor did not."""


def apply(state: State | None, frame: dict[str, Any]) -> State | None:
    """The state of a stream after one frame (``snapshot``, ``event`` or ``gone``). Old events change nothing."""
    if frame["type"] == "gone":
        return None
    if frame["type"] == "snapshot":
        snapshot: State = copy.deepcopy(frame["state"])
        return snapshot
    if state is None:
        raise MissedEvent(f"event {frame['seq']} before any snapshot")
    if frame["seq"] <= state["seq"]:
        return state
    if frame["seq"] != state["seq"] + 1:
        raise MissedEvent(f"event {frame['seq']} after {state['seq']}")
    new = {**state, "seq": frame["seq"]}
    for name, part in frame["data"].items():
        if name == "message":
            new["messages"] = sorted(_upsert(new["messages"], part), key=lambda message: message["seq"])
        elif name == "reservation":
            if part["status"] in LIVE:
                new["reservations"] = _upsert(new["reservations"], part)
            else:
                new["reservations"] = [one for one in new["reservations"] if one["sid"] != part["sid"]]
        else:
            new[name] = part
    return new


def _upsert(rows: list[State], row: State) -> list[State]:
    if any(one["sid"] == row["sid"] for one in rows):
        return [row if one["sid"] == row["sid"] else one for one in rows]
    return [*rows, row]


def apply_all(frames: list[dict[str, Any]], stream: str) -> State | None:
    state: State | None = None
    for frame in frames:
        if frame.get("stream") == stream:
            state = apply(state, frame)
    return state
