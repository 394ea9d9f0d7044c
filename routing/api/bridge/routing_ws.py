"""Socket addresses of the event bridge."""

from __future__ import annotations

from typing import Any

from django.urls import path

from routing.api.bridge.consumer import BridgeConsumer

websocket_urlpatterns: list[Any] = [path("taskrouter/v1/wschannels", BridgeConsumer.as_asgi())]
