from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import ids
from contactcenter.lib.rows import Row


class Attachment(Row):
    """A file of a message. Uploaded ones exist before their message (``message`` null, bound to their uploader)."""

    sid_prefix = "ME"

    class State(models.TextChoices):
        PENDING = "pending", _("being fetched")
        STORED = "stored", _("stored")
        FAILED = "failed", _("could not be fetched")

    message = models.ForeignKey(
        "conversations.Message", on_delete=models.CASCADE, null=True, blank=True, related_name="attachments"
    )
    #: who uploaded it: a user, or an identity (web chat visitor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    identity = models.ForeignKey(
        "conversations.Identity", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    key = models.CharField(max_length=64, unique=True, default=ids.new_token, editable=False)
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(_("kind"), max_length=16, default="file")
    name = models.CharField(_("name"), max_length=256, blank=True, default="")
    content_type = models.CharField(_("type"), max_length=128, blank=True, default="")
    size = models.PositiveBigIntegerField(_("size"), null=True, blank=True)
    file = models.FileField(upload_to="attachments/%Y/%m/", blank=True)
    data = models.JSONField(default=dict, blank=True)
    source_url = models.TextField(blank=True, default="", editable=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PENDING)
    error = models.TextField(_("error"), blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="pending"), name="attachment_due"),
            models.Index(fields=["created_at"], condition=models.Q(message__isnull=True), name="attachment_unattached"),
        ]

    def __str__(self) -> str:
        return self.name or self.sid
