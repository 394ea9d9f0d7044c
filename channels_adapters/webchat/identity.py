"""Is this really the site's user? Proven by the site's server with a shared secret; else only a claim. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from channels_adapters.webchat.parse import User
from contactcenter.lib.text import scrub_name


def proven_id(user: User | None, secret: str, *, now: float) -> str:
    """The user id the site vouches for, or "". ``now`` in seconds since 1970.

    Either ``hash`` = hex HMAC-SHA256(secret, id), or ``jwt`` = an HS256 token with ``sub`` and ``exp`` (better: what
    is stolen stops working). Without a secret nobody is proven.
    """
    if user is None or not secret:
        return ""
    if user.jwt:
        return _subject(user.jwt, secret, now)
    want = hmac.new(secret.encode(), user.id.encode(), hashlib.sha256).hexdigest()
    return user.id if user.id and hmac.compare_digest(want.encode(), user.hash.lower().encode()) else ""


def _subject(token: str, secret: str, now: float) -> str:
    try:
        signed, _, signature = token.rpartition(".")
        header, _, body = signed.partition(".")
        want = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(want, _decode(signature)):
            return ""
        # Only what we sign ourselves counts: "none" and the other algorithms are not looked at.
        claims: Any = json.loads(_decode(body))
        if json.loads(_decode(header)).get("alg") != "HS256" or not float(claims["exp"]) > now:
            return ""
        return scrub_name(str(claims["sub"]), 255)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return ""


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
