"""What all console API views share: who may call, page numbers and cursors. (Errors: contactcenter.api.)"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from agents import access

PAGE = 50
_SALT = "console.cursor"


class ConsoleSession(SessionAuthentication):
    """The session cookie, with CSRF checks on writes; who is not signed in gets 401 (not DRF's 403)."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class MayUseConsole(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return access.may_use_console(request.user)


class ConsoleView(APIView):
    """A view of the console API: JSON in and out, for agents and supervisors."""

    authentication_classes = [ConsoleSession]
    permission_classes = [MayUseConsole]
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]


def number(request: Request, name: str) -> int | None:
    """A whole number of the query string, None when it is not there. Raises ``ValidationError``."""
    value = request.query_params.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ValidationError({name: [_("This is not a whole number.")]})
    return int(value)


def make_cursor(at: dt.datetime, row_id: uuid.UUID) -> str:
    """Where a page ended, for the client to bring back: signed, so that nothing else is ever read from it."""
    return signing.dumps([at.isoformat(), row_id.hex], salt=_SALT, compress=False)


def read_cursor(request: Request) -> tuple[dt.datetime, uuid.UUID] | None:
    """The place ``make_cursor`` noted, None on the first page. Raises ``ValidationError``."""
    value = request.query_params.get("cursor")
    if not value:
        return None
    try:
        at, row_id = signing.loads(value, salt=_SALT)
        return dt.datetime.fromisoformat(at), uuid.UUID(hex=row_id)
    except (signing.BadSignature, ValueError, TypeError, json.JSONDecodeError):
        raise ValidationError({"cursor": [_("This is no place in the list. Start again without it.")]}) from None
