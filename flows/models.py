"""What happens before, or without, a person: flow documents and their runs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Flow(Row):
    """A drawing. Channels run its published revision."""

    sid_prefix = "FW"

    friendly_name = models.CharField(_("name"), max_length=120, unique=True)
    channels = models.ManyToManyField(
        "conversations.Channel", through="flows.ChannelFlow", related_name="flows", verbose_name=_("channels")
    )
    published = models.ForeignKey(
        "flows.Revision",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published"),
    )

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")
        ordering = ["friendly_name"]

    def __str__(self) -> str:
        return self.friendly_name


class ChannelFlow(Row):
    """Which flow starts for a channel's new conversations: one per channel."""

    sid_prefix = "CF"

    channel = models.OneToOneField(
        "conversations.Channel", on_delete=models.CASCADE, related_name="channel_flow", verbose_name=_("channel")
    )
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="channel_flows", verbose_name=_("flow"))

    class Meta:
        verbose_name = _("channel's flow")
        verbose_name_plural = _("channels' flows")


class Revision(Row):
    """One saved state of a flow's document; immutable. Running executions stay on theirs."""

    sid_prefix = "FR"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="revisions", verbose_name=_("flow"))
    number = models.PositiveIntegerField(_("number"))
    definition = models.JSONField(_("definition"))
    commit_message = models.CharField(_("message"), max_length=256, blank=True, default="")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    #: what publishing would complain about: [{"state", "code", "message"}]
    errors = models.JSONField(_("errors"), default=list, blank=True)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["flow", "-number"]
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="revision_number_unique")]

    def __str__(self) -> str:
        return f"{self.flow} #{self.number}"


class Execution(Row):
    """One run of a flow for one conversation."""

    sid_prefix = "FN"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        ENDED = "ended", _("ended")

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="executions", verbose_name=_("flow"))
    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, related_name="executions", verbose_name=_("revision")
    )
    conversation = models.ForeignKey(
        "conversations.Conversation",
        on_delete=models.CASCADE,
        related_name="executions",
        verbose_name=_("conversation"),
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    #: the engine's state: current widget, what it waits for, context (trigger, flow, contact, widgets), counters
    state = models.JSONField(_("state"), default=dict)
    step_count = models.PositiveIntegerField(_("steps"), default=0)
    #: when the widget it waits in times out
    due_at = models.DateTimeField(null=True, blank=True)
    #: seq of the last message given to it: receivers are idempotent
    last_message_seq = models.PositiveIntegerField(default=0)
    #: the conversation's owner_version it acts for; when that has moved on without it, somebody took over
    owner_version = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    error_code = models.CharField(_("error code"), max_length=16, blank=True, default="")
    error = models.TextField(_("error"), blank=True, default="")

    class Meta:
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=models.Q(status="active"), name="execution_one_active"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(status="active"), name="execution_due")]


class Step(Row):
    """One hop of an execution, with what the widget left behind."""

    sid_prefix = "FT"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=64)  # the event that led here
    transitioned_from = models.CharField(_("from"), max_length=120)
    transitioned_to = models.CharField(_("to"), max_length=120, blank=True, default="")
    context = models.JSONField(default=dict)

    class Meta:
        ordering = ["execution", "number"]
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="step_number_unique")]


class QueueNotice(Row):
    """When a waiting customer was last told how many are ahead; due again at ``due_at``. Deleted when served."""

    sid_prefix = "QN"

    conversation = models.OneToOneField("conversations.Conversation", on_delete=models.CASCADE, related_name="+")
    #: what the last message said, and what is shown live (web chat); None: nothing yet
    last_ahead = models.PositiveIntegerField(null=True, blank=True)
    shown_ahead = models.PositiveIntegerField(null=True, blank=True)
    #: messages sent so far: each has a key of its own
    count = models.PositiveIntegerField(default=0)
    #: the flow said not to tell, or the customer cannot be written to any more
    is_quiet = models.BooleanField(default=False)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="queue_notice_due")]
