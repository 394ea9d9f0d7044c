"""The simulator's doors: the page, what it shows and does, and the fake providers' APIs.

All of them answer 404 unless ``settings.SIMULATORS`` is on: only ``manage.py demo`` turns it on.
"""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from channels_adapters import registry
from channels_adapters.contract import WebhookRequest, WebhookResponse
from channels_adapters.simulator.base import HANG_SECONDS, LostAnswer, NoAnswer, Persona, Simulator
from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub_name

#: A picture of 16 MB as base64 in JSON, or 25 MB in a multipart form.
_MOST_BYTES = 26 * 1024 * 1024
#: What may be shown inside the page; anything else is downloaded.
_INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/mp4", "audio/ogg", "video/mp4"}


def simulators() -> dict[str, Simulator]:
    """Every installed adapter's simulator, by slug."""
    found = ((slug, adapter.simulator()) for slug, adapter in registry.all_adapters().items())
    return {slug: simulator for slug, simulator in found if isinstance(simulator, Simulator)}


def _simulator(slug: str) -> Simulator:
    simulator = simulators().get(slug) if settings.SIMULATORS else None
    if simulator is None:
        raise Http404
    simulator.base_url = settings.LOCAL_URL
    return simulator


def _refusals_as_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @functools.wraps(view)
    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except Refused as refused:
            return JsonResponse({"code": refused.code, "message": refused.message}, status=409)

    return wrapped


def _body(request: HttpRequest) -> bytes:
    """The raw body. ``request.body`` would refuse pictures (DATA_UPLOAD_MAX_MEMORY_SIZE)."""
    return request.read(_MOST_BYTES)


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        value = json.loads(_body(request))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused("This is no JSON object.", code="simulator.bad_request")
    return value


@never_cache
@ensure_csrf_cookie
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    if not settings.SIMULATORS:
        raise Http404
    listed = [{"slug": slug, "label": str(simulator.label)} for slug, simulator in simulators().items()]
    return render(request, "simulator/page.html", {"config": {"simulators": listed, "language": get_language()}})


@never_cache
@require_GET
def state(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Everything the page shows; 204 when ``version`` is what it holds already."""
    simulator = _simulator(slug)
    if request.GET.get("version") == str(simulator.version):
        return HttpResponse(status=204)
    return JsonResponse(simulator.state())


@require_POST
@_refusals_as_json
def act(request: HttpRequest, *, slug: str) -> HttpResponse:
    """{"persona", "action", "data"}: what the person does."""
    simulator, asked = _simulator(slug), _json(request)
    data = asked.get("data")
    done = simulator.act(str(asked.get("persona")), str(asked.get("action")), data if isinstance(data, dict) else {})
    return JsonResponse(done)


@require_POST
@_refusals_as_json
def personas(request: HttpRequest, *, slug: str) -> HttpResponse:
    """{"name", "language"}: one more person with a phone."""
    simulator, asked = _simulator(slug), _json(request)
    name = scrub_name(str(asked.get("name") or ""), 60)
    if not name:
        raise Refused("Give the person a name.", code="simulator.no_name")
    language = "ar" if asked.get("language") == "ar" else "en"
    address = str(10**15 + secrets.randbelow(9 * 10**15))
    simulator.add_persona(Persona(address, name, language))
    return JsonResponse({"address": address}, status=201)


@require_GET
def media(request: HttpRequest, *, slug: str, key: str, name: str) -> HttpResponse:
    kept = _simulator(slug).media(key)
    if kept is None:
        raise Http404
    content_type, content = kept
    is_inline = content_type in _INLINE
    response = HttpResponse(content, content_type=content_type if is_inline else "application/octet-stream")
    response["Content-Disposition"] = ("inline" if is_inline else "attachment") + f'; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _provider(request: HttpRequest, *, slug: str, path: str) -> HttpResponseBase:
    """The fake provider's API. Asynchronous, so that a provider that does not answer holds no thread."""
    simulator = _simulator(slug)
    asked = WebhookRequest(
        method=request.method or "GET",
        path=f"/{path}",
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await sync_to_async(_body)(request),
        received_at=clock.now(),
    )
    try:
        answer: WebhookResponse = await sync_to_async(simulator.handle)(asked)
    except NoAnswer:
        await asyncio.sleep(HANG_SECONDS)
        return HttpResponse(status=504)
    except LostAnswer:
        return HttpResponse(status=502)
    return HttpResponse(answer.body, answer.content_type, answer.status, headers=dict(answer.headers))


provider: Callable[..., Any] = csrf_exempt(_provider)
