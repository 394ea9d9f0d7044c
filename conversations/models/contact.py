from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib.rows import Row


class Contact(Row):
    """A person. Everything unproven about them is in ``claims``; ``attributes`` feed routing (vip, department ...)."""

    sid_prefix = "CO"

    name = models.CharField(_("name"), max_length=256, blank=True, default="")
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    is_vip = models.BooleanField(_("VIP"), default=False)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    claims = models.JSONField(_("claims"), default=dict, blank=True)
    notes = models.TextField(_("notes"), blank=True, default="")

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or self.sid


class Identity(Row):
    """One address of a contact, unique by (kind, scope, address). Conversations hang here: a merge moves identities."""

    sid_prefix = "ID"

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="identities", verbose_name=_("contact"))
    merged_from = models.ForeignKey(
        Contact,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("merged from"),
    )
    kind = models.SlugField(_("kind"), max_length=40)
    scope = models.CharField(_("scope"), max_length=255, blank=True, default="")
    address = models.CharField(_("address"), max_length=255)
    display_name = models.CharField(_("display name"), max_length=256, blank=True, default="")
    is_verified = models.BooleanField(_("verified"), default=False)
    is_reachable = models.BooleanField(_("reachable"), default=True)
    #: set on the instance that made the row
    is_new = False

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["kind", "scope", "address"], name="identity_kind_scope_address_unique")
        ]

    def __str__(self) -> str:
        return self.display_name or f"{self.kind}:{self.address}"


class Merge(Row):
    """Two contacts found to be one person: which identities moved, and what was filled in, so it can be undone."""

    sid_prefix = "MG"

    into = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges", verbose_name=_("into"))
    source = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merged_into", verbose_name=_("source"))
    #: ids of the identities that moved, as hex
    identities = models.JSONField(default=list)
    #: fields of ``into`` that were empty and took the source's value: {"name": "Layla"}
    filled = models.JSONField(default=dict)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("merge of contacts")
        verbose_name_plural = _("merges of contacts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.source} > {self.into}"
