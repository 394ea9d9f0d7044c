"""A visitor in Python: speaks the widget's wire. For tests, load tools and trying out.

async with Visitor("http://127.0.0.1:8000", "my-shop") as visitor:
    await visitor.say("Hello")
    answer = await visitor.message(lambda frame: frame["from"]["type"] == "agent")
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Origin, Subprotocol

Frame = dict[str, Any]


class Closed(Exception):
    """The server closed the socket; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Visitor:
    """One browser tab. ``token`` and ``cursor`` survive a reconnect, as the widget's storage does."""

    def __init__(
        self, server: str, site: str, *, origin: str = "", language: str = "en", user: Frame | None = None
    ) -> None:
        self.server = server.rstrip("/")
        self.site = site
        self.origin = origin or self.server
        self.language = language
        self.user = user
        self.token = ""
        self.cursor: tuple[str, int] | None = None
        self.welcomed: Frame = {}
        self.seen: list[Frame] = []
        self.messages: dict[str, Frame] = {}
        self.state: Frame = {}
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def connect(self, *, resume: bool = True) -> Frame:
        """Open a socket and say hello; the welcome. ``resume=False`` is a freshly loaded page with the same storage.
        Raises ``Closed``."""
        await self.open()
        cursor = self.cursor if resume and self.cursor else (None, None)
        await self.send(
            {
                "t": "hello",
                "v": 1,
                "site": self.site,
                "resume": {"token": self.token, "conversation": cursor[0], "last_seq": cursor[1]}
                if self.token
                else None,
                "user": self.user,
                "page": {"url": f"{self.origin}/", "title": "Simulator"},
                "locale": self.language,
                "tz": "UTC",
            }
        )
        self.welcomed = await self.frame("welcome")
        self.token = self.welcomed["visitor_token"] or self.token
        for message in self.welcomed["history"]:
            self._take(message)
        return self.welcomed

    async def open(self) -> None:
        """Only the socket, no hello."""
        address = self.server.replace("http", "ws", 1) + "/channels/webchat/ws?v=1"
        self._socket = await websockets.connect(
            address,
            origin=Origin(self.origin),
            subprotocols=[Subprotocol("chat.v1")],
            max_size=2**22,
            ping_interval=None,
            proxy=None,
        )

    async def disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def send(self, frame: Frame | str | bytes) -> None:
        """A frame, or raw text or bytes for misbehaviour. Raises ``Closed``."""
        try:
            await self._connected().send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))
        except websockets.ConnectionClosed as error:
            raise Closed(error.rcvd.code if error.rcvd else 1006) from None

    async def next(self, wait: float = 10.0) -> Frame:
        """The next frame, whatever it is. Raises ``Closed``, ``TimeoutError``."""
        try:
            frame: Frame = json.loads(await asyncio.wait_for(self._connected().recv(), wait))
        except websockets.ConnectionClosed as error:
            raise Closed(error.rcvd.code if error.rcvd else 1006) from None
        self.seen.append(frame)
        if frame["t"] == "message":
            self._take(frame)
        elif frame["t"] == "state":
            self.state = frame
        elif frame["t"] == "welcome":
            self.state = frame["state"]
        return frame

    async def frame(self, kind: str, wait: float = 10.0, where: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """The next frame of a kind; others are taken note of on the way."""
        async with asyncio.timeout(wait):
            while True:
                frame = await self.next(wait)
                if frame["t"] == kind and where(frame):
                    return frame

    async def closed(self, wait: float = 15.0) -> int:
        """Wait for the server to close; its code."""
        try:
            async with asyncio.timeout(wait):
                while True:
                    await self.next(wait)
        except Closed as closed:
            return closed.code

    async def say(self, text: str, *, cid: str = "", files: tuple[str, ...] = ()) -> Frame:
        """Send a message; its ack (or the error about it)."""
        cid = cid or str(uuid.uuid4())
        await self.send({"t": "send", "cid": cid, "text": text, "attachments": list(files)})
        async with asyncio.timeout(10):
            while True:
                frame = await self.next()
                if frame["t"] in ("ack", "error") and frame.get("cid") == cid:
                    return frame

    async def message(self, where: Callable[[Frame], bool] = lambda _: True, wait: float = 10.0) -> Frame:
        """The first message like this, already here or coming."""
        for message in self.history():
            if where(message):
                return message
        return await self.frame("message", wait, where)

    def history(self) -> list[Frame]:
        """Every message so far, in order, as the widget would show them."""
        return sorted(self.messages.values(), key=lambda frame: (frame["conversation"], frame["seq"]))

    async def upload(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> Frame:
        """POST a file; the server's answer with its key. Raises ``httpx.HTTPStatusError``."""
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.post(
                f"{self.server}/channels/webchat/files/",
                params={"site": self.site},
                headers={"Authorization": f"Bearer {self.token}", "Origin": self.origin},
                files={"file": (name, content, content_type)},
            )
            response.raise_for_status()
            answer: Frame = response.json()
            return answer

    def _take(self, message: Frame) -> None:
        self.messages[message["id"]] = message
        place = (message["conversation"], message["seq"])
        self.cursor = max(self.cursor, place) if self.cursor else place

    def _connected(self) -> ClientConnection:
        if self._socket is None:
            raise Closed(1006)
        return self._socket
