"""People who sign in, and what belongs to their desk."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import ids
from contactcenter.lib.rows import Row


class User(AbstractUser):
    """A person of ours. Superusers administer; staff are supervisors; everyone with a worker is an agent."""

    sid_prefix = "US"

    class Theme(models.TextChoices):
        SYSTEM = "system", _("as the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    language = models.CharField(
        _("interface language"), max_length=8, choices=[("en", "English"), ("ar", "العربية")], default="en"
    )
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.SYSTEM)

    @property
    def sid(self) -> str:
        return ids.to_sid(self.sid_prefix, self.id)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class CannedReply(Row):
    """A text agents insert by its shortcut. Without a team it is for everybody.

    The console fills in {{contact.name}} and {{agent.name}}.
    """

    sid_prefix = "CR"

    shortcut = models.CharField(_("shortcut"), max_length=40)
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    team = models.ForeignKey(
        "conversations.Team", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team")
    )

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        ordering = ["shortcut"]
        constraints = [
            models.UniqueConstraint(fields=["shortcut", "team"], name="canned_reply_shortcut_unique"),
            models.UniqueConstraint(
                fields=["shortcut"], condition=models.Q(team__isnull=True), name="canned_reply_shared_shortcut_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class Draft(Row):
    """What an agent has typed and not sent, one per conversation; kept on the server so every tab and device has it."""

    sid_prefix = "DR"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    conversation = models.ForeignKey("conversations.Conversation", on_delete=models.CASCADE, related_name="+")
    text = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["user", "conversation"], name="draft_once")]


class Disposition(Row):
    """How a conversation ended, chosen at wrap-up."""

    sid_prefix = "DS"

    code = models.SlugField(_("code"), max_length=64, unique=True)
    label = models.CharField(_("label"), max_length=120)
    label_ar = models.CharField(_("label (Arabic)"), max_length=120, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("disposition")
        verbose_name_plural = _("dispositions")
        ordering = ["position", "label"]

    def __str__(self) -> str:
        return self.label
