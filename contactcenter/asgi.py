"""The front door for HTTP and sockets. Daphne (or any ASGI server) runs ``contactcenter.asgi.application``.

``/hooks/...`` is for providers and skips the site's middleware (see ``handler``). ``/ws/...`` are the console's
sockets: signed in by session, same origin only. ``/taskrouter/...`` is the worker SDK's: signed in by token, from any
page. ``/channels/<slug>/...`` belong to the adapters: their pages live on other people's sites, so they check their
own list of origins.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcenter.settings")

import django

django.setup()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

from agents import routing_ws
from channels_adapters import registry
from contactcenter.handler import Door, Handler
from contactcenter.sockets import RefuseUnknownPaths, SameOriginOnly
from routing.api.bridge import routing_ws as bridge_ws


def _adapter_urls() -> list[object]:
    return [
        path(f"channels/{slug}/", URLRouter(routes))
        for slug, adapter in registry.all_adapters().items()
        if (routes := list(adapter.websocket_urls()))
    ]


#: Path prefix -> who serves it; the first that fits.
_handlers: list[tuple[str, Any]] = [("/hooks/", Door()), ("", Handler())]
if settings.BENCH:  # the floor our door is measured against: a view as Django serves it
    _handlers.insert(0, ("/bench/", ASGIHandler()))


async def http(scope: Any, receive: Any, send: Any) -> None:
    """Each request to the handler its path belongs to."""
    handler = next(one for prefix, one in _handlers if scope["path"].startswith(prefix))
    await handler(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": RefuseUnknownPaths(
            {
                "/channels/": URLRouter(_adapter_urls()),
                "/taskrouter/": URLRouter(bridge_ws.websocket_urlpatterns),
                "/ws/": SameOriginOnly(AuthMiddlewareStack(URLRouter(routing_ws.websocket_urlpatterns))),
            }
        ),
    }
)
