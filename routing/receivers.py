"""What routing does when something happens below it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.dispatch import receiver

from conversations.events import conversation_closed
from conversations.models import Conversation
from routing.services import tasks


@receiver(conversation_closed, dispatch_uid="routing.conversation_closed")
def on_conversation_closed(conversation_id: uuid.UUID, now: dt.datetime, **_: Any) -> None:
    tasks.conversation_was_closed(Conversation(pk=conversation_id), now=now)
