from __future__ import annotations

from typing import ClassVar

from flows.widgets.base import Go, Visit, Widget

_EVENTS: dict[str, tuple[str, ...]] = {
    # Our conversations are both of Studio's kinds of message; a flow may have wired either.
    "message": ("incomingMessage", "incomingConversationMessage"),
    "call": ("incomingCall",),
    "request": ("incomingRequest",),
    "parent": ("incomingParent",),
}


class Trigger(Widget):
    """Where an execution begins; the event says what began it."""

    type: ClassVar[str] = "trigger"
    events: ClassVar[tuple[str, ...]] = tuple(event for events in _EVENTS.values() for event in events)

    def run(self, visit: Visit) -> Go:
        events = _EVENTS.get(visit.kind, ("incomingMessage",))
        return Go(next((event for event in events if visit.state.has(event)), events[0]))
