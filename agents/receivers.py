"""News from below -> hints to consoles. One line each; what is pushed only says where to look, or may be lost."""

from __future__ import annotations

import time
import uuid
from typing import Any

from django.contrib.auth.signals import user_logged_out

from agents.protocol import frames
from contactcenter.lib import groups, ids, push
from conversations import events as conversation_events
from routing import events as routing_events

#: Seconds between two hints to supervisors from this process.
HINT_EVERY = 0.3
_hinted_at = 0.0


def on_event_recorded(sender: object, *, conversation_id: uuid.UUID, **_: Any) -> None:
    push.send(groups.conversation(conversation_id), {"type": "look", "stream": ids.to_sid("CH", conversation_id)})


def on_worker_events_recorded(sender: object, *, frames: list[tuple[uuid.UUID, dict[str, Any]]], **_: Any) -> None:
    # The rows themselves go along: an offer is on the screen without anybody reading it back.
    push.send_all((groups.worker(row_id), {"type": "event", "stream": "worker", **frame}) for row_id, frame in frames)


def on_routing_changed(sender: object, **_: Any) -> None:
    """One hint for all the news of a moment. Live views gather for longer than hints are held back (``GATHER``), so
    what is left out here is seen by the look the last hint led to."""
    global _hinted_at
    now = time.monotonic()
    if now - _hinted_at >= HINT_EVERY:
        _hinted_at = now
        push.send(groups.supervisors(), {"type": "look"})


def on_typing(sender: object, *, conversation_id: uuid.UUID, active: bool, **_: Any) -> None:
    frame = frames.Typing(
        conversation=ids.to_sid("CH", conversation_id), who="customer", name="", user_sid=None, active=active
    )
    push.send(groups.conversation(conversation_id), frame.to_json())


def on_logged_out(sender: object, *, user: Any, **_: Any) -> None:
    if user is not None:
        push.send(groups.user(user.pk), {"type": "check"})


def connect() -> None:
    """Called once, when the app is ready."""
    conversation_events.event_recorded.connect(on_event_recorded, dispatch_uid="agents.event_recorded")
    conversation_events.typing.connect(on_typing, dispatch_uid="agents.typing")
    routing_events.worker_events_recorded.connect(
        on_worker_events_recorded, dispatch_uid="agents.worker_events_recorded"
    )
    for signal in (
        routing_events.worker_events_recorded,
        routing_events.task_changed,
        routing_events.queue_changed,
    ):
        signal.connect(on_routing_changed, dispatch_uid="agents.routing_changed")
    user_logged_out.connect(on_logged_out, dispatch_uid="agents.logged_out")
