"""The root of every error this product raises on purpose.

Each app keeps its own errors beside the code that raises them; all derive from
``ContactCenterError`` so that doors (views, sockets, commands) can translate them in one place.
"""

from __future__ import annotations


class ContactCenterError(Exception):
    """An error with a stable ``code`` (``area.reason``) and a ``message`` that is safe to show.

    The message says what to do next. Anything that is not a ContactCenterError is a bug.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Refused(ContactCenterError):
    """A rule said no. Shown to the caller (HTTP 409, error frame); never alerted."""

    code = "refused"


class NotVisible(Refused):
    """The thing does not exist, or the caller may not see it: the same answer for both (HTTP 404)."""

    code = "not_found"


class UntrustedInput(ContactCenterError):
    """Input from outside that cannot be trusted or read."""

    code = "untrusted_input"


class InvalidSignature(UntrustedInput):
    """The sender could not prove who they are (HTTP 403). Nothing was stored."""

    code = "invalid_signature"


class UnparsablePayload(UntrustedInput):
    """The body is authentic but cannot be read: kept, counted, answered with 200."""

    code = "unparsable_payload"
