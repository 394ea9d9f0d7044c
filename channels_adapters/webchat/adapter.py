"""Web chat: our own widget over a websocket. See README.md for the protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.urls import path
from django.utils.translation import gettext_lazy as _

from channels_adapters import gateway
from channels_adapters.contract import (
    Capabilities,
    ChannelAdapter,
    Context,
    Health,
    Notice,
    OutboundMessage,
    Sender,
    SendReceipt,
    Setting,
)
from channels_adapters.webchat.config import CHANNEL_SETTINGS, MAX_FILE, MAX_TEXT, Site


class WebchatAdapter(ChannelAdapter):
    slug = "webchat"
    label = _("Web chat")
    capabilities = Capabilities(
        max_text=MAX_TEXT,
        media={"*/*": MAX_FILE},
        receipts=frozenset({"sent", "delivered", "read"}),
        typing_in=True,
        typing_out=True,
        read_out=True,
        live_queue=True,
        quick_replies=12,
        idempotent_send=True,
        task_channel="chat",
    )
    channel_settings: ClassVar[tuple[Setting, ...]] = CHANNEL_SETTINGS

    def send(self, message: OutboundMessage, context: Context) -> SendReceipt:
        """The message is stored and the widget reads it whole from its history; this only wakes the visitor's
        sockets. Without one it waits there: sent all the same, and "delivered" when a browser says so."""
        _publish(context, message.recipient, {"t": "look", "seq": message.seq})
        return SendReceipt(external_id=message.ref)

    def notify(self, notice: Notice, context: Context) -> None:
        from channels_adapters.webchat import session

        group = _group(context, notice.recipient)
        if notice.kind == "typing":
            frame = {"t": "typing", "on": bool(notice.data.get("active")), "name": str(notice.data.get("name") or "")}
        elif notice.kind == "queue":
            session.remember_queue(
                group, {"ahead": notice.data.get("ahead"), "wait_seconds": notice.data.get("wait_seconds")}
            )
            frame = {"t": "look"}
        else:  # "read", "agent": the sockets find it in the conversation's state
            frame = {"t": "look"}
        _publish(context, notice.recipient, frame)

    def probe(self, context: Context) -> Health:
        if not Site.of(context.channel_address, context.channel).allowed_origins:
            return Health(ok=False, detail=str(_("Name the pages that may show the chat (allowed origins).")))
        return Health(ok=True)

    def urls(self) -> Iterable[Any]:
        from channels_adapters.webchat import views

        return [
            path("config/", views.config, name="config"),
            path("files/", views.upload, name="upload"),
            path("files/<str:token>", views.file, name="file"),
        ]

    def websocket_urls(self) -> Iterable[Any]:
        from channels_adapters.webchat.consumer import VisitorConsumer

        return [path("ws", VisitorConsumer.as_asgi())]


def _group(context: Context, address: str) -> str:
    return gateway.group(
        WebchatAdapter.slug,
        context.channel_address,
        Sender(kind="web", scope=context.channel_address, address=address),
    )


def _publish(context: Context, address: str, frame: dict[str, Any]) -> None:
    if context.publish is not None:
        context.publish(_group(context, address), frame)
