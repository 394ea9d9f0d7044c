"""How our errors look over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from contactcenter.lib import errors

#: The first that fits counts.
STATUS: list[tuple[type[errors.ContactCenterError], int]] = [
    (errors.NotVisible, 404),
    (errors.Refused, 409),
    (errors.InvalidSignature, 403),
    (errors.UntrustedInput, 400),
]


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """For REST framework: a ContactCenterError becomes ``{"code", "message"}`` with its status; the rest as usual.

    Ours without a status of its own is a bug at the door: it goes on as a 500 and is logged once.
    """
    for kind, status in STATUS:
        if isinstance(error, kind):
            return Response({"code": error.code, "message": error.message}, status=status)
    return exception_handler(error, context)
