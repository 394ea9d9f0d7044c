"""``/ws/supervision/?workspace=WS...``, the live view of a workspace (the default one unless said): first the whole
state, then rows that changed, at most once a second. A workspace that is none of theirs is refused by name."""

from __future__ import annotations

import asyncio
import uuid
import weakref
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from agents import access, protocol, threads
from agents.models import User
from agents.supervision import overview, scope
from contactcenter.lib import clock, fast_json, groups
from contactcenter.lib.errors import NotVisible

log = structlog.get_logger(__name__)

Json = dict[str, Any]

#: Seconds between two frames at least, and between two looks at most (figures move with the clock, too).
EVERY = 1.0
AT_LEAST_EVERY = 5.0
#: After the first news, wait for what comes with it. The receivers hint less often than this; see there.
GATHER = 0.5
LISTS = ("queues", "agents", "tasks")
MAX_FRAME = 4096
#: How it ends: the reason told, and the close code.
SIGNED_OUT = ("signed_out", protocol.NOT_SIGNED_IN)
NO_WORKSPACE = ("no_workspace", protocol.NO_WORKSPACE)

#: Reads at a time in one event loop: they may take seconds where there is much to count, and consoles need threads too.
READS = 2
_semaphores: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


def _reads() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    found = _semaphores.get(loop)
    return found if found is not None else _semaphores.setdefault(loop, asyncio.Semaphore(READS))


class SupervisionConsumer(AsyncWebsocketConsumer):
    """One open live view."""

    user_id: uuid.UUID
    session_key: str
    workspace: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sent: dict[str, dict[str, Json]] = {}
        self._rest: Json = {}

    async def dispatch(self, message: Json) -> None:
        # As the console's: database connections are looked after in ``threads.call`` only.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated:
            await self._end(*SIGNED_OUT)
            return
        self.user_id, self.session_key = user.pk, self.scope["session"].session_key
        query = parse_qs(self.scope["query_string"].decode(errors="replace"))
        self.workspace = query.get("workspace", [""])[0]
        self._task = asyncio.create_task(self._run())

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Clients only ask for a sign of life."""
        if text_data is not None and len(text_data) <= MAX_FRAME:
            await self._say({"type": "pong"})

    async def push(self, message: Json) -> None:
        """A hint from below."""
        self._news.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Again each time: membership lives in Redis and expires.
            await self._join()
            self._news.clear()
            started = loop.time()
            try:
                async with _reads():
                    state = await threads.call(_read, self.user_id, self.session_key, self.workspace)
            except NotVisible:
                await self._end(*NO_WORKSPACE)
                return
            except Exception:  # the database is away: the next look tries again
                log.exception("supervision.read_failed")
            else:
                if state is None:
                    await self._end(*SIGNED_OUT)
                    return
                await self._tell(state)
            await asyncio.sleep(max(EVERY, loop.time() - started))
            try:
                await asyncio.wait_for(self._news.wait(), AT_LEAST_EVERY - EVERY)
                await asyncio.sleep(GATHER)
            except TimeoutError:
                pass

    async def _tell(self, state: Json) -> None:
        lists = {name: {row["sid"]: row for row in state.pop(name)} for name in LISTS}
        time = state.pop("server_time")
        if not self._sent:
            rows = {name: list(found.values()) for name, found in lists.items()}
            await self._say({"type": "state", "server_time": time, **state, **rows})
        else:
            changes: Json = {}
            for name, found in lists.items():
                before = self._sent[name]
                changed = [row for sid, row in found.items() if before.get(sid) != row]
                gone = [sid for sid in before if sid not in found]
                if changed or gone:
                    changes[name] = {"changed": changed, "gone": gone}
            rest = {name: value for name, value in state.items() if self._rest.get(name) != value}
            if changes or rest:
                await self._say({"type": "changes", "server_time": time, **rest, **changes})
        self._sent, self._rest = lists, state

    async def _say(self, frame: Json) -> None:
        await self.send(fast_json.dumps(frame).decode())

    async def _end(self, reason: str, code: int) -> None:
        await self._say({"type": "bye", "reason": reason})
        await self.close(code)

    async def _join(self) -> None:
        try:
            await self.channel_layer.group_add(groups.supervisors(), self.channel_name)
        except Exception as error:  # Redis is away: looks go on by themselves
            log.warning("supervision.join_failed", error=type(error).__name__)

    async def _leave(self) -> None:
        try:
            await self.channel_layer.group_discard(groups.supervisors(), self.channel_name)
        except Exception as error:
            log.warning("supervision.leave_failed", error=type(error).__name__)


def _read(user_id: uuid.UUID, session_key: str, workspace: str) -> Json | None:
    """The state as this person may see it now; None when they may not any more. Raises ``NotVisible`` for a workspace
    that is none of theirs."""
    user = User.objects.filter(pk=user_id).first()
    if user is None or not scope.may_look(user) or session_key not in access.standing({session_key: user_id}):
        return None
    return overview.state(user, scope.get_workspace(user, workspace), now=clock.now())
