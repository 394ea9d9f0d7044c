"""What a benchmark says: one row per figure, ours against a floor measured in the same run."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """``ratio`` is ours / floor. ``goal`` is the bound on it: "<=" when ``ours`` is a cost, ">=" when it is a rate.

    Where something else is judged (standard errors, a count), that is ``score``, and ``label`` says what it is.
    """

    name: str
    ours: float
    floor: float
    unit: str
    goal: float
    sense: str  # "<=" | ">="
    score: float | None = None
    label: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else float("inf")

    @property
    def ok(self) -> bool:
        judged = self.ratio if self.score is None else self.score
        return judged <= self.goal if self.sense == "<=" else judged >= self.goal

    @property
    def verdict(self) -> tuple[str, str]:
        """What is judged, and its bound, as shown."""
        if self.score is None:
            return f"{self.ratio:.2f}x", f"{self.sense} {self.goal:g}x"
        return f"{self.label} {self.score:.3g}".strip(), f"{self.sense} {self.goal:g}"

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "ours": round(self.ours, 4),
            "floor": round(self.floor, 4),
            "ratio": round(self.ratio, 3) if self.floor else None,
            "goal": f"{self.label} {self.sense} {self.goal:g}".strip(),
            "ok": self.ok,
            **({} if self.score is None else {"score": round(self.score, 4)}),
        }


def table(figures: Iterable[Figure]) -> str:
    """The figures as an aligned text table."""
    rows = [("figure", "ours", "floor", "ratio", "goal", "")]
    rows += [
        (
            f.name,
            f"{f.ours:,.2f} {f.unit}",
            f"{f.floor:,.2f} {f.unit}",
            *f.verdict,
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
