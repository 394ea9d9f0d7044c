"""The console's socket door: frames in, commands called, events out.

Two tasks per connection beside the dispatch loop: the *reader*, woken by hints and by the pulse, which turns new rows
into frames, and the *writer*, which alone sends. Only the reader, ``subscribe`` and an event that came along with its
hint move ``positions``, one at a time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from agents import access, actions, protocol, pulse, streams, threads, welcome
from agents.protocol import WORKER, commands, frames
from contactcenter.lib import clock, fast_json, groups, ids
from contactcenter.lib.errors import ContactCenterError, Refused
from routing.services import presence

log = structlog.get_logger(__name__)

#: Frames waiting for a client that reads slowly; one more, and the connection is closed.
QUEUE_LIMIT = 1000
#: Seconds without a frame after which the client is poked, and after which it is gone.
POKE_AFTER = 20.0
CLOSE_AFTER = 60.0
#: At most this many frames in this many seconds.
RATE = 400
RATE_SECONDS = 10.0
#: Seconds between two heartbeats written for the router.
HEARTBEAT_EVERY = 8.0


class ConsoleConsumer(AsyncWebsocketConsumer):
    """One tab of one agent."""

    user_id: uuid.UUID
    worker_id: uuid.UUID | None
    session_key: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.socket_name = ids.new_id().hex
        #: stream -> number of the last event sent; what is in here is followed
        self.positions: dict[str, int] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()
        self._out: asyncio.Queue[frames.Frame | int] = asyncio.Queue(QUEUE_LIMIT)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._joined: set[str] = set()
        self._is_open = False
        self._heard_at = self._beat_at = self._rate_from = 0.0
        self._rate = 0
        self._poked = self._has_arrived = self._is_ending = False

    # -- life -------------------------------------------------------------------------------------

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would look after database connections here, in the one thread all consoles share; ours live in
        # ``threads.call`` only.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        desk = await threads.call(access.find_desk, user.pk) if user.is_authenticated else None
        if desk is None:
            await self.send(fast_json.dumps(frames.Bye(reason="signed_out").to_json()).decode())
            await self.close(protocol.NOT_SIGNED_IN)
            return
        self.user_id = desk.user.pk
        self.worker_id = desk.worker.pk if desk.worker else None
        self.session_key = self.scope["session"].session_key
        self._is_open = True
        self._heard_at = self._beat_at = self._now()
        self._start(self._write())
        self._start(self._read())
        await self._join(groups.user(self.user_id))
        self._has_arrived = self.worker_id is not None
        self._put(await threads.call(welcome.arrive, desk, self.socket_name, now=clock.now()))
        pulse.current().join(self)

    async def disconnect(self, code: int) -> None:
        self._is_open = False
        pulse.current().leave(self)
        for task in list(self._tasks):
            task.cancel()
        for group in list(self._joined):
            await self._leave(group)
        if self._has_arrived:
            await threads.call(presence.disconnected, self.socket_name, clock.now())

    async def sign_out(self) -> None:
        """The session ended, or the person may not be here any more."""
        await self._end("signed_out", protocol.NOT_SIGNED_IN)

    async def _end(self, reason: str, code: int) -> None:
        """Say goodbye behind what is already waiting to be sent, and close; nothing follows."""
        if not self._is_ending:
            self._put(frames.Bye(reason=reason))
            self._put(code)
            self._is_ending = True
            self.positions.clear()

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("console.task_failed", exc_info=error)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # -- in ---------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self._is_open or self._is_ending:
            return
        now = self._now()
        self._heard_at, self._poked = now, False
        if now - self._rate_from > RATE_SECONDS:
            self._rate_from, self._rate = now, 0
        self._rate += 1
        if self._rate > RATE:
            await self._end("too_fast", protocol.TOO_FAST)
            return
        if self.worker_id is not None and now - self._beat_at > HEARTBEAT_EVERY:
            self._beat_at = now
            self._start(threads.call(welcome.stay, self.worker_id, self.socket_name, now=clock.now()))
        try:
            command = commands.parse(text_data if text_data is not None else bytes_data)
        except commands.BadFrame as error:
            self._put(frames.Error(code=error.code, message=error.message, id=error.request_id))
            return
        self._put(await self._answer(command))

    async def _answer(self, command: commands.Command) -> frames.Frame:
        try:
            match command:
                case commands.Ping():
                    return frames.Pong()
                case commands.Subscribe():
                    await self._subscribe(command)
                    return frames.Ok(id=command.id)
                case commands.Unsubscribe():
                    async with self._reading:
                        await self._forget(command.conversation)
                    return frames.Ok(id=command.id)
                case _:
                    result = await threads.call(
                        actions.carry_out, self.user_id, command, socket_name=self.socket_name, now=clock.now()
                    )
                    return frames.Ok(id=command.id, result=result)
        except access.NotAllowed:
            await self.sign_out()
            return frames.Refused(id=command.id, code="signed_out", message="You are signed out. Sign in again.")
        except Refused as refusal:
            return frames.Refused(id=command.id, code=refusal.code, message=str(refusal.message))
        except ContactCenterError as error:
            log.warning("console.command_failed", command=command.type, code=error.code)
            return frames.Refused(id=command.id, code=error.code, message=str(error.message))
        except Exception:
            log.exception("console.command_crashed", command=command.type)
            return frames.Refused(
                id=command.id, code="internal_error", message="That did not work, and it is our fault. Try again."
            )

    async def mind_silence(self) -> None:
        """Called by the pulse: poke a client that has been silent, close one that does not even answer that."""
        silence = self._now() - self._heard_at
        if silence > CLOSE_AFTER:
            await self._end("silent", protocol.SILENT)
        elif silence > POKE_AFTER and not self._poked:
            self._poked = True
            self._put(frames.Poke())

    # -- streams ----------------------------------------------------------------------------------

    async def _subscribe(self, command: commands.Subscribe) -> None:
        wanted: dict[str, int | None] = dict(command.conversations)
        if command.follow_worker:
            wanted[WORKER] = command.worker_seq
        # Groups first, rows second: what happens between the two is hinted at and read by the reader.
        for stream in wanted:
            if (group := self._group(stream)) is not None:
                await self._join(group)
        async with self._reading:
            reading = await threads.call(streams.start_for, self.user_id, wanted)
            self._take(reading)
            for stream in wanted.keys() - reading.positions.keys():
                await self._forget(stream)
        if reading.more:
            self.look(*wanted)

    async def _read(self) -> None:
        """Turn new rows into frames, for as long as the connection lives."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with self._reading:
                    looked_at, self._dirty = self._dirty & self.positions.keys(), set()
                    if looked_at:
                        reading = await threads.call(
                            streams.proceed, self.user_id, self.worker_id, dict(self.positions), looked_at
                        )
                        self._take(reading)
                        if reading.more:
                            self.look(*looked_at)
            except access.NotAllowed:
                await self.sign_out()
            except Exception:  # the pulse will have us look again
                log.exception("console.read_failed")

    def _take(self, reading: streams.Reading) -> None:
        self.positions.update(reading.positions)
        for frame in reading.frames:
            self._put(frame)

    def _take_pushed(self, frame: dict[str, Any]) -> None:
        """An event that came along with its hint: sent on when it is the very next one, read from its row otherwise."""
        stream = frame["stream"]
        held = self.positions.get(stream)
        if held is None or frame["seq"] <= held:
            return
        if frame["seq"] > held + 1 or stream in self._dirty or self._reading.locked():
            self.look(stream)
            return
        self.positions[stream] = frame["seq"]
        self._put(frames.Event(**{name: value for name, value in frame.items() if name != "type"}))

    def look(self, *followed: str) -> None:
        """There may be news in these streams."""
        self._dirty.update(followed)
        self._wake.set()

    async def lose(self, stream: str) -> None:
        """This conversation is no longer theirs to see."""
        async with self._reading:
            if stream in self.positions:
                await self._forget(stream)
                self._put(frames.Gone(stream=stream))

    async def _forget(self, stream: str) -> None:
        self.positions.pop(stream, None)
        if (group := self._group(stream)) is not None:
            await self._leave(group)

    def _group(self, stream: str) -> str | None:
        if stream == WORKER:
            return groups.worker(self.worker_id) if self.worker_id is not None else None
        return groups.conversation(uuid.UUID(hex=stream[2:]))

    # -- groups and what comes through them ---------------------------------------------------------

    async def _join(self, group: str) -> None:
        self._joined.add(group)
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except Exception as error:  # Redis is away: the pulse joins again, and looks meanwhile
            log.warning("console.join_failed", group=group, error=type(error).__name__)

    async def _leave(self, group: str) -> None:
        self._joined.discard(group)
        try:
            await self.channel_layer.group_discard(group, self.channel_name)
        except Exception as error:
            log.warning("console.leave_failed", group=group, error=type(error).__name__)

    async def join_groups(self) -> None:
        """Called by the pulse."""
        for group in list(self._joined):
            await self._join(group)

    async def push(self, message: dict[str, Any]) -> None:
        """From the channel layer: ``look`` and ``check`` are for us, the rest is passed on to whom it concerns."""
        frame = message["frame"]
        if not self._is_open or frame.get("from") == self.socket_name:
            return
        match frame["type"]:
            case "look":
                self.look(frame["stream"])
            case "event":
                self._take_pushed(frame)
            case "check":
                self._start(pulse.current().check_access([self]))
            case "typing" | "composing" | "draft" | "read":
                is_own_writing = frame["type"] == "composing" and frame["user_sid"] == ids.to_sid("US", self.user_id)
                if not is_own_writing and (frame["conversation"] in self.positions or frame["type"] == "draft"):
                    kind = frames.FRAMES[frame["type"]]
                    self._put(kind(**{name: value for name, value in frame.items() if name not in ("type", "from")}))

    # -- out --------------------------------------------------------------------------------------

    def _put(self, frame: frames.Frame | int) -> None:
        """Queue a frame, or a close code. A client too slow to take what waits for it is cut off."""
        if not self._is_open or self._is_ending:
            return
        try:
            self._out.put_nowait(frame)
        except asyncio.QueueFull:
            log.warning("console.too_slow", user=self.user_id.hex)
            self._is_open = False
            asyncio.get_running_loop().create_task(self._cut_off())

    async def _cut_off(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await self.close(protocol.TOO_SLOW)

    async def _write(self) -> None:
        while True:
            frame = await self._out.get()
            if isinstance(frame, int):
                self._is_open = False
                await self.close(frame)
                return
            await self.send(fast_json.dumps(frame.to_json()).decode())
