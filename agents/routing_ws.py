"""Socket addresses of the console and of the supervisors' live view."""

from __future__ import annotations

from typing import Any

from django.urls import path

from agents.consumers import ConsoleConsumer
from agents.supervision.consumer import SupervisionConsumer

websocket_urlpatterns: list[Any] = [
    path("ws/console/", ConsoleConsumer.as_asgi()),
    path("ws/supervision/", SupervisionConsumer.as_asgi()),
]
