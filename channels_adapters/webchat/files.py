"""Addresses of files: signed, short-lived, for one visitor; and what may be shown in the page itself."""

from __future__ import annotations

from django.core import signing
from django.urls import reverse

_SALT = "webchat.file"
#: How long an address works. The widget asks for a new one when it needs it later.
LIFETIME_SECONDS = 3600
#: Everything else is only ever downloaded. No SVG, no HTML, nothing that can carry a script.
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def address(site: str, visitor: str, key: str) -> str:
    return reverse("webchat:file", args=[signing.dumps([site, visitor, key], salt=_SALT, compress=True)])


def opened(token: str) -> tuple[str, str, str] | None:
    """(site, visitor, key) of a signed address, or None when it is forged or too old."""
    try:
        site, visitor, key = signing.loads(token, salt=_SALT, max_age=LIFETIME_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return site, visitor, key


def kind(content_type: str) -> str:
    """image | video | audio | file"""
    family = content_type.partition("/")[0]
    return family if family in ("image", "video", "audio") and content_type != "image/svg+xml" else "file"
