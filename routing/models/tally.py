"""Figures kept as they happen: what was counted in an hour, or in a minute of the last days.

Rows are written by ``services.fold`` alone. Ids are plain columns: figures outlive the rows they are about.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

#: In a column of a key: no queue, no workflow.
NOTHING = uuid.UUID(int=0)
HOUR, MINUTE = 3600, 60


def _count() -> models.PositiveIntegerField[Any, Any]:
    return models.PositiveIntegerField(default=0)


class Tally(models.Model):
    """What happened to one queue's tasks of one workflow and task channel from ``start`` for ``width`` seconds.

    Waits are in milliseconds, ``waits`` counts them by whole second: {"accepted": {"12": 3}, ...}.
    """

    workspace_id = models.UUIDField()
    queue_id = models.UUIDField(default=NOTHING)
    workflow_id = models.UUIDField(default=NOTHING)
    task_channel_id = models.UUIDField(default=NOTHING)
    width = models.PositiveSmallIntegerField()
    start = models.DateTimeField()

    tasks_created = _count()
    tasks_entered = _count()
    tasks_entered_workflow = _count()
    tasks_moved = _count()
    tasks_canceled = _count()
    tasks_completed = _count()
    tasks_deleted = _count()
    tasks_timed_out_in_workflow = _count()
    reservations_created = _count()
    reservations_accepted = _count()
    reservations_rejected = _count()
    reservations_timed_out = _count()
    reservations_canceled = _count()
    reservations_rescinded = _count()

    #: from the task's creation to an acceptance, to its end without one; from entering the queue to an acceptance
    accepted_count = _count()
    accepted_total = models.BigIntegerField(default=0)
    accepted_min = models.BigIntegerField(null=True)
    accepted_max = models.BigIntegerField(null=True)
    canceled_count = _count()
    canceled_total = models.BigIntegerField(default=0)
    canceled_min = models.BigIntegerField(null=True)
    canceled_max = models.BigIntegerField(null=True)
    queued_count = _count()
    queued_total = models.BigIntegerField(default=0)
    queued_min = models.BigIntegerField(null=True)
    queued_max = models.BigIntegerField(null=True)
    waits = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "width", "start", "queue_id", "workflow_id", "task_channel_id"],
                name="tally_key_unique",
            )
        ]
        indexes = [models.Index(fields=["width", "start"], name="tally_at")]

    def __str__(self) -> str:
        return f"{self.queue_id} {self.start} +{self.width}s"


class WorkerTally(models.Model):
    """What became of the offers made to one worker on one task channel in the hour from ``start``."""

    workspace_id = models.UUIDField()
    worker_id = models.UUIDField()
    task_channel_id = models.UUIDField(default=NOTHING)
    start = models.DateTimeField()

    reservations_created = _count()
    reservations_accepted = _count()
    reservations_rejected = _count()
    reservations_timed_out = _count()
    reservations_canceled = _count()
    reservations_rescinded = _count()
    reservations_completed = _count()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker_id", "start", "task_channel_id"], name="worker_tally_key_unique")
        ]
        indexes = [models.Index(fields=["workspace_id", "start"], name="worker_tally_at")]

    def __str__(self) -> str:
        return f"{self.worker_id} {self.start}"


class Stay(models.Model):
    """How long a worker was in an activity: one row per stay that has ended. ``id`` is that of the event ending it."""

    id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    worker_id = models.UUIDField()
    activity_id = models.UUIDField()
    activity_name = models.CharField(max_length=64, default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["worker_id", "ended_at"], name="stay_of_worker"),
            models.Index(fields=["workspace_id", "ended_at"], name="stay_at"),
        ]

    def __str__(self) -> str:
        return f"{self.worker_id} {self.activity_name} {self.started_at}"


class Folding(models.Model):
    """One row: whoever folds events into figures holds it; ``rounds`` tells readers that figures moved meanwhile."""

    rounds = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"#{self.rounds}"
