"""Who is behind a hello: found by token, by the site's word, or made."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from channels_adapters.webchat.models import Visitor, VisitorToken
from contactcenter.lib import crypto, ids
from contactcenter.lib.errors import ContactCenterError

#: A token unused for so long is forgotten; an older one than ``RENEW_AFTER`` is replaced when it is used.
EXPIRES_AFTER = dt.timedelta(days=180)
RENEW_AFTER = dt.timedelta(days=1)
PREFIX = "vt_"


class TokenExpired(ContactCenterError):
    """The token is unknown here: too old, replaced, or of another site. The browser says hello without it."""

    code = "webchat.token_expired"


@dataclasses.dataclass(frozen=True, slots=True)
class Entered:
    """``token`` is the new one to keep, or "" to go on with the old one."""

    visitor: Visitor
    token: str


def enter(
    site: str, token: str, *, user_id: str, name: str, language: str, claims: Mapping[str, str], now: dt.datetime
) -> Entered:
    """Let a visitor in. ``user_id`` only when proven: a user of the site is one visitor on all their devices, and
    the anonymous visitor they were until now becomes that user if the user is new here. ``name`` and ``claims`` are
    only what the page says. Raises ``TokenExpired``.
    """
    held = _find(site, token, now) if token else None
    visitor = held.visitor if held else None
    if user_id and (visitor is None or visitor.user_id != user_id):
        visitor, held = _user(site, user_id, visitor, now), None
    if visitor is None:
        visitor = Visitor.objects.create(site=site, seen_at=now)
    _remember(visitor, name=name, language=language, claims=claims, now=now)
    if held is not None:
        _use(held, now)
        if now - held.created_at < RENEW_AFTER:
            return Entered(visitor, "")
    return Entered(visitor, _issue(visitor, replaces=held, now=now))


def find(site: str, token: str, *, now: dt.datetime) -> Visitor | None:
    """The visitor with this token, for requests beside the socket (files)."""
    try:
        return _find(site, token, now).visitor
    except TokenExpired:
        return None


def _find(site: str, token: str, now: dt.datetime) -> VisitorToken:
    held = VisitorToken.objects.select_related("visitor").filter(token_hash=crypto.hash_token(token)).first()
    if held is None or held.visitor.site != site or now - (held.used_at or held.created_at) > EXPIRES_AFTER:
        raise TokenExpired("This chat session is over. A new one begins.")
    return held


def _user(site: str, user_id: str, current: Visitor | None, now: dt.datetime) -> Visitor:
    """The visitor of a proven user. An anonymous chat goes on under the user's name; its old tokens end."""
    known = Visitor.objects.filter(site=site, user_id=user_id).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            if current is None or current.user_id:
                return Visitor.objects.create(site=site, user_id=user_id, seen_at=now)
            current.user_id = user_id
            current.save(update_fields=["user_id"])
            current.tokens.all().delete()
            return current
    except IntegrityError:  # two tabs at once
        return Visitor.objects.get(site=site, user_id=user_id)


def _remember(visitor: Visitor, *, name: str, language: str, claims: Mapping[str, str], now: dt.datetime) -> None:
    visitor.name = name or visitor.name
    visitor.language = language or visitor.language
    visitor.claims = {**visitor.claims, **{key: text for key, text in claims.items() if text}}
    visitor.seen_at = now
    visitor.save(update_fields=["name", "language", "claims", "seen_at"])


def _use(held: VisitorToken, now: dt.datetime) -> None:
    first = held.used_at is None
    held.used_at = now
    held.save(update_fields=["used_at"])
    if first and held.replaces_id is not None:
        # It arrived: what it replaces is no longer good, nor are its siblings that got lost.
        VisitorToken.objects.filter(replaces=held.replaces_id).exclude(pk=held.pk).delete()
        VisitorToken.objects.filter(pk=held.replaces_id).delete()


def _issue(visitor: Visitor, *, replaces: VisitorToken | None, now: dt.datetime) -> str:
    token = PREFIX + ids.new_token(32)
    VisitorToken.objects.create(visitor=visitor, token_hash=crypto.hash_token(token), replaces=replaces, created_at=now)
    return token
