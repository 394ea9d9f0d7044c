"""One heartbeat per process for all its consoles, so that nothing depends on a hint arriving.

Every two seconds it compares what each console holds with the rows' numbers (two queries for all of them), and every
four it asks whether each may still be here and see what it sees. It also joins the socket groups again from time to
time, because their membership lives in Redis or expires.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
import weakref
from typing import Any, Protocol

import structlog

from agents import access, streams, threads
from agents.protocol import WORKER
from contactcenter.lib import ids

log = structlog.get_logger(__name__)

PERIOD = 2.0
#: Beats between two checks of access, and between two rounds of joining groups again.
ACCESS_EVERY = 2
JOIN_EVERY = 8


class Console(Protocol):
    """What the pulse needs to know of a connection, and may tell it."""

    user_id: uuid.UUID
    worker_id: uuid.UUID | None
    session_key: str
    positions: dict[str, int]

    def look(self, stream: str) -> None: ...
    async def lose(self, stream: str) -> None: ...
    async def sign_out(self) -> None: ...
    async def join_groups(self) -> None: ...
    async def mind_silence(self) -> None: ...


class Pulse:
    """Beats while there is at least one console in this event loop."""

    def __init__(self) -> None:
        self.consoles: set[Any] = set()
        self._task: asyncio.Task[None] | None = None
        self._beats = 0

    def join(self, console: Console) -> None:
        self.consoles.add(console)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, console: Console) -> None:
        self.consoles.discard(console)
        if not self.consoles and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.beat()
            except Exception:  # the database is away: the next beat tries again
                log.exception("pulse.failed")

    async def beat(self) -> None:
        """One round over all consoles."""
        self._beats += 1
        for console in list(self.consoles):
            await console.mind_silence()
        if self._beats % ACCESS_EVERY == 0:
            await self.check_access(list(self.consoles))
        await self._compare()
        if self._beats % JOIN_EVERY == 0:
            for console in list(self.consoles):
                await console.join_groups()

    async def _compare(self) -> None:
        consoles = list(self.consoles)
        followed = {row_id for console in consoles for row_id in conversation_ids(console)}
        workers = {console.worker_id for console in consoles if console.worker_id and WORKER in console.positions}
        conversations, worker_heads = await threads.call(streams.heads, followed, workers)
        for console in consoles:
            for stream, held in list(console.positions.items()):
                head = (
                    worker_heads.get(console.worker_id)
                    if stream == WORKER
                    else conversations.get(uuid.UUID(hex=stream[2:]))
                )
                if head is not None and head > held:
                    console.look(stream)

    async def check_access(self, consoles: list[Console]) -> None:
        """Sign out who may not be here any more; take away what they may not see any more."""
        sessions = {console.session_key: console.user_id for console in consoles}
        standing = await threads.call(access.standing, sessions)
        for console in consoles:
            if console.session_key not in standing:
                await console.sign_out()
                continue
            followed = list(conversation_ids(console))
            if not followed:
                continue
            visible = await threads.call(access.still_visible, console.user_id, followed)
            for row_id in followed:
                if row_id not in visible:
                    await console.lose(ids.to_sid("CH", row_id))


def conversation_ids(console: Console) -> list[uuid.UUID]:
    return [uuid.UUID(hex=stream[2:]) for stream in console.positions if stream != WORKER]


_pulses: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = weakref.WeakKeyDictionary()


def current() -> Pulse:
    """The running event loop's pulse."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(KeyError):
        return _pulses[loop]
    return _pulses.setdefault(loop, Pulse())
