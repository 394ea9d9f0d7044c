"""The one HTTP door for every channel: ``/hooks/<connection>/``. Translate, one call, translate back."""

from __future__ import annotations

import uuid

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from channels_adapters import registry
from channels_adapters.contract import WebhookRequest, WebhookResponse
from contactcenter.lib import clock
from contactcenter.lib.errors import InvalidSignature
from conversations.models import Connection
from conversations.services import inbound, plain

log = structlog.get_logger(__name__)


@csrf_exempt
def receive(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """GET: a provider's handshake. POST: its events; answered once they are committed.

    404 unknown, 410 switched off, 413 too large, 403 not verified, 503 the database is away (providers try again).
    """
    if request.method not in ("GET", "POST"):
        return _plain(405, "This address takes GET and POST.", allow="GET, POST")
    try:
        connection = plain.first(Connection, "WHERE id = %s", (Connection._meta.pk, connection_id))
        if connection is None or connection.type not in registry.all_adapters():
            return _plain(404, "There is no such webhook.")
        if not connection.is_active:
            return _plain(410, "This webhook is switched off.")
        return _answer(_handle(connection, request))
    except InvalidSignature as error:
        log.warning("webhook.refused", connection=str(connection_id))
        return _plain(403, error.message)
    except (OperationalError, InterfaceError) as error:
        log.error("webhook.database_away", connection=str(connection_id), error=type(error).__name__)
        response = _plain(503, "Not now. Please deliver this again.")
        response["Retry-After"] = "5"
        return response


def _handle(connection: Connection, request: HttpRequest) -> WebhookResponse:
    adapter = registry.get(connection.type)
    if request.method == "GET":
        return adapter.handshake(_translate(request, b""), connection.opened())
    # By its declared length before it is read, and by its real one while it is.
    if int(request.META.get("CONTENT_LENGTH") or 0) > adapter.max_body:
        return _too_large(adapter.max_body)
    body = request.read(adapter.max_body + 1)
    if len(body) > adapter.max_body:
        return _too_large(adapter.max_body)
    return inbound.accept(connection, _translate(request, body), now=clock.now())


def _translate(request: HttpRequest, body: bytes) -> WebhookRequest:
    return WebhookRequest(
        method=request.method or "",
        path=request.get_full_path(),
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=clock.now(),
    )


def _too_large(limit: int) -> WebhookResponse:
    return WebhookResponse(413, f"At most {limit} bytes are taken.".encode())


def _answer(answer: WebhookResponse) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _plain(status: int, text: str, *, allow: str = "") -> HttpResponse:
    response = _answer(WebhookResponse(status, text.encode()))
    if allow:
        response["Allow"] = allow
    return response
