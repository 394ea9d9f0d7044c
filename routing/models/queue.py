from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import clock
from contactcenter.lib.rows import Row


class TaskQueue(Row):
    """Where tasks wait for the workers its expression selects."""

    sid_prefix = "WQ"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="task_queues")
    friendly_name = models.CharField(_("name"), max_length=64)
    target_workers = models.TextField(_("target workers"), default="1==1", blank=True)
    max_reserved_workers = models.PositiveSmallIntegerField(_("max reserved workers"), default=1)
    task_order = models.CharField(
        _("order"), max_length=4, choices=[("FIFO", "FIFO"), ("LIFO", "LIFO")], default="FIFO"
    )
    #: the service level: accepted within so many seconds; who gives up sooner than ``short_abandon`` is not counted
    sla_target = models.PositiveIntegerField(_("service level: accepted within (s)"), default=20)
    short_abandon = models.PositiveIntegerField(_("service level: ends sooner (s) do not count"), default=5)
    auto_accept = models.BooleanField(_("auto-accept"), default=False)
    wrap_up_limit = models.PositiveIntegerField(
        _("wrap-up limit (s), 0 = none"), null=True, blank=True, help_text=_("Empty: the workspace's limit.")
    )
    team = models.ForeignKey(
        "conversations.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("team")
    )
    # Kept for the API's clients; they act in single-tasking workspaces only, which do not exist here.
    reservation_activity = models.ForeignKey(
        "routing.Activity", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    assignment_activity = models.ForeignKey(
        "routing.Activity", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("task queue")
        verbose_name_plural = _("task queues")
        ordering = ["friendly_name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "friendly_name"], name="task_queue_name_unique")]

    def __str__(self) -> str:
        return self.friendly_name


class Workflow(Row):
    """The rules that pick a queue: a TaskRouter workflow document."""

    sid_prefix = "WW"

    workspace = models.ForeignKey("routing.Workspace", on_delete=models.CASCADE, related_name="workflows")
    friendly_name = models.CharField(_("name"), max_length=64)
    configuration = models.JSONField(_("configuration"), default=dict)
    task_reservation_timeout = models.PositiveIntegerField(_("reservation timeout (s)"), default=120)
    assignment_callback_url = models.URLField(
        _("assignment callback URL"),
        max_length=2048,
        blank=True,
        default="",
        help_text=_("Asked about every offer, signed; it may accept or decline for the agent."),
    )
    fallback_assignment_callback_url = models.URLField(
        _("fallback assignment callback URL"),
        max_length=2048,
        blank=True,
        default="",
        help_text=_("Asked when the first one fails."),
    )
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")
        ordering = ["friendly_name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "friendly_name"], name="workflow_name_unique")]

    def __str__(self) -> str:
        return self.friendly_name
