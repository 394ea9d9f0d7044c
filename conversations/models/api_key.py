from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import crypto, ids
from contactcenter.lib.rows import Row


class Account(Row):
    """The installation as API clients name it (``AC...``): one row, made with the first key."""

    sid_prefix = "AC"

    is_only = models.BooleanField(default=True, unique=True, editable=False)


class ApiKey(Row):
    """What a program signs in with. Its secret also signs worker tokens and webhooks, so it is sealed, not hashed
    away; ``digest`` finds and compares it without opening the seal."""

    sid_prefix = "SK"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="keys", editable=False)
    name = models.CharField(_("name"), max_length=64)
    scopes = models.JSONField(_("scopes"), default=list)
    sealed = models.TextField(editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def secret(self) -> str:
        """The secret itself. Raises ``crypto.CannotUnseal``."""
        return str(crypto.unseal(self.sealed))

    def set_new_secret(self) -> str:
        """Give the (unsaved) key a secret nobody can guess; returned, it is never shown again."""
        secret = ids.new_token(24)
        self.sealed, self.digest = crypto.seal(secret), crypto.hash_token(secret)
        return secret
