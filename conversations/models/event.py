from __future__ import annotations

from django.db import models

from contactcenter.lib.rows import Row


class Event(Row):
    """What happened to a conversation, numbered gaplessly per conversation; consoles replay these."""

    sid_prefix = "EV"

    conversation = models.ForeignKey("conversations.Conversation", on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=64)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["conversation", "seq"]
        constraints = [models.UniqueConstraint(fields=["conversation", "seq"], name="conversation_event_seq_unique")]
