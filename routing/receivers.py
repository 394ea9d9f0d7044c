"""What routing does when something happens below it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from contactcenter.lib import clock
from conversations.events import conversation_closed
from conversations.models import Conversation
from routing.models import Worker
from routing.services import presence, tasks


@receiver(conversation_closed, dispatch_uid="routing.conversation_closed")
def on_conversation_closed(conversation_id: uuid.UUID, now: dt.datetime, **_: Any) -> None:
    tasks.conversation_was_closed(Conversation(pk=conversation_id), now=now)


@receiver(pre_delete, sender=Worker, dispatch_uid="routing.worker_deleted")
def on_worker_deleted(instance: Worker, **_: Any) -> None:
    """Deleted around the services, perhaps with their user: a row's deletion has no other door that all go through."""
    presence.let_go(instance, now=clock.now())
