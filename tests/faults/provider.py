"""Facebook, as far as the contact center can tell: a server with a fake Graph, which redelivers what is not taken."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from channels_adapters.contract import WebhookRequest
from channels_adapters.messenger.simulator import FakeGraph
from channels_adapters.simulator.base import LostAnswer, NoAnswer, Persona
from channels_adapters.simulator.lines import DemoLine
from contactcenter.bench import site


class Provider:
    """``tell`` delivers a webhook until it is answered 2xx, as Facebook does; ``received`` is what people got."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.hook_base = ""
        self.accepted: list[bytes] = []
        self._closing = threading.Event()
        line = DemoLine(
            slug="messenger",
            connection_id=uuid.UUID(int=0),
            name="Bench page",
            connection={"app_id": "1", "app_secret": site.APP_SECRET, "verify_token": "bench-verify"},
            channel={"page_access_token": "bench-token"},
            address=site.PAGE,
        )
        self.graph = FakeGraph(line, personas=(), post=self._post, now=lambda: dt.datetime.now(dt.UTC))

    def point_at(self, url: str, hook: str) -> None:
        """Where webhooks go from now on."""
        self.graph.base_url = url
        self.graph._hook = hook

    def person(self, name: str) -> Persona:
        return self.graph.add_persona(Persona(str(uuid.uuid4().int)[:16], name))

    def write(self, person: Persona, text: str, *, mid: str = "") -> None:
        """This person writes; returns once the webhook was taken."""
        message = {"mid": mid or f"m_{uuid.uuid4().hex}", "text": text}
        event = self.graph.wire.event(person.address, dt.datetime.now(dt.UTC), message=message)
        self.graph.tell("message", event)

    def received(self, person: Persona) -> list[str]:
        """The texts this person got, in order; a doubled send shows twice."""
        return [bubble.text for bubble in self.graph.chat(person.address) if not bubble.is_mine]

    def _post(self, url: str, body: bytes, headers: Any) -> tuple[int, str]:
        """Until it is taken: the real one goes on for a day and a half."""
        while not self._closing.is_set():
            try:
                response = httpx.post(url, content=body, headers=dict(headers), timeout=10, trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.1)  # between two tries, as the real one (which waits longer)
                continue
            if response.status_code == 200:
                self.accepted.append(body)
                return response.status_code, response.text
            time.sleep(0.1)  # as above
        return 0, "closing"

    def close(self) -> None:
        self._closing.set()


@contextmanager
def running() -> Iterator[Provider]:
    """A provider whose API answers at ``provider.address``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            asked = WebhookRequest(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                received_at=dt.datetime.now(dt.UTC),
            )
            try:
                answer = provider.graph.handle(asked)
            except (NoAnswer, LostAnswer):
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_DELETE = _handle

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        provider.close()
        server.shutdown()
        server.server_close()
