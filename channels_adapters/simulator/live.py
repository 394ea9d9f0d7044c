"""Telling open simulator pages to look again."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from contactcenter.lib import push


def group(slug: str) -> str:
    return f"simulator.{slug}"


def changed(slug: str) -> None:
    """Push the hint. A page that misses it asks by itself every few seconds."""
    push.send(group(slug), {"t": "look"})


class LookConsumer(AsyncWebsocketConsumer):
    """Says "look" and nothing else; what changed is fetched over HTTP."""

    async def connect(self) -> None:
        self.group = group(self.scope["url_route"]["kwargs"]["slug"])
        if not settings.SIMULATORS:
            await self.close(4404)
            return
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing a page could say here matters."""

    async def push(self, message: dict[str, Any]) -> None:
        await self.send(text_data='{"t":"look"}')
