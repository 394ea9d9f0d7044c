"""How a flow goes wrong."""

from __future__ import annotations

from typing import Any

from contactcenter.lib.errors import ContactCenterError


class FlowError(ContactCenterError):
    code = "flow.failed"


class InvalidDefinition(FlowError):
    """A flow document that must not be published. ``errors``: ``[{"state", "code", "message", "level"}]``."""

    code = "flow.invalid_definition"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        first = errors[0] if errors else {"state": "", "message": ""}
        where = f"{first['state']}: " if first["state"] else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"This flow cannot be published. {where}{first['message']}{more}")


class WidgetFailed(FlowError):
    """A widget could not do its work. ``code`` is Studio's error number."""

    code = "81000"
