from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import clock
from contactcenter.lib.rows import Row


class Activity(Row):
    """What an agent is doing; ``available`` (immutable) decides whether new offers come."""

    sid_prefix = "WA"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="activities")
    friendly_name = models.CharField(_("name"), max_length=64)
    available = models.BooleanField(_("available"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["position", "friendly_name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "friendly_name"], name="activity_name_unique")]

    def __str__(self) -> str:
        return self.friendly_name


class TaskChannel(Row):
    """What capacity is counted in: voice, chat, sms, email ... ``weight`` units of the worker's total per task."""

    sid_prefix = "TC"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="task_channels")
    unique_name = models.CharField(_("unique name"), max_length=64)
    friendly_name = models.CharField(_("name"), max_length=64)
    channel_optimized_routing = models.BooleanField(_("channel optimized routing"), default=False)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    is_interruptible = models.BooleanField(
        _("interruptible"),
        default=False,
        help_text=_("Work of this channel does not keep agents from being offered work of channels without this."),
    )
    default_capacity = models.PositiveSmallIntegerField(_("default capacity"), default=1)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("task channel")
        verbose_name_plural = _("task channels")
        ordering = ["unique_name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "unique_name"], name="task_channel_name_unique")]

    def __str__(self) -> str:
        return self.friendly_name


class Worker(Row):
    """An agent as the router sees them.

    ``load`` counts weight units of live reservations over all channels; ``ceiling`` is ``capacity`` (None = only the
    channels limit), raised while load is above a lowered capacity. ``event_seq`` numbers the worker's stream.
    """

    sid_prefix = "WK"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="workers")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="worker",
        verbose_name=_("user"),
    )
    friendly_name = models.CharField(_("name"), max_length=64)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="workers", verbose_name=_("activity"))
    activity_since = models.DateTimeField(_("since"), default=clock.now)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    capacity = models.PositiveSmallIntegerField(_("total capacity"), default=100)
    load = models.PositiveSmallIntegerField(default=0)
    ceiling = models.PositiveSmallIntegerField(default=100)
    #: when the last assignment ended or, never assigned, when they became available: longest idle goes first
    idle_since = models.DateTimeField(default=clock.now)
    #: {"<task channel id hex>": since when without a task of it, "*": the other channels} in epoch seconds; empty: as
    #: ``idle_since`` (``services.idleness``)
    idle_on = models.JSONField(default=dict, blank=True)
    #: no socket since (null = connected, or never connected by socket)
    vanished_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    event_seq = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["friendly_name"]
        constraints = [
            models.UniqueConstraint("workspace", Lower("friendly_name"), name="worker_name_unique"),
            models.CheckConstraint(
                condition=models.Q(load__lte=models.F("ceiling")), name="worker_load_within_ceiling"
            ),
        ]
        indexes = [
            models.Index(fields=["vanished_at"], condition=models.Q(vanished_at__isnull=False), name="worker_vanished")
        ]

    def __str__(self) -> str:
        return self.friendly_name


class WorkerChannel(Row):
    """A worker's capacity for one task channel. ``load`` = live reservations; ``load <= ceiling`` always."""

    sid_prefix = "WC"

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="channels")
    task_channel = models.ForeignKey(TaskChannel, on_delete=models.CASCADE, related_name="worker_channels")
    capacity = models.PositiveSmallIntegerField(_("capacity"), default=1)
    is_available = models.BooleanField(_("available"), default=True)
    load = models.PositiveSmallIntegerField(default=0)
    ceiling = models.PositiveSmallIntegerField(default=1)

    class Meta:
        verbose_name = _("worker channel")
        verbose_name_plural = _("worker channels")
        constraints = [
            models.UniqueConstraint(fields=["worker", "task_channel"], name="worker_channel_unique"),
            models.CheckConstraint(
                condition=models.Q(load__lte=models.F("ceiling")), name="worker_channel_load_within_ceiling"
            ),
        ]


class WorkerSocket(Row):
    """A console connection of a worker: a row per socket, refreshed by heartbeats, so a dead process is noticed."""

    sid_prefix = "SK"

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="sockets")
    name = models.CharField(max_length=120, unique=True)
    seen_at = models.DateTimeField(default=clock.now)
