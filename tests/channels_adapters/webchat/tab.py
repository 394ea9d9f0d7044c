"""A visitor's tab at the real front door, for the tests of the socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from channels.testing import WebsocketCommunicator

from tests.factories.webchat import ORIGIN

Json = dict[str, Any]


async def here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Database work of the test, in the thread the sockets' work is done in."""
    return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*args, **kwargs))


class Tab:
    """``async with Tab() as tab``: connected; ``hello`` says hello."""

    def __init__(self, *, origin: str | None = ORIGIN, site: str = "shop", address: str = "192.0.2.1") -> None:
        from contactcenter.asgi import application

        headers = [(b"host", b"desk.example")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.site = site
        self.wire = WebsocketCommunicator(application, "/channels/webchat/ws?v=1", headers, subprotocols=["chat.v1"])
        self.wire.scope["client"] = [address, 1]
        self.token = ""
        self.seen: list[Json] = []
        self._passed_over: list[Json] = []

    async def __aenter__(self) -> Self:
        connected, subprotocol = await self.wire.connect(timeout=20)
        assert connected
        assert subprotocol == "chat.v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.disconnect(timeout=20)

    async def send(self, frame: Json | str | bytes) -> None:
        if isinstance(frame, bytes):
            await self.wire.send_to(bytes_data=frame)
        else:
            await self.wire.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def next(self) -> Json:
        output = await self.wire.receive_output(timeout=20)
        if output["type"] == "websocket.close":
            return {"t": "close", "code": output["code"]}
        frame: Json = json.loads(output["text"])
        self.seen.append(frame)
        return frame

    async def frame(self, kind: str) -> Json:
        """The next frame of this kind. Others are kept for when they are asked for: kinds may overtake each other."""
        for index, frame in enumerate(self._passed_over):
            if frame["t"] == kind:
                return self._passed_over.pop(index)
        while (frame := await self.next())["t"] != kind:
            assert frame["t"] != "close", frame
            self._passed_over.append(frame)
        return frame

    async def closed(self) -> int:
        while (frame := await self.next())["t"] != "close":
            pass
        code: int = frame["code"]
        return code

    async def hello(self, **fields: Any) -> Json:
        await self.send({"t": "hello", "v": 1, "site": self.site, **fields})
        welcome = await self.frame("welcome")
        self.token = welcome["visitor_token"] or self.token
        return welcome
