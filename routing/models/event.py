from __future__ import annotations

from django.db import models

from contactcenter.lib.rows import Row


class Event(Row):
    """What happened in routing (TaskRouter's event types). Rows about a worker are numbered in the worker's stream."""

    sid_prefix = "EV"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="events")
    type = models.CharField(max_length=64)
    data = models.JSONField(default=dict)
    task = models.ForeignKey("routing.Task", on_delete=models.SET_NULL, null=True, blank=True, related_name="events")
    task_seq = models.PositiveIntegerField(null=True, blank=True)
    worker = models.ForeignKey(
        "routing.Worker", on_delete=models.SET_NULL, null=True, blank=True, related_name="events"
    )
    worker_seq = models.PositiveIntegerField(null=True, blank=True)
    reservation = models.ForeignKey(
        "routing.Reservation", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    queue = models.ForeignKey("routing.TaskQueue", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    workflow = models.ForeignKey("routing.Workflow", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["worker", "worker_seq"], name="routing_event_worker_seq_unique"),
            models.UniqueConstraint(fields=["task", "task_seq"], name="routing_event_task_seq_unique"),
        ]
        indexes = [models.Index(fields=["type", "id"], name="routing_event_type")]


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
