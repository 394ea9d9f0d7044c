from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.values import Event, Outcome, SendMessage
from flows.widgets.base import LIST, OBJECT, TEXT, Go, Hold, Types, Visit, Widget


def command(visit: Visit) -> SendMessage:
    """The message a sending widget describes: body and quick replies in the customer's language."""
    author = visit.text("from").strip()
    channel = visit.context.get("flow", {}).get("channel")
    address = channel.get("address") if isinstance(channel, Mapping) else None
    return SendMessage(
        visit=visit.number,
        text=visit.render(visit.in_language("body")).strip(),
        # Studio's `from` is our address, or, in a conversation, the name to show.
        author_name="" if author == address else author[:64],
        quick_replies=visit.texts(visit.in_language("quick_replies")),
        media_url=visit.text("media_url").strip(),
    )


class SendMessageWidget(Widget):
    """Says something and goes on.

    Beyond Studio's properties: ``quick_replies`` (list of texts) and ``translations``
    (``{"ar": {"body": ..., "quick_replies": [...]}}``), chosen by the customer's language.
    """

    type: ClassVar[str] = "send-message"
    events: ClassVar[tuple[str, ...]] = ("sent", "failed")
    properties: ClassVar[Mapping[str, Types]] = {
        "body": TEXT,
        "from": TEXT,
        "to": TEXT,
        "media_url": TEXT,
        "quick_replies": LIST,
        "translations": OBJECT,
    }

    def run(self, visit: Visit) -> Go | Hold:
        message = command(visit)
        if not message.text and not message.media_url:
            return failed(visit, "There is nothing to send: the text is empty.")
        return Hold(until="outcome", command=message)

    def receive(self, visit: Visit, event: Event) -> Go | Hold | None:
        if not isinstance(event, Outcome):
            return None
        if event.ok:
            return Go("sent", output(event))
        return failed(visit, event.error)


def output(event: Outcome) -> dict[str, Any]:
    return {"outbound": dict(event.data)}


def failed(visit: Visit, message: str, event: str = "failed") -> Go:
    """The message was not sent: Studio's 81011."""
    visit.warn("81011", message)
    return Go(event, {"outbound": {"Status": "failed", "ErrorMessage": message[:500]}}, error=("81011", message[:500]))
