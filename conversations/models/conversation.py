from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Conversation(Row):
    """The thread between one identity and us on one channel.

    ``owner_version`` grows with every change of owner. ``message_seq`` and ``event_seq`` are the last numbers
    given out; both are advanced under this row's lock.
    """

    sid_prefix = "CH"

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    class Owner(models.TextChoices):
        FLOW = "flow", _("flow")
        QUEUE = "queue", _("queue")
        WORKER = "worker", _("agent")
        NOBODY = "nobody", _("nobody")

    channel = models.ForeignKey(
        "conversations.Channel", on_delete=models.PROTECT, related_name="conversations", verbose_name=_("channel")
    )
    identity = models.ForeignKey(
        "conversations.Identity", on_delete=models.PROTECT, related_name="conversations", verbose_name=_("identity")
    )
    thread = models.CharField(_("thread"), max_length=255, blank=True, default="")
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    owner = models.CharField(_("owner"), max_length=8, choices=Owner, default=Owner.FLOW)
    #: sid of the flow, queue or worker
    owner_sid = models.CharField(_("owner's id"), max_length=34, blank=True, default="")
    owner_name = models.CharField(_("owner's name"), max_length=256, blank=True, default="")
    owner_version = models.PositiveIntegerField(default=0)
    #: owner_version at which a person last took it over: automatic messages computed for an earlier one are dropped.
    #: (A flow that greets and then hands over to a queue moves the version too; its greeting must still leave.)
    taken_over_version = models.PositiveIntegerField(default=0)
    #: the agent who owns it now (owner = worker), for queries and visibility
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("agent"),
    )
    #: team of the queue it waits or waited in; visibility counts the channel's team and this one
    queue_team = models.ForeignKey(
        "conversations.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    message_seq = models.PositiveIntegerField(default=0)
    event_seq = models.PositiveIntegerField(default=0)
    #: highest seq of ours the customer has received / read (monotonic)
    customer_delivered_seq = models.PositiveIntegerField(default=0)
    customer_read_seq = models.PositiveIntegerField(default=0)
    #: watermarks the provider reported (its clock): what we sent up to then is delivered / read
    customer_delivered_until = models.DateTimeField(null=True, blank=True, editable=False)
    customer_read_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_customer_at = models.DateTimeField(_("customer's last message"), null=True, blank=True)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    last_message_text = models.CharField(_("last message's text"), max_length=200, blank=True, default="")
    #: facts gathered by flows: language, department, vip, intent ...
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    disposition = models.CharField(_("disposition"), max_length=64, blank=True, default="")
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-last_message_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "identity", "thread"],
                condition=models.Q(status="open"),
                name="conversation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(status="open") | models.Q(closed_at__isnull=False), name="conversation_closed_at_set"
            ),
        ]
        indexes = [
            models.Index(fields=["identity", "-id"], name="conversation_identity"),
            models.Index(fields=["status", "-last_message_at"], name="conversation_status_last"),
        ]

    def __str__(self) -> str:
        return self.sid


class Participant(Row):
    """A user on a conversation: its owner, joining (consult) or watching."""

    sid_prefix = "MB"

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        JOINING = "joining", _("joining")
        WATCHING = "watching", _("watching")

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=8, choices=Role)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    #: highest message seq this user has seen
    last_read_seq = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "user"], condition=models.Q(left_at__isnull=True), name="participant_once"
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(left_at__isnull=True, role="owner"),
                name="participant_one_owner",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "conversation"], name="participant_user"),
        ]
