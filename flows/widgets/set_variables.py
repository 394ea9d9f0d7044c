from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from contactcenter.lib.remark import Remark
from contactcenter.lib.text import scrub_json
from flows.document import State
from flows.widgets.base import LIST, Flaw, Go, Types, Visit, Widget

_SAVED_WITH = ("conversation", "contact")


class SetVariables(Widget):
    """Sets ``flow.variables``; all at once, so one variable cannot use another of the same step.

    Beyond Studio's properties a variable may say ``"save": "conversation"`` (kept with the conversation, shown to
    agents and there in its next execution) or ``"save": "contact"`` (kept with the contact for good).
    """

    type: ClassVar[str] = "set-variables"
    events: ClassVar[tuple[str, ...]] = ("next",)
    required: ClassVar[tuple[str, ...]] = ("variables",)
    properties: ClassVar[Mapping[str, Types]] = {"variables": LIST}

    def run(self, visit: Visit) -> Go:
        values: dict[str, Any] = {}
        saved: dict[str, dict[str, Any]] = {place: {} for place in _SAVED_WITH}
        variables = visit.state.properties.get("variables")
        for variable in variables if isinstance(variables, list) else []:
            if not isinstance(variable, Mapping) or not isinstance(variable.get("key"), str):
                continue
            value = self._value(visit, variable)
            values[variable["key"]] = value
            if variable.get("save") in saved:
                saved[variable["save"]][variable["key"]] = value
        return Go("next", values, variables=values, facts=saved["conversation"], contact_facts=saved["contact"])

    @staticmethod
    def _value(visit: Visit, variable: Mapping[str, Any]) -> Any:
        raw = variable.get("value")
        if isinstance(raw, (dict, list)):
            raw = json.dumps(raw, ensure_ascii=False)
        text = visit.render(raw)
        as_json = str(variable.get("parse_as_json", "")).lower() == "true" or variable.get("type") in ("json", "object")
        if not as_json:
            return text
        try:
            return scrub_json(json.loads(text))
        except (ValueError, RecursionError):
            visit.warn("81027", f"{variable['key']} is not JSON; kept as text")
            return text

    def flaws(self, state: State) -> Iterator[Flaw]:
        variables = state.properties.get("variables")
        for variable in variables if isinstance(variables, list) else []:
            if not isinstance(variable, Mapping) or not isinstance(variable.get("key"), str) or not variable["key"]:
                yield Flaw("variable_without_key", Remark("A variable has no key."))
            elif variable.get("save") not in (None, "", *_SAVED_WITH):
                yield Flaw(
                    "variable_save_unknown", Remark("A variable is saved with 'conversation' or 'contact' only.")
                )
