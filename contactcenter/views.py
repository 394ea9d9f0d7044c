"""The two addresses for machines that watch this one."""

from __future__ import annotations

import hmac
import ipaddress

import structlog
from django.apps import apps
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contactcenter.lib import clock

log = structlog.get_logger(__name__)


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3451d1"/>'
    '<path d="M8 9h16v11h-9l-5 4v-4H8z" fill="#fff"/></svg>'
)


@cache_control(public=True, max_age=86400)
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon browsers ask for by themselves on pages that name none."""
    return HttpResponse(_ICON, content_type="image/svg+xml")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when this process runs and the database answers, else 503. ``router_lease_seconds``: how much longer the
    router's lease lasts (negative: nobody routes; null: no router has ever run). Told, not judged: a web process
    is healthy while the router is being replaced."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        lease = apps.get_model("routing", "Lease").objects.filter(name="router").first()
    except Error as error:
        log.error("healthz.database", error=type(error).__name__)
        return JsonResponse({"ok": False, "database": False}, status=503)
    left = None
    if lease is not None and lease.expires_at is not None:
        left = round((lease.expires_at - clock.now()).total_seconds(), 1)
    return JsonResponse({"ok": True, "database": True, "router_lease_seconds": left})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. With METRICS_TOKEN set: ``Authorization: Bearer <token>``; without, loopback callers only."""
    if not _may_read_metrics(request):
        return HttpResponse("Set METRICS_TOKEN and send it as a bearer token.\n", status=403, content_type="text/plain")
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if "X-Forwarded-For" in request.headers:
        return False  # behind a proxy everybody comes from loopback
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
