from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import clock
from contactcenter.lib.rows import Row


class Task(Row):
    """Work to assign. It may point at a conversation; at most one live task per conversation."""

    sid_prefix = "WT"

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        RESERVED = "reserved", _("offered")
        ASSIGNED = "assigned", _("assigned")
        WRAPPING = "wrapping", _("wrapping up")
        COMPLETED = "completed", _("completed")
        CANCELED = "canceled", _("canceled")

    #: those without an end: filter by ``ended_at`` where many are looked for, that is what is indexed
    LIVE = ("pending", "reserved", "assigned", "wrapping")
    WAITING = ("pending", "reserved")

    # Foreign keys that few values share have no index: nobody searches by them alone, and every change of a task's
    # status would write an entry into each.
    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, db_index=False, related_name="tasks")
    workflow = models.ForeignKey(
        "routing.Workflow",
        on_delete=models.PROTECT,
        db_index=False,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("workflow"),
    )
    queue = models.ForeignKey(
        "routing.TaskQueue",
        on_delete=models.PROTECT,
        db_index=False,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("queue"),
    )
    task_channel = models.ForeignKey(
        "routing.TaskChannel",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="tasks",
        verbose_name=_("task channel"),
    )
    conversation = models.ForeignKey(
        "conversations.Conversation",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("conversation"),
    )
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    priority = models.IntegerField(_("priority"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=512, blank=True, default="")
    timeout = models.PositiveIntegerField(_("time to live (s)"), default=86400)
    virtual_start_time = models.DateTimeField(default=clock.now)
    ignore_capacity = models.BooleanField(default=False)
    routing_target = models.CharField(max_length=34, blank=True, default="")
    #: where it stands in the workflow: index of filter and target; -1 = default filter / none
    filter_index = models.SmallIntegerField(default=-1)
    target_index = models.SmallIntegerField(default=-1)
    workflow_entered_at = models.DateTimeField(default=clock.now)
    queue_entered_at = models.DateTimeField(null=True, blank=True)
    #: when it is canceled unless somebody accepts; a task that comes back to the queue gets its time anew
    expires_at = models.DateTimeField(null=True, blank=True)
    #: next thing the clock does to it where it stands: the workflow step's timeout, or the wrap-up limit
    due_at = models.DateTimeField(null=True, blank=True)
    #: {"<worker id hex>": "<ISO time of the last rejection or timeout>"}
    declined = models.JSONField(default=dict, blank=True)
    assignment_count = models.PositiveIntegerField(default=0)
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True)
    wrapping_at = models.DateTimeField(_("wrapping up"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    #: set on the instance that entered a step for a known worker: their ``sid`` or ``friendly_name``
    known_worker: dict[str, str] | None = None
    event_seq = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["-priority", "virtual_start_time", "id"]
        # What lives has no end. The indexes say it that way because a status changes with every step of a task, and
        # a row whose indexed columns stay as they are is changed without touching its indexes (PostgreSQL: HOT).
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(ended_at__isnull=True),
                name="task_one_live_per_conversation",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, status__in=["pending", "reserved", "assigned", "wrapping"])
                | models.Q(ended_at__isnull=False, status__in=["completed", "canceled"]),
                name="task_lives_until_its_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "-priority", "virtual_start_time"],
                condition=models.Q(ended_at__isnull=True),
                name="task_live",
            ),
        ]

    def __str__(self) -> str:
        return self.sid
