"""The sample frames both sides' tests read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "frames"


def load(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def server_frame(name: str) -> dict[str, Any]:
    """One sample of server.json by its name."""
    return next(sample["frame"] for sample in load("server") if sample["name"] == name)


def shape(value: Any, *, open_keys: frozenset[str] = frozenset({"attributes", "data", "reactions", "media"})) -> Any:
    """Which keys an object has, all the way down; lists by their first item; what varies by nature left out."""
    if isinstance(value, dict):
        return {key: None if key in open_keys else shape(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None
