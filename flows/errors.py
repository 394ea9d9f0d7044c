"""How a flow goes wrong."""

from __future__ import annotations

from typing import Any

from contactcenter.lib.errors import ContactCenterError
from contactcenter.lib.remark import Remark


class FlowError(ContactCenterError):
    code = "flow.failed"


class InvalidDefinition(FlowError):
    """A flow document that must not be published. ``errors``: ``[{"state", "code", "message", "level"}]``."""

    code = "flow.invalid_definition"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        first = problem_at(errors[0]) if errors else ""
        message = Remark("This flow cannot be published. %(problem)s", problem=first)
        if len(errors) > 1:
            message = Remark("%(message)s (and %(number)s more)", message=message, number=len(errors) - 1)
        super().__init__(message)


def problem_at(problem: dict[str, Any]) -> str:
    """One of ``errors`` as a sentence with its place."""
    message: str = problem["message"]
    return Remark("%(path)s: %(reason)s", path=problem["state"], reason=message) if problem["state"] else message
