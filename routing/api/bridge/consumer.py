"""The event bridge's socket: a worker's events as they happen, in the worker SDK's frames.

What is pushed to the worker's group only says when to look; the rows are read from where the last look ended, so
nothing is missed or doubled, and a slow look every few seconds finds what no push told.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.cache import cache

from contactcenter.lib import clock, crypto, groups, ids, push
from routing.api.bridge import feed
from routing.services import presence, tokens

log = structlog.get_logger(__name__)

HEARTBEAT_EVERY = 15.0
LOOK_EVERY = 3.0
CLOSE_EXPIRED = 4402
CLOSE_REPLACED = 4409

_pool = concurrent.futures.ThreadPoolExecutor(8, thread_name_prefix="bridge")


async def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function that uses the database, in a thread."""
    return await database_sync_to_async(function, thread_sensitive=False, executor=_pool)(*args, **kwargs)


def session_group(worker_id: Any) -> str:
    """The sockets of one worker's SDKs."""
    return f"bridge.{worker_id.hex}"


def _replaced(token_digest: str) -> str:
    """The cache's key that says: a newer session has closed those of this token."""
    return f"bridge:replaced:{token_digest}"


class BridgeConsumer(AsyncWebsocketConsumer):
    """One SDK instance of one worker."""

    feed: feed.Feed

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = f"bridge-{ids.new_id().hex}"
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._groups: list[str] = []
        self._is_present = False

    async def dispatch(self, message: dict[str, Any]) -> None:
        # As in the console: database connections live in the pool's threads only.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        query = {name: values[-1] for name, values in parse_qs(self.scope["query_string"].decode("latin-1")).items()}
        self._token = crypto.hash_token(query.get("token", ""))
        try:
            grant = await _call(tokens.verify, query.get("token", ""), now=clock.now())
            if await _call(cache.get, _replaced(self._token)):
                raise tokens.BadToken
        except tokens.BadToken:
            # Before it is accepted: the SDK tries again ever more slowly then, and otherwise at once, for ever.
            await self.close()
            return
        await self.accept()
        worker = grant.worker
        if query.get("closeExistingSessions") == "true":
            push.send(session_group(worker.pk), {"type": "replaced", "by": self.name, "token": self._token})
        for group in (groups.worker(worker.pk), session_group(worker.pk)):
            await self.channel_layer.group_add(group, self.channel_name)
            self._groups.append(group)
        if query.get("setWorkerOfflineIfDisconnected") != "false":
            await _call(presence.connected, worker, self.name, now=clock.now())
            self._is_present = True
        # From here on; what is before, the SDK asks for once it is initialised.
        self.feed = await _call(feed.start, grant)
        lifetime = max(0, int((grant.expires_at - clock.now()).total_seconds() * 1000))
        payload = {
            "channel_id": worker.sid,
            "account_sid": grant.account_sid,
            "workspace_sid": worker.workspace.sid,
            "token_lifetime": lifetime,
        }
        await self.send(json.dumps({"event_type": "init", "payload": payload}))
        self._task = asyncio.create_task(self._run(lifetime / 1000))
        log.info("bridge.connected", worker=worker.sid)

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
        for group in self._groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        if self._is_present:
            await _call(presence.disconnected, self.name, clock.now())

    async def push(self, message: dict[str, Any]) -> None:
        frame = message["frame"]
        if frame.get("type") == "replaced":
            if frame.get("by") != self.name:
                if frame.get("token") != self._token:  # or the SDK would be back in a second
                    await _call(cache.set, _replaced(self._token), True, tokens.MAX_LIFETIME)
                await self.close(CLOSE_REPLACED, "Another session was opened.")
            return
        self._wake.set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The SDK says nothing here; its commands go by HTTP."""

    async def _run(self, lifetime: float) -> None:
        """Send what is new, a blank frame now and then, and end with the token."""
        loop = asyncio.get_running_loop()
        ends_at, beat_at = loop.time() + lifetime, loop.time() + HEARTBEAT_EVERY
        while (now := loop.time()) < ends_at:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, min(LOOK_EVERY, beat_at - now, ends_at - now)))
            self._wake.clear()
            try:
                for frame in await _call(self.feed.look):
                    await self.send(json.dumps(frame))
                if self.feed.has_more:
                    self._wake.set()
                if loop.time() >= beat_at:
                    beat_at = loop.time() + HEARTBEAT_EVERY
                    await self.send(" ")
                    if self._is_present:
                        await _call(self._stay)
            except feed.Gone:
                break
            except Exception:
                log.exception("bridge.look_failed")
                await asyncio.sleep(1)  # what just failed may fail again: not as often as the loop can turn
        await self.close(CLOSE_EXPIRED, "The token has run out.")

    def _stay(self) -> None:
        now = clock.now()
        if not presence.heartbeat(self.name, now):
            presence.connected(self.feed.worker, self.name, now=now)
