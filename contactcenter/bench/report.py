"""What a benchmark says: one row per figure, ours against a floor measured in the same run."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """``ratio`` is ours / floor. ``goal`` is the bound on it: "<=" when ``ours`` is a cost, ">=" when it is a rate."""

    name: str
    ours: float
    floor: float
    unit: str
    goal: float
    sense: str  # "<=" | ">="

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else float("inf")

    @property
    def ok(self) -> bool:
        return self.ratio <= self.goal if self.sense == "<=" else self.ratio >= self.goal

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "ours": round(self.ours, 4),
            "floor": round(self.floor, 4),
            "ratio": round(self.ratio, 3),
            "goal": f"{self.sense} {self.goal:g}",
            "ok": self.ok,
        }


def table(figures: Iterable[Figure]) -> str:
    """The figures as an aligned text table."""
    rows = [("figure", "ours", "floor", "ratio", "goal", "")]
    rows += [
        (
            f.name,
            f"{f.ours:,.2f} {f.unit}",
            f"{f.floor:,.2f} {f.unit}",
            f"{f.ratio:.2f}x",
            f"{f.sense} {f.goal:g}x",
            "ok" if f.ok else "MISSED",
        )
        for f in figures
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def as_json_line(figures: Iterable[Figure]) -> str:
    return json.dumps([figure.as_json() for figure in figures])


def quantile(samples: Sequence[float], q: float) -> float:
    """The q-quantile (0..1) by nearest rank."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)
