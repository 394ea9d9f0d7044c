"""News from below moves flows on. One line each; what is lost here is found by a sweep."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import structlog
from django.dispatch import receiver

from contactcenter.lib import clock
from conversations import events as conversation_events
from flows.services import executions, notices
from routing import events as routing_events

log = structlog.get_logger(__name__)


@receiver(conversation_events.message_received, dispatch_uid="flows.message_received")
def on_message_received(message_id: uuid.UUID, now: dt.datetime, **_: Any) -> None:
    executions.on_message(message_id, now=now)


@receiver(conversation_events.receipt_recorded, dispatch_uid="flows.receipt_recorded")
def on_receipt_recorded(message_id: uuid.UUID, status: str, **_: Any) -> None:
    if status == "failed":
        executions.on_delivery_failed(message_id, now=clock.now())


@receiver(conversation_events.conversation_closed, dispatch_uid="flows.conversation_closed")
def on_conversation_closed(conversation_id: uuid.UUID, now: dt.datetime, **_: Any) -> None:
    executions.stop(conversation_id, now=now)
    notices.settle(conversation_id)


@receiver(routing_events.task_changed, dispatch_uid="flows.task_changed")
def on_task_changed(status: str, conversation_id: uuid.UUID | None, **_: Any) -> None:
    if conversation_id is None or status in ("pending", "reserved"):
        return
    try:
        executions.stop(conversation_id, now=clock.now())
        notices.settle(conversation_id)
    except Exception:
        # Sent inline after an agent's accept: that has happened, whatever becomes of the hint.
        log.exception("flow.hint_failed", conversation=conversation_id.hex)
