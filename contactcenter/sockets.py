"""What stands before every websocket: where it may go, and from which page it may come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http.request import split_domain_port, validate_host

log = structlog.get_logger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def refuse(receive: Receive, send: Send) -> None:
    """Close before accepting: the client sees the handshake refused with 403."""
    await receive()
    await send({"type": "websocket.close", "code": 4403})


class RefuseUnknownPaths:
    """Dispatch by path prefix. Channels answers an unknown path with a logged ValueError and 500; this refuses it."""

    def __init__(self, applications: Mapping[str, Application]) -> None:
        self.applications = applications

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for prefix, application in self.applications.items():
            if scope["path"].startswith(prefix):
                try:
                    return await application(scope, receive, send)
                except ValueError as error:
                    if not str(error).startswith("No route found"):
                        raise
        await refuse(receive, send)


class SameOriginOnly:
    """Only pages of this very host and port (or of CSRF_TRUSTED_ORIGINS) may open the socket.

    Browsers send cookies along with any page's socket, so without this any site could act as the signed-in agent.
    A missing Origin is refused too: every browser sends one.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if is_same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
            return await self.application(scope, receive, send)
        log.warning("socket.foreign_origin", path=scope["path"])
        await refuse(receive, send)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page at ``origin`` ("https://host:port") belongs to the site reached as ``host`` ("host:port")."""
    try:
        if origin in settings.CSRF_TRUSTED_ORIGINS:
            return True
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return False
        domain, _port = split_domain_port(host)
        # An empty list means the development default in Django; here it means nobody.
        return parts.netloc.lower() == host.lower() and validate_host(domain, settings.ALLOWED_HOSTS)
    except (ValueError, DisallowedHost):
        return False
