"""Who opens the widget. The adapter's own tables: nothing above knows them, and they know no conversation."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from channels_adapters.contract import Sender
from contactcenter.lib.rows import Row

#: Identities of web chat: kind "web", scope = site key, address = ``Visitor.address``.
IDENTITY_KIND = "web"


class Visitor(Row):
    """A browser that chats on one site; with ``user_id``, a user the site vouched for, on any of their devices."""

    sid_prefix = "VI"

    site = models.CharField(_("site key"), max_length=255)
    user_id = models.CharField(_("the site's user id"), max_length=255, blank=True, default="")
    name = models.CharField(_("name"), max_length=256, blank=True, default="")
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    #: what the page or the visitor says about them; never proof of anything
    claims = models.JSONField(_("claims"), default=dict, blank=True)
    seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "user_id"], condition=~models.Q(user_id=""), name="webchat_visitor_user_unique"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.sid

    @property
    def address(self) -> str:
        """The identity's address: a name for the visitor, not a secret."""
        return self.id.hex

    def sender(self) -> Sender:
        return Sender(
            kind=IDENTITY_KIND,
            scope=self.site,
            address=self.address,
            name=self.name,
            language=self.language,
            verified=bool(self.user_id),
            claims=dict(self.claims),
        )


class VisitorToken(Row):
    """What a browser shows to be this visitor again; only its hash is here.

    A token grows old and is replaced. The new one may get lost on its way to the browser, so the old one stays good
    until the new one (``replaces``) is used for the first time.
    """

    sid_prefix = "VT"

    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successors")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("visitor's token")
        verbose_name_plural = _("visitors' tokens")
