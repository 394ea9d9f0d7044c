from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import crypto
from contactcenter.lib.rows import Row


class SealedSettings(models.Model):
    """Open settings in ``config``, secrets sealed as one token in ``sealed`` (write-only in every interface)."""

    config = models.JSONField(_("settings"), default=dict, blank=True)
    sealed = models.TextField(_("sealed secrets"), default="", blank=True, editable=False)

    class Meta:
        abstract = True

    def secrets(self) -> dict[str, str]:
        return crypto.unseal(self.sealed) if self.sealed else {}

    def set_secrets(self, **secrets: str) -> None:
        """Add or replace secrets (unsaved); an empty value removes one."""
        merged = {**self.secrets(), **secrets}
        self.sealed = crypto.seal({name: value for name, value in merged.items() if value})

    def opened(self) -> dict[str, Any]:
        """Settings and secrets together, as adapters get them."""
        return {**self.config, **self.secrets()}


class Connection(SealedSettings, Row):
    """An app's credentials and its webhook. ``type`` is the adapter's slug."""

    sid_prefix = "CN"

    type = models.SlugField(_("type"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["type", "name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class Channel(SealedSettings, Row):
    """One line behind a connection: this page, that number, this site key (``address``)."""

    sid_prefix = "CL"

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="channels", verbose_name=_("connection")
    )
    type = models.SlugField(_("type"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    address = models.CharField(_("address"), max_length=255, help_text=_("Page id, number, site key ..."))
    team = models.ForeignKey(
        "conversations.Team", on_delete=models.PROTECT, related_name="channels", verbose_name=_("team")
    )
    is_active = models.BooleanField(_("active"), default=True)
    state = models.JSONField(default=dict, blank=True, editable=False)
    # Health, written by probes and by failed sends.
    is_healthy = models.BooleanField(_("healthy"), default=True)
    health_detail = models.TextField(_("health"), default="", blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    credentials_expire_at = models.DateTimeField(_("credentials expire"), null=True, blank=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["type", "name"]
        constraints = [models.UniqueConstraint(fields=["type", "address"], name="channel_type_address_unique")]

    def __str__(self) -> str:
        return self.name
