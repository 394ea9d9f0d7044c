from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Transmission(Row):
    """One provider request of an outbound message, claimed with a lease, done in order per conversation."""

    sid_prefix = "TX"

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")
        DROPPED = "dropped", _("dropped")

    message = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="transmissions")
    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    channel = models.ForeignKey(
        "conversations.Channel", on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    part = models.PositiveSmallIntegerField(_("part"), default=0)
    text = models.TextField(_("text"), blank=True, default="")
    attachment = models.ForeignKey(
        "conversations.Attachment", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    #: when it may be sent; while SENDING, when the lease ends (one index finds both kinds of due work)
    due_at = models.DateTimeField(_("due"))
    lease_until = models.DateTimeField(null=True, blank=True)
    #: grows with every claim; a late worker's result is refused (fencing)
    lease_epoch = models.PositiveIntegerField(default=0)
    external_id = models.CharField(_("provider's id"), max_length=255, blank=True, default="")
    error_code = models.CharField(_("error code"), max_length=64, blank=True, default="")
    error = models.TextField(_("error"), blank=True, default="")
    #: when the request began, or the provider's own time once an echo told it
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("transmission")
        verbose_name_plural = _("transmissions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["message", "part"], name="transmission_part_unique"),
            models.UniqueConstraint(
                fields=["channel", "external_id"],
                condition=~models.Q(external_id=""),
                name="transmission_external_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status__in=["queued", "sending"]), name="transmission_due"
            ),
            models.Index(fields=["conversation", "id"], name="transmission_conversation"),
            models.Index(
                fields=["conversation"],
                condition=models.Q(status__in=["queued", "sending"]),
                name="transmission_unfinished",
            ),
            models.Index(fields=["channel"], condition=models.Q(status="sending"), name="transmission_sending"),
        ]
