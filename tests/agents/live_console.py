"""A console against our real process: signs in over HTTP, speaks over a real socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Origin

from tests.agents import reducer
from tests.support import waiting

Json = dict[str, Any]


class LiveTab:
    """One tab of somebody signed in. ``states`` and the session survive ``close`` and ``open``, as in a browser."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=20)
        self.http.get("/accounts/login/")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        answer = self.http.post("/accounts/login/", data=form, headers={"Origin": url}, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        self.states: dict[str, Json | None] = {}
        self.seen: list[Json] = []
        self._ids = 0
        self._wire: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        self.http.close()

    async def open(self) -> Json:
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        self._wire = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/ws/console/",
            origin=Origin(self.url),
            additional_headers={"Cookie": cookies},
            max_size=None,
        )
        return await self.receive()

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()

    async def receive(self) -> Json:
        assert self._wire is not None
        async with asyncio.timeout(20):
            frame: Json = json.loads(await self._wire.recv())
        self.seen.append(frame)
        if "stream" in frame:
            self.states[frame["stream"]] = reducer.apply(self.states.get(frame["stream"]), frame)
        return frame

    async def ask(self, type: str, **fields: Any) -> Json:
        assert self._wire is not None
        self._ids += 1
        request = str(self._ids)
        await self._wire.send(json.dumps({"type": type, "id": request, **fields}))
        while True:
            frame = await self.receive()
            if frame["type"] in ("ok", "refused", "error") and frame["id"] == request:
                return frame

    async def until(self, stream: str, holds: Any) -> Json:
        """Read on until ``holds(state)`` of a stream; the state."""
        while True:
            state = self.states.get(stream)
            if state is not None and holds(state):
                return state
            await self.receive()

    async def go_available(self) -> None:
        await self.ask("subscribe", worker_seq=None, conversations={})
        state = self.states["worker"]
        assert state is not None
        available = next(one for one in state["activities"] if one["available"])
        await self.ask("activity.set", activity=available["sid"])

    async def newest_conversation(self) -> str:
        """The sid of the open conversation somebody wrote in last, once there is one."""

        async def ask() -> list[Json]:
            rows: list[Json] = self.http.get("/api/conversations/", params={"status": "open"}).json()["results"]
            return rows

        return str((await waiting.soon(ask, 10, every=0.05))[0]["sid"])

    async def settled(self, sid: str) -> None:
        """Wait until nothing has happened in a conversation for a second, as the API tells it."""
        before, since = -1, asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < since + 1:
            seq = self.http.get(f"/api/conversations/{sid}/").json()["seq"]
            if seq != before:
                before, since = seq, asyncio.get_running_loop().time()
            await asyncio.sleep(0.1)  # that nothing happens can only be waited for

    def move(self, url: str) -> None:
        """The same browser, the server at another address."""
        self.url = url
        self.http.base_url = url

    async def catch_up(self) -> Json:
        """Subscribe to everything held, from where it is held."""
        held = {stream: state["seq"] for stream, state in self.states.items() if state is not None}
        worker = held.pop("worker", None)
        return await self.ask("subscribe", worker_seq=worker, conversations=held)


class Phone:
    """A simulated Messenger customer, through the simulator page's API."""

    def __init__(self, url: str, persona: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20)
        self.http.get("/simulator/")
        self.persona = persona

    def says(self, text: str) -> None:
        answer = self.http.post(
            "/channels/messenger/simulator/api/act",
            json={"persona": self.persona, "action": "text", "data": {"text": text}},
            headers={"X-CSRFToken": self.http.cookies["csrftoken"], "Origin": str(self.http.base_url).rstrip("/")},
        )
        assert answer.status_code == 200, answer.text

    async def hears(self, words: str) -> None:
        """Wait until a message of ours with these words has arrived."""

        async def ask() -> bool:
            chat = self.state()["chats"].get(self.persona, [])
            return any(words in message["text"] for message in chat if not message["is_mine"])

        await waiting.soon(ask, every=0.05, why=lambda: f"never heard {words!r}")

    def state(self) -> Json:
        state: Json = self.http.get("/channels/messenger/simulator/api/state").json()
        return state
