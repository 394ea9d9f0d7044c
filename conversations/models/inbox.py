from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Payload(Row):
    """One request of a provider, exactly as it came, committed before it is answered."""

    sid_prefix = "PL"

    class Status(models.TextChoices):
        PARSED = "parsed", _("parsed")
        FAILED = "failed", _("could not be read")

    connection = models.ForeignKey(
        "conversations.Connection", on_delete=models.PROTECT, related_name="payloads", verbose_name=_("connection")
    )
    #: SHA-256 of the body; a provider's exact redelivery is stored once
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    headers = models.JSONField(_("headers"), default=dict)
    query = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PARSED)
    error = models.TextField(_("error"), blank=True, default="")
    deliveries = models.PositiveIntegerField(_("times delivered"), default=1)

    class Meta:
        verbose_name = _("payload")
        verbose_name_plural = _("payloads")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["connection", "digest"], name="payload_digest_unique")]


class InboundEvent(Row):
    """One thing a payload says, with its own outcome. ``lane`` = channel + sender: done in order within it."""

    sid_prefix = "IE"

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        DONE = "done", _("done")
        WAITING = "waiting", _("waiting for its message")
        FAILED = "failed", _("failed")  # quarantined: malformed, or out of tries; replayable
        IGNORED = "ignored", _("ignored")

    payload = models.ForeignKey(Payload, on_delete=models.CASCADE, null=True, blank=True, related_name="events")
    connection = models.ForeignKey(
        "conversations.Connection", on_delete=models.PROTECT, related_name="+", verbose_name=_("connection")
    )
    channel = models.ForeignKey(
        "conversations.Channel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("channel"),
    )
    lane = models.CharField(_("lane"), max_length=400)
    key = models.CharField(_("key"), max_length=255)
    kind = models.CharField(_("kind"), max_length=32)
    #: the contract value as JSON (conversations.wire)
    body = models.JSONField(_("body"))
    at = models.DateTimeField(_("provider's time"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    done_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("inbound event")
        verbose_name_plural = _("inbound events")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["connection", "key"], name="inbound_event_key_unique")]
        indexes = [
            models.Index(
                fields=["lane", "at", "id"],
                condition=models.Q(status__in=["pending", "waiting"]),
                name="inbound_event_lane",
            ),
            models.Index(fields=["created_at"], condition=models.Q(status="pending"), name="inbound_event_pending"),
            models.Index(fields=["due_at"], condition=models.Q(status="waiting"), name="inbound_event_waiting"),
        ]
