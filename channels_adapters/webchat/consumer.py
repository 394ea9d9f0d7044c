"""The socket door of the widget: hello, then frames; what is new is read from the database, never from the layer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from channels_adapters.gateway import Cursor
from channels_adapters.webchat import limits, parse, render, session, visitors
from channels_adapters.webchat.session import Session
from contactcenter.lib import clock, push

log = structlog.get_logger(__name__)

SUBPROTOCOL = "chat.v1"
HELLO_SECONDS = 10.0
#: Wake-ups may be lost: every so often the socket looks by itself.
POLL_SECONDS = 30.0
FRAMES, FRAMES_SECONDS = 20, 10.0
BAD_FRAMES, BAD_FRAMES_SECONDS = 5, 60.0
SOCKETS_PER_VISITOR = 3
#: Messages out of turn that are looked for at a time.
LATE = 20
HELLOS_PER_MINUTE = 120
TYPING_SECONDS = 1.0

BAD_HELLO, HELLO_TIMEOUT, SITE_CLOSED, FRAME_TOO_BIG = 4000, 4001, 4003, 4013
RATE_LIMITED, TOKEN_EXPIRED, REPLACED = 4008, 4009, 4010

P = ParamSpec("P")
T = TypeVar("T")


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Database work off the loop, in any of its threads: one slow visitor must not hold up the others."""
    result: T = await database_sync_to_async(function, thread_sensitive=False)(*args, **kwargs)
    return result


