from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Reservation(Row):
    """A task's offer to a worker. Live: pending, accepted, wrapping (they hold capacity)."""

    sid_prefix = "WR"

    class Status(models.TextChoices):
        PENDING = "pending", _("offered")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        TIMEOUT = "timeout", _("timed out")
        RESCINDED = "rescinded", _("rescinded")
        CANCELED = "canceled", _("canceled")
        WRAPPING = "wrapping", _("wrapping up")
        COMPLETED = "completed", _("completed")

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        JOINING = "joining", _("joining")

    LIVE = ("pending", "accepted", "wrapping")

    task = models.ForeignKey(
        "routing.Task", on_delete=models.CASCADE, related_name="reservations", verbose_name=_("task")
    )
    worker = models.ForeignKey(
        "routing.Worker", on_delete=models.CASCADE, related_name="reservations", verbose_name=_("worker")
    )
    role = models.CharField(_("role"), max_length=8, choices=Role, default=Role.OWNER)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    #: units it holds of the worker's total, and of the worker channel
    weight = models.PositiveSmallIntegerField(default=1)
    units = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(_("expires"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=512, blank=True, default="")
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "role"],
                condition=models.Q(status__in=["accepted", "wrapping"]),
                name="reservation_one_accepted_per_role",
            ),
            models.UniqueConstraint(
                fields=["worker", "task"],
                condition=models.Q(status__in=["pending", "accepted", "wrapping"]),
                name="reservation_one_live_per_worker",
            ),
        ]

    def __str__(self) -> str:
        return self.sid


class Transfer(Row):
    """A task on its way from one worker to another worker or queue."""

    sid_prefix = "WX"

    class Status(models.TextChoices):
        INITIATED = "initiated", _("initiated")
        COMPLETED = "completed", _("completed")
        FAILED = "failed", _("failed")
        CANCELED = "canceled", _("canceled")

    class Mode(models.TextChoices):
        #: both are on the task until one leaves
        WARM = "WARM", "warm"
        COLD = "COLD", "cold"

    task = models.ForeignKey("routing.Task", on_delete=models.CASCADE, related_name="transfers")
    initiating_reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.WARM)
    to_worker = models.ForeignKey("routing.Worker", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    to_queue = models.ForeignKey("routing.TaskQueue", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=9, choices=Status, default=Status.INITIATED)
    #: what the giver wants the taker to know
    note = models.TextField(blank=True, default="")
    #: of the task while it looks for a taker; None = its own
    priority = models.IntegerField(null=True, blank=True)
    #: who was asked and would not: {"<worker id hex>": "<ISO time>"}
    declined = models.JSONField(default=dict, blank=True)
    #: when it fails unless somebody accepts
    expires_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=512, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(status="initiated"), name="transfer_one_live_per_task"
            ),
            models.CheckConstraint(
                condition=models.Q(to_worker__isnull=False) ^ models.Q(to_queue__isnull=False),
                name="transfer_one_target",
            ),
        ]

    def __str__(self) -> str:
        return self.sid
