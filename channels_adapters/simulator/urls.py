"""The page, and what every simulator has below its adapter's ``/channels/<slug>/``."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from channels_adapters.simulator import views

app_name = "simulator"
urlpatterns = [path("simulator/", views.page, name="page")]


def for_adapter(slug: str) -> list[Any]:
    """For ``adapter.urls()``."""
    told = {"slug": slug}
    return [
        path("simulator/api/state", views.state, told, name="simulator-state"),
        path("simulator/api/act", views.act, told, name="simulator-act"),
        path("simulator/api/personas", views.personas, told, name="simulator-personas"),
        path("simulator/media/<str:key>/<str:name>", views.media, told, name="simulator-media"),
        path("simulator/provider/<path:path>", views.provider, told, name="simulator-provider"),
    ]


def sockets_for_adapter(slug: str) -> list[Any]:
    """For ``adapter.websocket_urls()``."""
    from channels_adapters.simulator.live import LookConsumer

    return [path("simulator/ws", AllowedHostsOriginValidator(LookConsumer.as_asgi()), {"slug": slug})]
