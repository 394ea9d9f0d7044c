"""The one outgoing HTTP client, and its guard against being sent somewhere inside the house (SSRF).

A name is resolved once and the connection goes to the address that was checked, so a second answer of the name server
cannot lead elsewhere. Everything not globally routable is refused, redirects included, because the check sits where
connections are made. ``settings.EGRESS_ALLOW_PRIVATE`` lists "host:port" pairs that are excepted (simulators).
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx
from django.conf import settings

#: Seconds for one request, from first byte out to last byte in.
TOTAL_TIMEOUT = 30.0
#: Largest answer in bytes (media downloads set their own, ``extensions={"max_bytes": n}``).
MAX_BYTES = 8 * 1024 * 1024

# Written out (IANA's special-purpose registries) rather than ``is_global``, whose answers change with Python's patches.
_NOT_PUBLIC_V4 = [
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
#: Within it: protocol assignments with Teredo, documentation, 6to4.
_NOT_PUBLIC_V6 = [
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]
#: How a host with IPv6 alone reaches IPv4: the address is the last 32 bits.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(httpx.ConnectError):
    """The address is not one we talk to. A ConnectError: nothing was sent."""


class AnswerTooLarge(httpx.ReadError):
    """The answer is larger, or takes longer, than we accept."""


def is_public(address: str) -> bool:
    """True when an IP address is reachable by anybody on the internet, whatever notation hides it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_V4)
    if ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip in _PUBLIC_V6 and not any(ip in network for network in _NOT_PUBLIC_V6)


def is_excepted(host: str, port: int | None) -> bool:
    """Is this host:port one of the private ones the installation allows?"""
    return f"{host}:{port}" in getattr(settings, "EGRESS_ALLOW_PRIVATE", ())


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host we may connect to. Raises ``AddressRefused`` when there is none."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError("The host name cannot be resolved.") from error
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    allowed = found if is_excepted(host, port) else [address for address in found if is_public(address)]
    if not allowed:
        raise AddressRefused("The address is not public. Only public addresses are reached from here.")
    return allowed


#: When the request this thread is making must be over (``time.monotonic``).
_thread = threading.local()


@contextlib.contextmanager
def _until(deadline: float) -> Iterator[None]:
    _thread.deadline = deadline
    try:
        yield
    finally:
        _thread.deadline = None


def _left(timeout: float | None) -> float | None:
    """What is left of a step's time. Raises ``ReadTimeout`` when the whole request's is used up."""
    deadline = getattr(_thread, "deadline", None)
    if deadline is None:
        return timeout
    left: float = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("The answer takes too long.")
    return left if timeout is None else min(timeout, left)


class _Timed(httpcore.NetworkStream):
    """A connection whose steps end with the request's time. Without it a server that sends its headers a letter at a
    time would never run into the time limit of one read."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore.SyncBackend):
    """Connects to a checked address instead of letting the socket layer resolve the name a second time."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in resolve(host, port):
            try:
                stream = super().connect_tcp(address, port, _left(timeout), local_address, socket_options)
                return _Timed(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise AddressRefused("Unix sockets are not reached from here.")


class _Capped(httpx.SyncByteStream):
    """A response body that ends with an error past its size or its time."""

    def __init__(self, stream: Any, limit: int, deadline: float) -> None:
        self._stream, self._limit, self._deadline = stream, limit, deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > self._limit:
                raise AnswerTooLarge("The answer is too large.")
            if time.monotonic() > self._deadline:
                raise AnswerTooLarge("The answer takes too long.")
            yield chunk

    def close(self) -> None:
        self._stream.close()


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport on a guarded backend: https only (but for the exceptions), capped answers, no decompression."""

    def __init__(self, verify: ssl.SSLContext | bool = True) -> None:
        super().__init__(verify=verify, trust_env=False)
        context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify, trust_env=False)
        # httpx has no parameter for the backend; the pool is the one its own constructor makes, with ours in it.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=15.0,
            network_backend=_GuardedBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" and not is_excepted(request.url.host, request.url.port or 80):
            raise AddressRefused("Only https addresses are reached from here.")
        # Unasked-for compression could make a small answer huge.
        request.headers["accept-encoding"] = "identity"
        limit = int(request.extensions.get("max_bytes", MAX_BYTES))
        deadline = time.monotonic() + float(request.extensions.get("total_timeout", TOTAL_TIMEOUT))
        with _until(deadline):
            response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            response.close()
            raise AnswerTooLarge("The answer is compressed although it was not asked to be.")
        if int(response.headers.get("content-length") or 0) > limit:
            response.close()
            raise AnswerTooLarge("The answer is too large.")
        response.stream = _Capped(response.stream, limit, deadline)
        return response


@functools.lru_cache(maxsize=1)
def client() -> httpx.Client:
    """The shared client of this process (safe across threads). Does not follow redirects, reads no proxy settings."""
    return httpx.Client(
        transport=GuardedTransport(),
        timeout=httpx.Timeout(20.0, connect=5.0, pool=5.0),
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": "contactcenter/1"},
    )
