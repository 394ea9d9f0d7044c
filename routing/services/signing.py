"""What a receiver of webhooks can check: that they come from us, unchanged, and are not old ones sent again.

``X-Twilio-Signature`` is what the SDKs' validators expect; ``X-ContactCenter-Signature`` also covers the time:
``t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from conversations.models import ApiKey
from conversations.services import api_keys


def key() -> ApiKey | None:
    """The key that signs: the oldest one for routing that is not revoked, so that a new key changes nothing."""
    held = ApiKey.objects.filter(revoked_at__isnull=True).select_related("account").order_by("created_at", "id")
    return next((row for row in held if api_keys.allows(row, "routing")), None)


def twilio(secret: str, url: str, form: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over the address and the form's names and values, sorted by name."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def timed(secret: str, body: bytes, at: int) -> str:
    """Our own header's value."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
