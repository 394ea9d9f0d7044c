from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from flows.values import DeliveryFailed, Event, Outcome, Reply, TimedOut
from flows.widgets import send_message
from flows.widgets.base import NUMBER, TEXT, Go, Hold, Types, Visit, Widget

DEFAULT_TIMEOUT = 3600
LONGEST_TIMEOUT = 7 * 24 * 3600


class SendAndWaitForReply(Widget):
    """Asks something; the customer's next message is the answer, unless ``timeout`` seconds pass first."""

    type: ClassVar[str] = "send-and-wait-for-reply"
    events: ClassVar[tuple[str, ...]] = ("incomingMessage", "timeout", "deliveryFailure")
    properties: ClassVar[Mapping[str, Types]] = {
        **send_message.SendMessageWidget.properties,
        "timeout": NUMBER,
        "save_response_as": TEXT,
    }

    def run(self, visit: Visit) -> Go | Hold:
        message = send_message.command(visit)
        if not message.text and not message.media_url:
            return send_message.failed(visit, "There is nothing to send: the text is empty.", "deliveryFailure")
        return Hold(until="outcome", command=message)

    def receive(self, visit: Visit, event: Event) -> Go | Hold | None:
        if isinstance(event, Outcome):
            if not event.ok:
                return send_message.failed(visit, event.error, "deliveryFailure")
            seconds = visit.integer("timeout", DEFAULT_TIMEOUT, least=1, most=LONGEST_TIMEOUT) or DEFAULT_TIMEOUT
            return Hold(until="reply", seconds=seconds, memory=send_message.output(event))
        if isinstance(event, Reply):
            saved_as = visit.text("save_response_as").strip()
            answer = event.message.get("Body", "")
            return Go(
                "incomingMessage",
                {**visit.memory, "inbound": dict(event.message)},
                variables={saved_as: answer} if saved_as else {},
            )
        if isinstance(event, TimedOut):
            return Go("timeout", visit.memory)
        if isinstance(event, DeliveryFailed):
            return send_message.failed(visit, event.error, "deliveryFailure")
        return None
