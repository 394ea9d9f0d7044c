"""What the widget fetches beside its socket: its look, and files. Called from other people's pages, without cookies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from channels_adapters import gateway
from channels_adapters.contract import Sender
from channels_adapters.webchat import files, limits, session, visitors
from channels_adapters.webchat.config import MAX_FILE, Site
from channels_adapters.webchat.models import IDENTITY_KIND
from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub_name

log = structlog.get_logger(__name__)

UPLOADS_PER_MINUTE = 20
#: What a multipart form adds to the file in it.
_FORM_BYTES = 64 * 1024

View = Callable[..., HttpResponseBase]


def _for_pages_of_the_site(*methods: str) -> Callable[[View], View]:
    """CORS for one site key (``?site=``): only its pages may call, with ``methods``; no cookies are wanted."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def wrapped(request: HttpRequest) -> HttpResponseBase:
            try:
                site = session.open_site(request.GET.get("site", "")[:255], now=clock.now())
            except session.SiteClosed:
                return _refuse("site_closed", 404)
            # A browser leaves Origin out of same-origin GETs only; Sec-Fetch-Site says that it is one.
            origin = request.headers.get("Origin") or (
                f"{request.scheme}://{request.get_host()}"
                if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "same-origin"
                else ""
            )
            if not site.allows(origin, request.get_host()):
                return _refuse("origin", 403)
            if request.method == "OPTIONS":
                response: HttpResponseBase = HttpResponse(status=204)
                response["Access-Control-Allow-Methods"] = ", ".join(methods)
                response["Access-Control-Allow-Headers"] = "Authorization"
                response["Access-Control-Max-Age"] = "600"
            elif request.method in methods:
                response = view(request, site)
            else:
                response = _refuse("method", 405)
            response["Access-Control-Allow-Origin"] = origin
            response["Vary"] = "Origin"
            return response

        return wrapped

    return decorate


def _refuse(code: str, status: int, message: str = "") -> JsonResponse:
    return JsonResponse({"error": code, "message": message}, status=status)


@_for_pages_of_the_site("GET")
def config(request: HttpRequest, site: Site) -> HttpResponseBase:
    """GET config/?site=: what the widget shows before anybody said hello."""
    response = JsonResponse(
        {**site.for_widget(), "agent_online": gateway.is_available(session.SLUG, site.key)},
        json_dumps_params={"ensure_ascii": False},
    )
    response["Cache-Control"] = "private, max-age=60"
    return response


@_for_pages_of_the_site("POST")
def upload(request: HttpRequest, site: Site) -> HttpResponseBase:
    """POST files/?site= with ``Authorization: Bearer <visitor token>`` and one file in "file": {key, ...}."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if not 0 < length <= MAX_FILE + _FORM_BYTES:
        return _refuse("too_big" if length else "length_required", 413 if length else 411)
    now = clock.now()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    visitor = visitors.find(site.key, token.strip(), now=now) if scheme.lower() == "bearer" else None
    if visitor is None:
        return _refuse("token", 401)
    network = limits.network(request.META.get("REMOTE_ADDR", ""))
    if not limits.allow("uploads", network, count=UPLOADS_PER_MINUTE, seconds=60):
        return _refuse("rate_limited", 429)
    given: Any = request.FILES.get("file")
    if given is None or not given.size or given.size > MAX_FILE:
        return _refuse("bad_file", 422, "The file is empty or too big.")
    try:
        stored = gateway.store_upload(
            session.SLUG,
            site.key,
            visitor.sender(),
            name=scrub_name(given.name or "file"),
            content=given.read(),
            content_type=given.content_type or "",
            now=now,
        )
    except Refused as error:
        return _refuse("bad_file", 422, error.message)
    return JsonResponse(
        {
            "key": stored.key,
            "kind": stored.kind,
            "name": stored.name,
            "type": stored.content_type,
            "size": stored.size,
            "url": files.address(site.key, visitor.address, stored.key),
        },
        status=201,
    )


@require_GET
def file(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET files/<signed>: one file for one visitor. Never anything a browser would run."""
    opened = files.opened(token)
    if opened is None:
        return HttpResponse("This link has run out. Open the chat again.", status=410, content_type="text/plain")
    site, visitor, key = opened
    sender = Sender(kind=IDENTITY_KIND, scope=site, address=visitor)
    found = gateway.open_file(session.SLUG, site, sender, key)
    if found is None:
        return HttpResponse(status=404)
    inline = found.content_type in files.INLINE
    # As one body: under ASGI a synchronous stream costs a thread, and files are small.
    response = HttpResponse(
        b"".join(found.chunks()), content_type=found.content_type if inline else "application/octet-stream"
    )
    response["Content-Disposition"] = content_disposition_header(not inline, scrub_name(found.name) or "file") or ""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = f"private, max-age={files.LIFETIME_SECONDS}"
    return response
