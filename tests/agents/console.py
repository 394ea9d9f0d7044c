"""A console in Python: one tab that speaks the protocol through the real front door and keeps state as browsers do."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Self

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from agents.models import User
from conversations.models import Conversation
from tests.agents import reducer, scenes
from tests.factories import agents as factory
from tests.support import waiting

Json = dict[str, Any]

do = database_sync_to_async


class Closed(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


def sign_in(user: User) -> str:
    """A session of this user, as the sign-in page makes it; its key."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    key: str = session.session_key
    return key


class Tab:
    """``async with Tab(user) as tab``: connected and welcomed. ``seen`` are all frames so far, ``states`` by stream."""

    def __init__(
        self, user: User | None, *, session: str = "", origin: str = "http://localhost", keeps_state: bool = True
    ) -> None:
        self.user = user
        self.session = session
        self.origin = origin
        self.keeps_state = keeps_state
        self.welcome: Json = {}
        self.seen: list[Json] = []
        self.states: dict[str, Json | None] = {}
        self._ids = 0
        self._wire: Any = None

    async def __aenter__(self) -> Self:
        self.welcome = await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def connect(self) -> Json:
        """Open the socket; its first frame. Raises ``Closed`` when it is refused."""
        from contactcenter.asgi import application

        if not self.session and self.user is not None:
            self.session = await do(sign_in)(self.user)
        headers = [(b"host", b"localhost"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={self.session}".encode())]
        if self.origin:
            headers.append((b"origin", self.origin.encode()))
        self._wire = WebsocketCommunicator(application, "/ws/console/", headers=headers)
        accepted, code = await self._wire.connect(timeout=10)
        if not accepted:
            raise Closed(code)
        return await self.receive()

    async def disconnect(self) -> None:
        await self._wire.disconnect(timeout=10)

    async def receive(self) -> Json:
        """The next frame, applied to ``states``. Raises ``Closed``."""
        message = await self._wire.receive_output(timeout=10)
        if message["type"] == "websocket.close":
            raise Closed(message["code"])
        frame: Json = json.loads(message["text"])
        self.seen.append(frame)
        if self.keeps_state and "stream" in frame:
            self.states[frame["stream"]] = reducer.apply(self.states.get(frame["stream"]), frame)
        return frame

    async def until(self, *types: str, **fields: Any) -> Json:
        """Read on until a frame of one of ``types`` with these fields comes; that frame."""
        while True:
            frame = await self.receive()
            if frame["type"] in types and all(frame.get(name) == value for name, value in fields.items()):
                return frame

    async def until_seq(self, stream: str, seq: int) -> Json:
        """Read on until the state of ``stream`` has reached ``seq``; that state."""
        while (self.states.get(stream) or {"seq": -1})["seq"] < seq:
            await self.receive()
        state = self.states[stream]
        assert state is not None
        return state

    async def send(self, type: str, **fields: Any) -> str:
        self._ids += 1
        await self.send_raw(json.dumps({"type": type, "id": str(self._ids), **fields}))
        return str(self._ids)

    async def send_raw(self, text: str | None = None, data: bytes | None = None) -> None:
        message: Json = {"type": "websocket.receive"}
        await self._wire.send_input({**message, "text": text} if data is None else {**message, "bytes": data})

    async def ask(self, type: str, **fields: Any) -> Json:
        """Send a command; its answer (``ok``, ``refused`` or ``error``), what came before it kept in ``seen``."""
        request = await self.send(type, **fields)
        return await self.until("ok", "refused", "error", id=request)

    async def ask_ping(self) -> Json:
        await self.send_raw('{"type":"ping"}')
        return await self.until("pong")

    async def subscribe(self, *conversations: str, worker: bool = False, held: dict[str, int] | None = None) -> Json:
        """Follow streams, from the numbers this tab holds."""
        held = held or {}
        wanted = {sid: held.get(sid) for sid in conversations}
        return await self.ask(
            "subscribe", conversations=wanted, **({"worker_seq": held.get("worker")} if worker else {})
        )

    async def nothing(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        return bool(await self._wire.receive_nothing(timeout=seconds, interval=0.02))


async def eventually(check: Any) -> None:
    """Wait until ``check()`` (synchronous, may read the database) is true, ten seconds at most."""
    await waiting.soon(do(check), 10)


async def an_agent(**fields: Any) -> User:
    made: User = await do(factory.agent)(**fields)
    return made


async def held_by(agent: User) -> Conversation:
    made: Conversation = await do(scenes.conversation)(owner=agent)
    return made
