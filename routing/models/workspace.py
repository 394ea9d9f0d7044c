from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import clock
from contactcenter.lib.rows import Row


class Workspace(Row):
    """The whole of routing of one organisation, and its limits of patience (seconds)."""

    sid_prefix = "WS"

    friendly_name = models.CharField(_("name"), max_length=64, unique=True)
    default_activity = models.ForeignKey(
        "routing.Activity",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("default activity"),
    )
    timeout_activity = models.ForeignKey(
        "routing.Activity",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Where an agent goes who lets an offer time out; empty: stays."),
        verbose_name=_("timeout activity"),
    )
    reject_activity = models.ForeignKey(
        "routing.Activity",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Where an agent goes who declines an offer; empty: stays."),
        verbose_name=_("reject activity"),
    )
    offline_activity = models.ForeignKey(
        "routing.Activity",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Where an agent goes who vanishes."),
        verbose_name=_("offline activity"),
    )
    prioritize_queue_order = models.CharField(
        _("prioritize queue order"), max_length=4, choices=[("FIFO", "FIFO"), ("LIFO", "LIFO")], default="FIFO"
    )
    reoffer_after = models.PositiveIntegerField(_("re-offer after (s)"), default=30)
    overdue_after = models.PositiveIntegerField(
        _("overdue after (s), 0 = never"),
        default=0,
        help_text=_("A task that has waited this long comes before all others, whatever their priority."),
    )
    vanish_after = models.PositiveIntegerField(_("offline after (s) without a connection"), default=30)
    requeue_after = models.PositiveIntegerField(_("requeue conversations after (s)"), default=300)
    wrap_up_limit = models.PositiveIntegerField(_("wrap-up limit (s), 0 = none"), default=0)
    assignment_limit = models.PositiveIntegerField(
        _("assignment limit (s), 0 = none"),
        default=0,
        help_text=_("A task an agent has had this long is deleted, its conversation closed. TaskRouter: 86400."),
    )
    event_callback_url = models.URLField(
        _("event callback URL"), blank=True, default="", help_text=_("Every event is sent there, signed.")
    )
    events_filter = models.TextField(
        _("events filter"), blank=True, default="", help_text=_("Event types with commas; empty: all.")
    )
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")

    def __str__(self) -> str:
        return self.friendly_name
