"""Could a person answer now? For channels that tell their customers (web chat's header)."""

from __future__ import annotations

from django.core.cache import cache

from routing.models import Worker

_KEY = "routing:anyone_available"
#: Every open chat window asks; the answer may be a little old.
_SECONDS = 5


def is_anyone_available(slug: str, address: str) -> bool:
    """Is any agent in an available activity? (Which queue a chat will end in is not known beforehand.)"""
    known = cache.get(_KEY)
    if known is None:
        known = Worker.objects.filter(activity__available=True).exists()
        cache.set(_KEY, known, _SECONDS)
    return bool(known)
