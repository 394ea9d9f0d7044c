"""The sample frames both sides' tests read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "frames"


def load(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def server_frame(name: str) -> dict[str, Any]:
    """One sample of server.json by its name."""
    return next(sample["frame"] for sample in load("server") if sample["name"] == name)


#: Objects whose keys vary by nature.
OPEN = frozenset({"attributes", "data", "reactions", "media"})


def assert_same_shape(real: Any, sample: Any, path: str = "") -> None:
    """The real frame has the sample's keys, all the way down, and values of the sample's kind where both have one."""
    if isinstance(sample, dict) and isinstance(real, dict):
        if path.rpartition(".")[2] in OPEN:
            return
        assert real.keys() == sample.keys(), f"{path or 'frame'}: {sorted(real)} instead of {sorted(sample)}"
        for key in sample:
            assert_same_shape(real[key], sample[key], f"{path}.{key}")
    elif isinstance(sample, list) and isinstance(real, list):
        if real and sample:
            assert_same_shape(real[0], sample[0], f"{path}[]")
    elif real is not None and sample is not None:
        assert type(real) is type(sample), f"{path}: {real!r} instead of {sample!r}"
