"""A request from ASGI to its view and back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_finished, request_started
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

from contactcenter import asgi, handler
from contactcenter.handler import Handler

Message = dict[str, Any]
Caller: Any = ApplicationCommunicator
UNKNOWN = f"/hooks/{'0' * 32}/"


def scope(path: str, method: str = "GET") -> Message:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
    }


async def answer(
    application: Any, path: str, body: bytes = b"", method: str = "GET"
) -> tuple[int, dict[bytes, bytes], bytes]:
    caller = Caller(application, scope(path, method))
    await caller.send_input({"type": "http.request", "body": body})
    start = await caller.receive_output()
    got = b""
    while True:
        part = await caller.receive_output()
        got += part.get("body", b"")
        if not part.get("more_body"):
            await caller.wait()
            return start["status"], dict(start["headers"]), got


@pytest.fixture
def threads() -> Iterator[dict[str, list[int]]]:
    """Where requests began and ended."""
    seen: dict[str, list[int]] = {"started": [], "finished": []}

    def started(**_: object) -> None:
        seen["started"].append(threading.get_ident())

    def finished(**_: object) -> None:
        seen["finished"].append(threading.get_ident())

    request_started.connect(started)
    request_finished.connect(finished)
    yield seen
    request_started.disconnect(started)
    request_finished.disconnect(finished)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/favicon.ico", UNKNOWN, "/console/"])
async def test_a_request_is_begun_and_ended_once_in_one_thread(path: str, threads: dict[str, list[int]]) -> None:
    await answer(asgi.application, path)

    assert len(threads["started"]) == 1
    assert threads["finished"] == threads["started"]
    assert threads["started"] != [threading.get_ident()]


@pytest.mark.django_db(transaction=True)
async def test_the_door_has_no_middleware_and_the_site_has() -> None:
    status, headers, _ = await answer(asgi.application, UNKNOWN, b"{}", "POST")
    assert (status, b"Content-Security-Policy" in headers, b"Vary" in headers) == (404, False, False)

    _, headers, _ = await answer(asgi.application, "/console/")
    assert b"Content-Security-Policy" in headers


@pytest.mark.django_db(transaction=True)
async def test_an_address_that_is_none_gets_404_at_the_door_too() -> None:
    assert (await answer(asgi.application, "/hooks/nonsense"))[0] == 404
    assert (await answer(asgi.application, "/hooks"))[0] == 404


async def test_a_client_that_leaves_before_its_body_is_here_is_no_error(threads: dict[str, list[int]]) -> None:
    caller = Caller(asgi.application, scope("/healthz", "POST"))
    await caller.send_input({"type": "http.request", "body": b"part", "more_body": True})
    await caller.send_input({"type": "http.disconnect"})

    await caller.wait()

    assert threads["started"] == []


class Played(Handler):
    """Answers with what it is given."""

    def __init__(self, response: HttpResponse | StreamingHttpResponse) -> None:
        super().__init__()
        self.response = response

    def get_response(self, request: HttpRequest) -> Any:
        return self.response


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
async def test_a_stream_is_sent_whole_and_closed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(handler, "close_old_connections", lambda: given_back.append(threading.get_ident()))
    path = tmp_path / "large"
    path.write_bytes(b"x" * 300_000)
    file = path.open("rb")

    status, _, body = await answer(Played(FileResponse(file)), "/")

    assert (status, len(body), file.closed) == (200, 300_000, True)
    assert len(given_back) == 1
    assert given_back != [threading.get_ident()]
