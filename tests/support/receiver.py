"""A webhook receiver: a real HTTP server on loopback that writes down what it got and answers as it is told."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclasses.dataclass(frozen=True)
class Got:
    """One request."""

    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer with a body."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


class WebhookReceiver:
    """``got``: every request, in the order of arrival. ``answer``: request -> status or reply; raises to hang up."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], int | Reply] = lambda got: 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                got = Got(f"http://{outer.host}{self.path}", form, dict(self.headers.items()), body)
                outer.got.append(got)
                try:
                    answer = outer.answer(got)
                    self._send(answer)
                except ConnectionError:
                    self.close_connection = True

            def _send(self, answer: int | Reply) -> None:
                reply = answer if isinstance(answer, Reply) else Reply(b"", "", answer)
                self.send_response(reply.status)
                if reply.content_type:
                    self.send_header("content-type", reply.content_type)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/events?of=us"

    def types(self) -> list[str]:
        """The event types that arrived, in order."""
        return [got.form["EventType"] for got in self.got]

    @contextlib.contextmanager
    def running(self) -> Iterator[WebhookReceiver]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
