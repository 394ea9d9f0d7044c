from __future__ import annotations

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contactcenter.lib import egress
from tests.conversations.servers import Server

REFUSED = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # cloud metadata
    "100.64.0.1",  # carrier-grade NAT
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def client() -> httpx.Client:
    egress.client.cache_clear()
    return egress.client()


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_of_the_house_are_not_public(address: str) -> None:
    assert egress.is_public(address) is False


@pytest.mark.parametrize("address", ["8.8.8.8", "157.240.1.35", "2a03:2880:f12f::1", "64:ff9b::808:808"])
def test_addresses_of_the_world_are(address: str) -> None:
    assert egress.is_public(address) is True


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_no_notation_leads_into_the_house(host: str, client: httpx.Client) -> None:
    with pytest.raises(httpx.ConnectError):
        client.get(f"https://{host}:9/")


def test_only_https_leaves_the_house(client: httpx.Client) -> None:
    with pytest.raises(egress.AddressRefused):
        client.get("http://example.com/")


def test_a_listed_private_address_is_reached(server: Server, client: httpx.Client, settings: Any) -> None:
    server.routes["/x"] = (200, {}, b"hello")
    settings.EGRESS_ALLOW_PRIVATE = [server.host]

    assert client.get(f"{server.url}/x").content == b"hello"


def test_another_port_of_a_listed_host_is_not(server: Server, client: httpx.Client, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = ["127.0.0.1:1"]

    with pytest.raises(egress.AddressRefused):
        client.get(f"{server.url}/x")
    assert server.seen == []


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would lead into the house."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[str] = []
    connected: list[Any] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: Any, *_: Any, **__: Any) -> socket.socket:
        connected.append(address)
        raise OSError("nothing there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(httpx.ConnectError):
        client.get("https://rebind.example/")

    assert asked == ["rebind.example"]
    assert connected == [("93.184.216.34", 443)]


def test_of_mixed_answers_only_the_public_ones_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("10.0.0.1", "8.8.8.8", "8.8.8.8")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    assert egress.resolve("mixed.example", 443) == ["8.8.8.8"]


def test_redirects_are_not_followed(server: Server, client: httpx.Client, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = [server.host]
    server.routes["/away"] = (302, {"location": "http://169.254.169.254/latest"}, b"")

    assert client.get(f"{server.url}/away").status_code == 302


@pytest.mark.parametrize("is_declared", [True, False])
def test_an_answer_too_large_is_cut_off(is_declared: bool, server: Server, client: httpx.Client, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = [server.host]

    def pour(handler: Any) -> None:
        handler.send_response(200)
        if is_declared:
            handler.send_header("content-length", str(10**12))
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    server.routes["/flood"] = pour

    with pytest.raises(egress.AnswerTooLarge):
        client.get(f"{server.url}/flood", extensions={"max_bytes": 50_000})


def test_an_answer_that_drips_is_cut_off(server: Server, client: httpx.Client, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = [server.host]

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)  # this is the drip
        except OSError:
            pass

    server.routes["/drip"] = drip
    started = time.monotonic()

    with pytest.raises(egress.AnswerTooLarge):
        client.get(f"{server.url}/drip", extensions={"total_timeout": 0.3})
    assert time.monotonic() - started < 2


def test_compressed_answers_are_refused(server: Server, client: httpx.Client, settings: Any) -> None:
    settings.EGRESS_ALLOW_PRIVATE = [server.host]
    server.routes["/bomb"] = (200, {"content-encoding": "gzip"}, gzip.compress(b"\0" * 10**7))

    with pytest.raises(egress.AnswerTooLarge):
        client.get(f"{server.url}/bomb")
    assert server.seen[0][1]["accept-encoding"] == "identity"


def test_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, server: Server, client: httpx.Client
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    egress.client.cache_clear()

    with pytest.raises(httpx.ConnectError):
        egress.client().get("https://127.0.0.1:9/")
    assert server.seen == []


def test_the_list_of_refused_addresses_is_made_of_addresses() -> None:
    assert all(ipaddress.ip_address(address.partition("%")[0]) for address in REFUSED)
