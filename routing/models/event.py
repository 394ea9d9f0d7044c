from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.fields import TextJSONField
from contactcenter.lib.rows import Row


def _subject(to: str, related_name: str = "+") -> models.ForeignKey[Any, Any]:
    """Whom an event is about. No constraint: the log outlives its subjects, and a delete need not touch it.

    No index either: a task's and a worker's events are found by their numbers, all others by the time.
    """
    return models.ForeignKey(
        to,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name=related_name,
    )


class Event(Row):
    """What happened in routing (TaskRouter's event types). Rows about a worker are numbered in the worker's stream.

    ``data`` is what consoles get; ``facts`` what was true only at that moment (``services.event_facts``), null for
    most. The ids it names may be those of rows that are gone.
    """

    sid_prefix = "EV"

    workspace = models.ForeignKey(
        "routing.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    type = models.CharField(_("type"), max_length=64)
    data = TextJSONField(_("data"), default=dict)
    facts = models.JSONField(_("facts"), null=True, blank=True)
    task = _subject("routing.Task", "events")
    task_seq = models.PositiveIntegerField(null=True, blank=True)
    worker = _subject("routing.Worker", "events")
    worker_seq = models.PositiveIntegerField(null=True, blank=True)
    reservation = _subject("routing.Reservation")
    queue = _subject("routing.TaskQueue")
    workflow = _subject("routing.Workflow")
    task_channel = _subject("routing.TaskChannel")

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["worker", "worker_seq"], name="routing_event_worker_seq_unique"),
            models.UniqueConstraint(fields=["task", "task_seq"], name="routing_event_task_seq_unique"),
        ]
        indexes = [models.Index(fields=["created_at"], name="routing_event_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.sid}"


class EventBatch(models.Model):
    """The events of one commit that nobody has counted or handed on yet; deleted by whoever did (``services.fold``).

    Numbered by the database under the locks of the change, so a later change of the same task has a higher number.
    """

    created_at = models.DateTimeField()
    #: the events' ids, 16 bytes each
    events = models.BinaryField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Change(Row):
    """News for the router's memory, written in the change's own transaction, deleted by the router that applied it."""

    sid_prefix = "RC"

    kind = models.CharField(max_length=32)  # task | worker | reservation | queue | workflow | workspace
    subject = models.UUIDField()

    class Meta:
        ordering = ["id"]


class Lease(models.Model):
    """Who leads ("router", "listener:<channel>" ...), by the database's clock. ``epoch`` grows with every takeover."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=120, default="")
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} #{self.epoch}"
