from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Message(Row):
    """One utterance. ``seq`` is its place in the conversation; ``key`` makes sending idempotent."""

    sid_prefix = "IM"

    class Direction(models.TextChoices):
        INBOUND = "in", _("in")
        OUTBOUND = "out", _("out")
        INTERNAL = "note", _("note")  # never leaves the house
        SYSTEM = "system", _("system")

    class Author(models.TextChoices):
        CONTACT = "contact", _("customer")
        USER = "user", _("agent")
        BOT = "bot", _("bot")
        EXTERNAL = "external", _("another app")
        SYSTEM = "system", _("system")

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")  # inbound, notes
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")  # may have been sent
        DROPPED = "dropped", _("dropped")  # automatic and stale: never sent

    #: Delivery only moves to the right.
    RANK = {"queued": 0, "unknown": 1, "sent": 2, "delivered": 3, "read": 4}

    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    channel = models.ForeignKey("conversations.Channel", on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField(_("number"))
    direction = models.CharField(_("direction"), max_length=8, choices=Direction)
    author = models.CharField(_("author"), max_length=8, choices=Author)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(_("author's name"), max_length=256, blank=True, default="")
    text = models.TextField(_("text"), blank=True, default="")
    #: text | unsupported | postback | location | sticker ...; what a client does not know it shows as unsupported
    kind = models.CharField(_("kind"), max_length=32, default="text")
    #: kind-specific facts: {"payload": ...} of a postback, {"type", "raw"} of an unsupported one, reactions ...
    data = models.JSONField(default=dict, blank=True)
    #: {"<emoji>": ["contact" | user sid, ...]}
    reactions = models.JSONField(default=dict, blank=True)
    key = models.CharField(max_length=64, blank=True, default="", help_text=_("Idempotency key, made by the client"))
    status = models.CharField(_("status"), max_length=10, choices=Status)
    status_reason = models.TextField(_("reason"), blank=True, default="")
    external_id = models.CharField(_("provider's id"), max_length=255, blank=True, default="")
    reply_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    #: owner_version an automatic message was computed for; None for human ones
    owner_version = models.PositiveIntegerField(null=True, blank=True)
    sent_at = models.DateTimeField(_("provider's time"), null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    edit_revision = models.IntegerField(default=0)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["conversation", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_unique"),
            models.UniqueConstraint(
                fields=["conversation", "key"], condition=~models.Q(key=""), name="message_key_unique"
            ),
            models.UniqueConstraint(
                fields=["channel", "external_id"], condition=~models.Q(external_id=""), name="message_external_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.sid
