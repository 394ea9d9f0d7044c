"""How much one browser, and one network address, may ask of us."""

from __future__ import annotations

import collections
import hashlib
import ipaddress

from django.core.cache import cache


class Window:
    """At most ``count`` events in any ``seconds``, counted in memory."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._times: collections.deque[float] = collections.deque()

    def take(self, now: float) -> float:
        """0 when there is room (and it is taken), else how many seconds until there is."""
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) < self._count:
            self._times.append(now)
            return 0.0
        return self._times[0] + self._seconds - now


def network(address: str) -> str:
    """Who is counted as one: an IPv4 address, or an IPv6 /64 (a household has that many)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)


def allow(what: str, who: str, *, count: int, seconds: int, once: str = "") -> bool:
    """Counts in Django's cache (shared by all processes where the cache is): at most ``count`` per ``seconds``.

    ``once`` names the thing counted; the same thing again costs nothing. The cache is a hint: when it forgets, the
    limit starts anew and nothing else breaks.
    """
    base = f"webchat:{_digest(f'{what}:{who}')}"
    thing = f"{base}:{_digest(once)}"
    if once and not cache.add(thing, 1, seconds):
        return True
    if _count(base, seconds) <= count:
        return True
    if once:
        cache.delete(thing)
    return False


def _count(key: str, seconds: int) -> int:
    cache.add(key, 0, seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # expired in between
        cache.set(key, 1, seconds)
        return 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
