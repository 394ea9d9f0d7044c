from __future__ import annotations

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import override_settings

from contactcenter import asgi, sockets


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://127.0.0.1:8000", "127.0.0.1:8000", True),  # TLS ends at the proxy
        ("http://127.0.0.1:9000", "127.0.0.1:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000.evil.example", "127.0.0.1:8000", False),
        ("http://evil.example", "evil.example", False),  # a forged Host is no host of ours
        ("null", "127.0.0.1:8000", False),
        ("", "127.0.0.1:8000", False),
        ("file://127.0.0.1:8000", "127.0.0.1:8000", False),
        ("http://[::1", "[::1", False),
    ],
)
@override_settings(ALLOWED_HOSTS=["127.0.0.1", "localhost"])
def test_only_pages_of_this_very_site_are_of_the_same_origin(origin: str, host: str, expected: bool) -> None:
    assert sockets.is_same_origin(origin, host) is expected


@override_settings(CSRF_TRUSTED_ORIGINS=["https://desk.example"])
def test_a_trusted_origin_may_be_another_host() -> None:
    assert sockets.is_same_origin("https://desk.example", "127.0.0.1:8000")


async def _connect(path: str, origin: str) -> tuple[bool, Any]:
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", origin.encode())]
    communicator = WebsocketCommunicator(asgi.application, path, headers=headers)
    connected, code = await communicator.connect()
    await communicator.disconnect()
    return connected, code


async def test_a_console_socket_from_a_foreign_page_is_refused() -> None:
    assert await _connect("/ws/console/", "https://evil.example") == (False, 4403)


@pytest.mark.parametrize("path", ["/ws/nothing/", "/channels/nothing/", "/nothing"])
async def test_an_unknown_socket_path_is_refused_without_an_error(path: str) -> None:
    assert await _connect(path, "http://127.0.0.1:8000") == (False, 4403)
