"""Errors in TaskRouter's wire form: ``{"code", "message", "more_info", "status"}``."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import BadRequest
from django.db import IntegrityError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from contactcenter.lib.errors import ContactCenterError, NotVisible
from routing.errors import NoTargetMatches, NotYours, Stale

log = structlog.get_logger(__name__)

INVALID = 20001
AUTHENTICATE = 20003
FORBIDDEN = 20008
NOT_FOUND = 20404
CONFLICT = 20409
METHOD = 20004
STALE = 20412
UNREADABLE = 20002
MEDIA_TYPE = 20415
TOO_MANY = 20429
NO_TARGET = 14222
TOO_OLD = 14241
NO_CALL = 40140
ABSOLUTE_PAGING = 40153

_CODES = {
    400: UNREADABLE,
    401: AUTHENTICATE,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD,
    415: MEDIA_TYPE,
    429: TOO_MANY,
}


class ApiError(Exception):
    """An answer other than success. ``message`` is for the client's developer, in English as all of the API is."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def invalid(parameter: str, message: str) -> ApiError:
    """400 that names the parameter."""
    return ApiError(400, INVALID, f"{parameter}: {message}" if parameter else message)


def not_found(what: str) -> ApiError:
    return ApiError(404, NOT_FOUND, f"The requested resource {what[:200]} was not found")


def answer(status: int, code: int, message: str, request: Request | None) -> Response:
    """The error's answer. ``more_info`` leads to the list of codes on our documentation page."""
    more = f"/taskrouter/v1/docs#{code}"
    if request is not None:
        more = request.build_absolute_uri(more)
    return Response({"code": code, "message": message, "more_info": more, "status": status}, status=status)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """For REST framework. What is none of ours is a bug: None, so that it is logged and answered with 500."""
    request = context.get("request")
    if isinstance(error, ApiError):
        return answer(error.status, error.code, error.message, request)
    if isinstance(error, ContactCenterError):
        return answer(*_refusal(error), error.message, request)
    if isinstance(error, IntegrityError):
        # Something it speaks of was deleted, or made by somebody else, in this moment: the database refused.
        log.warning("api.conflict", exc_info=error)
        return answer(409, CONFLICT, "What this request speaks of changed at the same moment. Try again.", request)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, BadRequest):
        error = exceptions.ParseError(str(error))
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        return answer(400, INVALID, first_message(error.detail), request)
    response = answer(error.status_code, _CODES.get(error.status_code, INVALID), str(error.detail), request)
    if auth_header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        response["Retry-After"] = str(max(1, round(wait)))
    return response


def _refusal(error: ContactCenterError) -> tuple[int, int]:
    if isinstance(error, NotVisible):
        return 404, NOT_FOUND
    if isinstance(error, NotYours):
        return 403, FORBIDDEN
    if isinstance(error, Stale):
        return 412, STALE
    if isinstance(error, NoTargetMatches):
        return 400, NO_TARGET
    return 400, INVALID


def first_message(detail: Any, path: str = "") -> str:
    """The first mistake of a serializer, with the parameter's name before it."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return first_message(inner, path if name == "non_field_errors" else str(name))
    if isinstance(detail, list):
        return first_message(detail[0], path)
    return f"{path}: {detail}" if path else str(detail)
