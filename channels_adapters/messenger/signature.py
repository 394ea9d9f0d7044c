"""Meta's proof that it wrote a webhook, and ours that we may call: both HMAC-SHA256 with the app's secret."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "x-hub-signature-256"
_PREFIX = "sha256="


def sign(app_secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` for these bytes. Meta signs the body as sent: never re-serialise it."""
    return _PREFIX + _hmac(app_secret, body)


def is_right(app_secret: str, body: bytes, header: str) -> bool:
    """Was ``header`` made with this secret for this body? An empty secret proves nothing: False."""
    if not app_secret or not header.startswith(_PREFIX):
        return False
    # As bytes: compare_digest raises TypeError for a str that is not ASCII.
    return hmac.compare_digest(_hmac(app_secret, body).encode(), header[len(_PREFIX) :].encode("utf-8", "replace"))


def appsecret_proof(app_secret: str, token: str) -> str:
    """What Graph wants beside a token when the app is set to require it."""
    return _hmac(app_secret, token.encode())


def _hmac(app_secret: str, message: bytes) -> str:
    return hmac.new(app_secret.encode(), message, hashlib.sha256).hexdigest()
