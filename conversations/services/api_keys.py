"""API keys: made, recognised, revoked. A secret is shown once, when its key is made."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Iterable

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from contactcenter.lib import crypto
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub_name
from conversations.models import Account, ApiKey

log = structlog.get_logger(__name__)

#: What a key may be allowed to do. A scope covers its parts: "routing" also reads.
SCOPES = ("routing", "routing.read")
#: How exactly ``last_used_at`` is kept: a write for every request would cost more than the request.
USE_NOTED_EVERY = dt.timedelta(minutes=1)


def account() -> Account:
    """The installation's account, made when it is first asked for."""
    return Account.objects.get_or_create(is_only=True)[0]


@transaction.atomic
def create(*, name: str, scopes: Iterable[str], now: dt.datetime) -> tuple[ApiKey, str]:
    """A new key and its secret. Raises ``Refused`` for an unknown scope or none, and for a key without a name."""
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(SCOPES):
        known = ", ".join(SCOPES)
        raise Refused(_("Give the key at least one scope of: %(scopes)s.") % {"scopes": known}, code="api_key.scope")
    name = scrub_name(name, 64)
    if not name:
        raise Refused(_("Give the key a name."), code="api_key.name")
    key = ApiKey(account=account(), name=name, scopes=wanted, created_at=now)
    secret = key.set_new_secret()
    key.save()
    log.info("api_key.created", key=key.sid, scopes=wanted)
    return key, secret


def revoke(key: ApiKey, *, now: dt.datetime) -> None:
    """From now on nobody gets in with it, and what it signed is no longer believed. Repeating it changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        key.revoked_at = now
        log.info("api_key.revoked", key=key.sid)


def authenticate(user: str, secret: str, *, now: dt.datetime) -> ApiKey | None:
    """The key behind a user name and password: a key's sid, or the account's sid, and the key's secret.

    One query; None for whatever does not fit, without saying what. Secrets are compared as digests in constant time.
    """
    digest = crypto.hash_token(secret)
    valid = ApiKey.objects.select_related("account").filter(revoked_at__isnull=True)
    if user.startswith(ApiKey.sid_prefix):
        row_id = ApiKey.id_from_sid(user)
        key = valid.filter(pk=row_id).first() if row_id else None
    else:
        row_id = Account.id_from_sid(user)
        key = valid.filter(digest=digest, account_id=row_id).first() if row_id else None
    if not hmac.compare_digest(digest, key.digest if key else "0" * 64) or key is None:
        return None
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def allows(key: ApiKey, scope: str) -> bool:
    """May the key do what the scope stands for? A scope covers those that begin with it and a dot."""
    return any(scope == held or scope.startswith(held + ".") for held in key.scopes)
