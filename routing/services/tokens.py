"""Worker tokens: who holds one acts as that worker on the event bridge, until it runs out.

A JWT (RFC 7519) signed with an API key's secret (HS256), as the field's server libraries make them: ``iss`` the key,
``sub`` the account, ``grants.task_router`` the workspace and worker. Revoking the key ends its tokens.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from contactcenter.lib import ids
from contactcenter.lib.errors import Refused
from contactcenter.lib.rows import by_sid
from conversations.models import ApiKey
from conversations.services import api_keys
from routing.models import Worker

MAX_LENGTH = 4096
MAX_LIFETIME = 24 * 3600


class BadToken(Refused):
    """The token is none of ours, is over, or its worker or key is gone. The same answer for all of them."""

    code = "routing.bad_token"

    def __init__(self) -> None:
        super().__init__("The token is not valid.")


@dataclass(frozen=True)
class Grant:
    """What a token allows: to be this worker; a supervisor may also change other workers of the workspace."""

    worker: Worker
    account_sid: str
    expires_at: dt.datetime
    is_supervisor: bool


def create(worker: Worker, key: ApiKey, *, lifetime: int = 3600, role: str = "worker", now: dt.datetime) -> str:
    """A token for ``worker``, signed with ``key``. ``role``: "worker" or "supervisor". Raises ``Refused``: the key is
    revoked or may not do this, or the lifetime (seconds) is out of bounds."""
    if key.revoked_at is not None or not api_keys.allows(key, "routing"):
        raise Refused(_("This key may not sign worker tokens."), code="routing.bad_key")
    if not 1 <= lifetime <= MAX_LIFETIME:
        message = _("A token lives 1 to %(number)s seconds.") % {"number": MAX_LIFETIME}
        raise Refused(message, code="routing.bad_lifetime")
    issued = int(now.timestamp())
    grant = {"workspace_sid": worker.workspace.sid, "worker_sid": worker.sid, "role": role}
    claims = {
        "jti": f"{key.sid}-{ids.new_token(9)}",
        "iss": key.sid,
        "sub": key.account.sid,
        "iat": issued,
        "exp": issued + lifetime,
        "grants": {"task_router": grant},
    }
    text = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
    return f"{text}.{_text(_sign(text, key.secret()))}"


def verify(token: str, *, now: dt.datetime) -> Grant:
    """What the token allows. Raises ``BadToken``."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH or token.count(".") != 2:
        raise BadToken
    text, _, signature = token.rpartition(".")
    head, _, body = text.partition(".")
    header, claims = _decode(head), _decode(body)
    # Only what we sign with: a token must not choose how it is checked.
    if header.get("alg") != "HS256":
        raise BadToken
    key = ApiKey.objects.select_related("account").filter(revoked_at__isnull=True, pk=_key_id(claims)).first()
    if key is None or not hmac.compare_digest(_sign(text, key.secret()), _bytes(signature)):
        raise BadToken
    moment, expires = now.timestamp(), _number(claims.get("exp"))
    if expires is None or expires <= moment or (_number(claims.get("nbf")) or 0) > moment + 60:
        raise BadToken
    if claims.get("sub") != key.account.sid or not api_keys.allows(key, "routing"):
        raise BadToken
    grant = claims.get("grants", {})
    grant = grant.get("task_router") if isinstance(grant, dict) else None
    if not isinstance(grant, dict):
        raise BadToken
    worker = _worker(grant)
    until = dt.datetime.fromtimestamp(min(expires, moment + 365 * 86400), dt.UTC)
    return Grant(worker, key.account.sid, until, grant.get("role") == "supervisor")


def _worker(grant: dict[str, Any]) -> Worker:
    found = by_sid(Worker.objects.select_related("workspace", "activity"), grant.get("worker_sid"))
    if found is None or found.workspace.sid != grant.get("workspace_sid"):
        raise BadToken
    return found


def _key_id(claims: dict[str, Any]) -> Any:
    row_id = ApiKey.id_from_sid(claims.get("iss"))
    if row_id is None:
        raise BadToken
    return row_id


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _sign(text: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _encode(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken from None


def _decode(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(text))
    except (ValueError, RecursionError):
        raise BadToken from None
    if not isinstance(value, dict):
        raise BadToken
    return value