class VisitorConsumer(AsyncWebsocketConsumer):
    """One tab of one visitor."""

    async def connect(self) -> None:
        self.session: Session | None = None
        self.cursor: Cursor = session.START
        self.state: render.Frame = {}
        self.look = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.frames = limits.Window(FRAMES, FRAMES_SECONDS)
        self.bad_frames = limits.Window(BAD_FRAMES - 1, BAD_FRAMES_SECONDS)
        self.typing_window = limits.Window(1, TYPING_SECONDS)
        self.typing_on = False
        self.joined_at = 0.0
        self.newer: set[str] = set()
        self.late: set[int] = set()
        self.closing = False
        client = self.scope.get("client") or ("", 0)
        self.network = limits.network(str(client[0]))
        # The reason of a refusal is told by close codes, and a browser only sees those of an accepted socket.
        offered = self.scope.get("subprotocols") or []
        await self.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        self._start(self._expect_hello())

    async def disconnect(self, code: int) -> None:
        self.closing = True
        for task in self.tasks:
            task.cancel()
        if self.session is not None:
            await self.channel_layer.group_discard(self.session.group, self.channel_name)
            push.send(self.session.group, {"t": "left", "socket": self.channel_name})
            if self.typing_on:
                with contextlib.suppress(Exception):
                    await _in_thread(self.session.typing, False, now=clock.now())

    def _start(self, work: Any) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    # -- in ---------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closing:
            return
        try:
            frame = parse.parse(text_data, bytes_data)
            wait = self.frames.take(time.monotonic())
            if wait and isinstance(frame, parse.Ping):
                pass  # a pong saved; it comes again
            elif wait:
                cid = frame.cid if isinstance(frame, parse.Send) else ""
                await self._send(render.error("rate_limited", "Slower, please.", cid=cid, retry=wait))
                await self._count_bad()
            elif isinstance(frame, parse.Ping):
                await self._send({"t": "pong"})
            elif isinstance(frame, parse.Hello):
                await self._hello(frame)
            elif self.session is None:
                raise parse.BadFrame("Say hello first.", code="hello_first")
            else:
                await self._command(self.session, frame)
        except parse.BadFrame as error:
            await self._send(render.error(error.code, error.message, cid=error.cid))
            if error.code == "too_big":
                await self._close(FRAME_TOO_BIG)
            elif error.code not in ("too_long", "bad_file", "empty"):  # those are mistakes of people
                await self._count_bad()
            if self.session is None and error.code != "hello_first":
                await self._close(BAD_HELLO)
        except Exception:
            # A bug or a database away: the client keeps its unacked sends and comes back with them.
            log.exception("webchat.frame_failed")
            await self._send(render.error("try_again", "Something went wrong on our side.", retry=2.0))

    async def _hello(self, hello: parse.Hello) -> None:
        if self.session is not None:
            raise parse.BadFrame("You have said hello already.")
        now = clock.now()
        headers = dict(self.scope.get("headers", ()))
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        allowed = await _in_thread(
            limits.allow, f"hello {hello.site}", self.network, count=HELLOS_PER_MINUTE, seconds=60
        )
        if not allowed:
            return await self._close(RATE_LIMITED)
        try:
            site = await _in_thread(session.open_site, hello.site, now=now)
            if not site.allows(origin, host):
                raise session.SiteClosed("This page may not use the chat.")
            entered, token = await _in_thread(session.enter, site, hello, now=now)
        except session.SiteClosed:
            log.warning("webchat.refused", site=hello.site, origin=origin[:200])
            return await self._close(SITE_CLOSED)
        except visitors.TokenExpired:
            return await self._close(TOKEN_EXPIRED)
        # Join before reading: what is committed in between wakes us, and is read then.
        await self.channel_layer.group_add(entered.group, self.channel_name)
        self.session = entered
        self.joined_at = now.timestamp()
        push.send(entered.group, {"t": "joined", "socket": self.channel_name, "at": self.joined_at})
        frame, self.cursor = await _in_thread(session.welcome, entered, token, hello)
        self.state = frame["state"]
        await self._send(frame)
        self.look.set()
        self._start(self._pump(entered))

    async def _command(self, visitor: Session, frame: parse.Frame) -> None:
        now = clock.now()
        match frame:
            case parse.Send():
                self.typing_on = False
                await self._send(await _in_thread(visitor.send, frame, network=self.network, now=now))
            case parse.Typing(on):
                if self.state.get("open") and (on != self.typing_on or not self.typing_window.take(time.monotonic())):
                    self.typing_on = on
                    await _in_thread(visitor.typing, on, now=now)
            case parse.Confirm():
                await _in_thread(visitor.confirm, frame, now=now)
            case parse.Sync(conversation, after):
                if await _in_thread(visitor.owns, conversation):
                    self.cursor = min(self.cursor, Cursor(conversation, after))
                self.look.set()
            case parse.Older(conversation, before):
                page = await _in_thread(visitor.page, Cursor(conversation, before))
                messages = [visitor.show(message) for message in page]
                await self._send({"t": "history", "messages": messages, "more": len(page) == session.PAGE})
            case parse.File(key):
                await self._send(await _in_thread(visitor.file, key))

    async def _count_bad(self) -> None:
        if self.bad_frames.take(time.monotonic()):
            await self._close(RATE_LIMITED)

    async def _expect_hello(self) -> None:
        await asyncio.sleep(HELLO_SECONDS)
        if self.session is None:
            await self._close(HELLO_TIMEOUT)

    # -- out --------------------------------------------------------------------------------------

    async def _pump(self, visitor: Session) -> None:
        """Send what is new, whenever woken and every half minute. The only sender of messages, so order holds."""
        pause = 0.0
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.look.wait(), POLL_SECONDS)
            self.look.clear()
            try:
                await self._catch_up(visitor)
                pause = 0.0
            except Exception:
                log.exception("webchat.pump_failed")
                pause = min(10.0, pause * 2 or 0.5)
                await asyncio.sleep(pause)
                self.look.set()

    async def _catch_up(self, visitor: Session) -> None:
        more = True
        while more:
            page = await _in_thread(visitor.after, self.cursor)
            for message in page:
                await self._send(visitor.show(message))
                self.cursor = message.cursor
            more = len(page) == session.PAGE
        await self._send_late(visitor)
        state = await _in_thread(visitor.state)
        if state != self.state:
            self.state = state
            await self._send(state)

    async def _send_late(self, visitor: Session) -> None:
        """Messages that come after their successors: they had failed and were sent again. We were told of them while
        they were on their way, so they may take another look or two to be there."""
        for seq in sorted(self.late):
            for message in await _in_thread(visitor.one, self.cursor.conversation, seq):
                self.late.discard(seq)
                await self._send(visitor.show(message))

    async def push(self, message: dict[str, Any]) -> None:
        """From the channel layer: a wake-up, or something transient to show."""
        frame = message["frame"]
        match frame.get("t"):
            case "look":
                seq = frame.get("seq")
                if isinstance(seq, int) and seq <= self.cursor.seq and len(self.late) < LATE:
                    self.late.add(seq)
                self.look.set()
            case "typing":
                await self._send({"t": "typing", "on": bool(frame.get("on")), "name": str(frame.get("name", ""))})
            case "joined" if (frame["at"], frame["socket"]) > (self.joined_at, self.channel_name):
                self.newer.add(frame["socket"])
                if len(self.newer) >= SOCKETS_PER_VISITOR:
                    await self._close(REPLACED)
            case "left":
                self.newer.discard(frame["socket"])

    async def _send(self, frame: render.Frame) -> None:
        if not self.closing:
            await self.send(text_data=json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def _close(self, code: int) -> None:
        if not self.closing:
            self.closing = True
            await self.close(code=code)
