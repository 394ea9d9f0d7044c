"""HTTP Basic with an API key, what its scopes allow, and how often."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from contactcenter.lib import clock
from conversations.models import ApiKey
from conversations.services import api_keys

log = structlog.get_logger(__name__)

#: Requests that evaluate an expression over many rows, per key and kind of filter.
EXPRESSIONS_PER_SECOND = 3
#: Bulk statistics per key.
BULK_PER_SECOND = 5


class Program:
    """Who calls: a program with a key. REST framework's idea of a user."""

    is_authenticated = True
    is_active = True

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = key.sid


class KeyAuthentication(BaseAuthentication):
    """User: a key's sid or the account's; password: the key's secret. Whatever is wrong gets the same 401."""

    def authenticate(self, request: Request) -> tuple[Program, ApiKey]:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "basic":
            raise exceptions.NotAuthenticated("Authenticate with an API key (HTTP Basic).")
        try:
            user, found, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user = found = secret = ""
        key = api_keys.authenticate(user, secret, now=clock.now()) if found else None
        if key is None:
            raise exceptions.AuthenticationFailed("Authentication Error - invalid username")
        return Program(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="taskrouter"'


class HasScope(BasePermission):
    """Reading wants ``routing.read``, everything else ``routing``."""

    message = "The key's scopes do not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = "routing.read" if request.method in SAFE_METHODS else "routing"
        return isinstance(request.auth, ApiKey) and api_keys.allows(request.auth, scope)


class PerKey(BaseThrottle):
    """``settings.API_RATE`` requests a minute for each key; one key's flood costs no other anything."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return not isinstance(request.auth, ApiKey) or count(request.auth.sid, "all", 60) <= settings.API_RATE

    def wait(self) -> float:
        return 60 - time.time() % 60


def limit(request: Request, kind: str, per_second: int) -> None:
    """Count a costly kind of request. Raises ``Throttled`` past ``per_second`` of them in a second."""
    if isinstance(request.auth, ApiKey) and count(request.auth.sid, kind, 1) > per_second:
        raise exceptions.Throttled(wait=1)


def count(who: str, kind: str, seconds: int) -> int:
    """How many there were of ``who`` in this stretch of ``seconds``, this one included."""
    name = f"api:{who}:{kind}:{int(time.time()) // seconds}"
    try:
        cache.add(name, 0, seconds * 2)
        return cache.incr(name)
    except ValueError:  # it ran out between the two
        return 1
    except Exception as error:  # Redis is away: answering matters more than counting
        log.warning("api.uncounted", error=type(error).__name__)
        return 0
