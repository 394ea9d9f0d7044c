"""Our messages -> Messenger's requests. Pure.

https://developers.facebook.com/docs/messenger-platform/reference/send-api
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from django.utils.translation import gettext as _

from channels_adapters.contract import Capabilities, OutboundAttachment, OutboundMessage
from channels_adapters.errors import ContentRejected, WindowClosed
from channels_adapters.messenger.parse import REF_PREFIX

MAX_TEXT = 2000
MAX_FILE = 25 * 1024 * 1024
MAX_QUICK_REPLIES = 13
MAX_TITLE = 20
MAX_PAYLOAD = 1000
STANDARD_WINDOW = dt.timedelta(hours=24)
HUMAN_WINDOW = dt.timedelta(days=7)

CAPABILITIES = Capabilities(
    max_text=MAX_TEXT,
    media={"image/*": MAX_FILE, "video/*": MAX_FILE, "audio/*": MAX_FILE, "*/*": MAX_FILE},
    receipts=frozenset({"sent", "delivered", "read"}),
    typing_out=True,
    read_out=True,
    reply_window=STANDARD_WINDOW,
    human_window=HUMAN_WINDOW,
    quick_replies=MAX_QUICK_REPLIES,
    reply_to=True,
)


@dataclasses.dataclass(frozen=True)
class Call:
    """The body of one POST to ``/{page}/messages``: JSON, or a form of JSON texts when it carries a ``file``."""

    body: dict[str, Any]
    file: OutboundAttachment | None = None

    def form(self) -> dict[str, str]:
        """The body as the text fields of a multipart request."""
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in self.body.items()}


def message(outbound: OutboundMessage, *, human_agent_allowed: bool, now: dt.datetime) -> Call:
    """The request for one message. Raises ``WindowClosed`` or ``ContentRejected`` where sending is useless."""
    if outbound.text and outbound.attachment:
        raise ContentRejected(_("Messenger takes a text or a file in one message, not both. Send them one by one."))
    if len(outbound.text) > MAX_TEXT:
        raise ContentRejected(_("Messenger takes at most 2000 characters. Shorten the message."))
    content: dict[str, Any] = {"metadata": REF_PREFIX + outbound.ref}
    if outbound.attachment:
        if outbound.attachment.size > MAX_FILE:
            raise ContentRejected(_("Messenger takes files of at most 25 MB. Send a smaller one."))
        content["attachment"] = {"type": _media_type(outbound.attachment.content_type), "payload": {}}
    else:
        content["text"] = outbound.text
    if outbound.quick_replies:
        content["quick_replies"] = [_quick_reply(title) for title in outbound.quick_replies[:MAX_QUICK_REPLIES]]
    body: dict[str, Any] = {
        "recipient": {"id": outbound.recipient},
        **_messaging_type(outbound, human_agent_allowed=human_agent_allowed, now=now),
        "message": content,
    }
    if outbound.reply_to:
        body["reply_to"] = {"mid": outbound.reply_to}
    return Call(body, outbound.attachment)


def sender_action(recipient: str, action: str) -> Call:
    """``typing_on``, ``typing_off`` or ``mark_seen``: always alone, never beside a message."""
    return Call({"recipient": {"id": recipient}, "sender_action": action})


def _messaging_type(outbound: OutboundMessage, *, human_agent_allowed: bool, now: dt.datetime) -> dict[str, str]:
    closed_at = outbound.window_closed_at
    if closed_at is None:
        return {"messaging_type": "RESPONSE"}
    if not human_agent_allowed or outbound.origin != "human":
        raise WindowClosed(_("The 24 hours for an answer are over. Wait until the customer writes again."))
    if now - closed_at > HUMAN_WINDOW - STANDARD_WINDOW:
        raise WindowClosed(_("The 7 days for an answer are over. Wait until the customer writes again."))
    # Only for what a person wrote: using the tag for automatic messages gets a Page blocked.
    return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def _quick_reply(title: str) -> dict[str, str]:
    """Titles hold 20 characters: a longer one is cut, and parse restores it from the payload."""
    shown = title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"
    return {"content_type": "text", "title": shown, "payload": title[:MAX_PAYLOAD]}


def _media_type(content_type: str) -> str:
    kind = content_type.partition("/")[0]
    return kind if kind in {"image", "video", "audio"} else "file"
