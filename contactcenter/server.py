"""Daphne with two manners of its own: bodies too large are refused before they are read, and stopping is quick.

Daphne collects a whole body before the application sees the request, so a limit in a view comes too late. Here the
request is answered with 413 by its Content-Length; a chunked body is cut off at the limit.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

# Threads for database work of sockets; the default is the number of processors and four. Read at Daphne's import.
os.environ.setdefault("ASGI_THREADS", "16")

import daphne.server
import structlog
from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.internet import defer, reactor
from twisted.web import http

log = structlog.get_logger(__name__)

#: How long a refused client may go on sending into the void. Closing at once would reset the connection, and many
#: clients then report the reset instead of our answer.
LINGER = 2.0


def body_limit(path: str) -> int:
    """The largest body in bytes a request to ``path`` may have."""
    for prefix, limit in settings.BODY_LIMITS:
        if path.startswith(prefix):
            return int(limit)
    return int(settings.MAX_BODY_BYTES)


class LimitedRequest(WebRequest):
    """A request that may be refused while its body is still under way."""

    _limit = 0
    _received = 0
    _refused = False

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django reads forms; here they would be read in the event loop, files and all.
        super().__init__(*args, **options, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:
        path = self.channel._path.split(b"?", 1)[0].decode("latin-1")
        self._limit = body_limit(path)
        if length is not None and length > self._limit:
            self._refuse(path)
            length = 0  # reserve nothing for it
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse(self.channel._path.split(b"?", 1)[0].decode("latin-1"))
            return
        super().handleContentChunk(data)

    def _refuse(self, path: str) -> None:
        self._refused = True
        log.warning("server.body_refused", path=path, limit=self._limit)
        body = f"The request body is larger than {self._limit} bytes.\n".encode()
        channel, transport = self.channel, self.channel.transport
        transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        channel._send100Continue = lambda: None
        channel.dataReceived = lambda data: None
        channel.setTimeout(None)
        reactor.callLater(LINGER, transport.abortConnection)  # type: ignore[arg-type]  # the stub lacks the delay

    def process(self) -> Any:
        if self._refused:
            return None
        return super().process()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._refused:
            super().requestReceived(command, path, version)


class LimitedFactory(HTTPFactory):
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol


class Server(daphne.server.Server):
    """Serves one listening socket with our application until SIGINT or SIGTERM."""

    def __init__(self, listening: socket.socket, ready: Callable[[], None]) -> None:
        from contactcenter.asgi import application

        super().__init__(
            application=application,
            endpoints=[f"fd:fileno={listening.fileno()}"],
            http_timeout=120,
            websocket_max_message_size=256 * 1024,
            websocket_max_frame_size=256 * 1024,
            application_close_timeout=2,
            proxy_forwarded_address_header="X-Forwarded-For" if settings.TRUSTED_PROXY else None,
            proxy_forwarded_port_header="X-Forwarded-Port" if settings.TRUSTED_PROXY else None,
            proxy_forwarded_proto_header="X-Forwarded-Proto" if settings.TRUSTED_PROXY else None,
            ready_callable=lambda: reactor.callWhenRunning(ready),
            server_name="",
            verbosity=0,
        )

    def run(self) -> None:
        daphne.server.HTTPFactory = LimitedFactory  # looked up by name inside ``run``
        http.HTTPChannel.totalHeadersSize = 32 * 1024
        super().run()

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """Cancel what still runs (Daphne's own version fails on a connection that has sent no request yet)."""
        running = [
            future
            for details in self.connections.values()
            if (future := details.get("application_instance")) is not None and not future.done()
        ]
        for future in running:
            future.cancel()
        waiting = asyncio.wait(running, timeout=1) if running else asyncio.sleep(0)
        done = defer.Deferred.fromFuture(asyncio.ensure_future(waiting, loop=reactor._asyncioEventloop))
        done.addErrback(lambda _: None)
        return done


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket (``port`` 0: any free one). Raises ``OSError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(512)
    except BaseException:
        listening.close()
        raise
    listening.setblocking(False)
    return listening
