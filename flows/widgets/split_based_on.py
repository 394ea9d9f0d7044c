from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from contactcenter.lib.remark import Remark
from flows import conditions, liquid
from flows.document import State
from flows.widgets.base import TEXT, Flaw, Go, Types, Visit, Widget


class SplitBasedOn(Widget):
    """Takes the first branch whose condition holds."""

    type: ClassVar[str] = "split-based-on"
    events: ClassVar[tuple[str, ...]] = ("noMatch", "match")
    required: ClassVar[tuple[str, ...]] = ("input",)
    properties: ClassVar[Mapping[str, Types]] = {"input": TEXT}

    def run(self, visit: Visit) -> Go:
        rendered: dict[str, str] = {}

        def render(source: str) -> str:
            if source not in rendered:
                rendered[source] = visit.render(source)
            return rendered[source]

        whole = str(visit.state.properties.get("input") or "")
        for transition in visit.state.transitions:
            condition = transition.condition
            if transition.event != "match" or condition is None:
                continue
            if conditions.holds(condition.type, render(condition.argument or whole), render(condition.value)):
                return Go("match", branch=transition.next)
        if not visit.state.has("noMatch"):
            visit.warn("81005", "Nothing matched, and there is no branch for that.")
        return Go("noMatch")

    def flaws(self, state: State) -> Iterator[Flaw]:
        for transition in state.transitions:
            condition = transition.condition
            if transition.event != "match":
                continue
            if condition is None:
                yield Flaw("condition_missing", Remark("A branch has no condition."))
            elif condition.type not in conditions.CONDITIONS:
                yield Flaw("condition_unknown", Remark("There is no condition '%(name)s'.", name=condition.type))
            elif condition.type == "regex" and not liquid.is_template(condition.value):
                compiled = conditions.compile_regex(condition.value.strip())
                if isinstance(compiled, str):
                    yield Flaw(
                        "regex_invalid", Remark("The regular expression cannot be used: %(fault)s.", fault=compiled)
                    )
