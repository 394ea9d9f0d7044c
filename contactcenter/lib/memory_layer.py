"""The channel layer of one process: any thread may send, any event loop may receive.

Channels' own in-memory layer belongs to a single loop; a send from a worker thread corrupts it. Here a mailbox is
guarded by a lock, and a waiting receiver is woken in its own loop by ``call_soon_threadsafe``.
"""

from __future__ import annotations

import asyncio
import collections
import threading
import time
import uuid
from typing import Any

import structlog
from channels.layers import BaseChannelLayer

log = structlog.get_logger(__name__)

Message = dict[str, Any]


class _Mailbox:
    """Messages of one channel name, and the receivers waiting for them."""

    __slots__ = ("last_read_at", "messages", "waiters")

    def __init__(self) -> None:
        self.messages: collections.deque[Message] = collections.deque()
        self.waiters: collections.deque[asyncio.Future[None]] = collections.deque()
        self.last_read_at = time.monotonic()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class MemoryChannelLayer(BaseChannelLayer):
    """Bounded mailboxes: when a reader is ``capacity`` messages behind, further ones are dropped. Consoles notice
    the hole in the numbering and ask again, so a slow reader costs bounded memory and nothing is lost."""

    extensions = ["groups", "flush"]

    def __init__(
        self, capacity: int = 1000, expiry: int = 60, group_expiry: int = 86400, channel_capacity: Any = None
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity, channel_capacity=channel_capacity)
        self.group_expiry = group_expiry
        self._lock = threading.Lock()
        self._mailboxes: dict[str, _Mailbox] = {}
        self._groups: dict[str, dict[str, float]] = {}

    # -- from any thread --------------------------------------------------------------------------

    def send_nowait(self, channel: str, message: Message) -> None:
        """Put ``message`` into a channel's mailbox. Never blocks; dropped when the mailbox is full."""
        with self._lock:
            self._put(channel, message)

    def group_send_nowait(self, group: str, message: Message) -> None:
        """Put ``message`` into the mailbox of every member of ``group``. The members share the value: read it only."""
        with self._lock:
            for channel in list(self._groups.get(group, ())):
                self._put(channel, message)

    def _put(self, channel: str, message: Message) -> None:
        mailbox = self._mailboxes.get(channel)
        if mailbox is None:
            mailbox = self._mailboxes[channel] = _Mailbox()
        if len(mailbox.messages) >= self.capacity:
            if time.monotonic() - mailbox.last_read_at > self.expiry:
                self._forget(channel)  # its reader is gone and never said goodbye
            log.warning("memory_layer.mailbox_full", channel=channel)
            return
        mailbox.messages.append(message)
        while mailbox.waiters:
            waiter = mailbox.waiters.popleft()
            try:
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)
            except RuntimeError:
                continue  # that loop has been closed: the next receiver takes it
            break

    def _forget(self, channel: str) -> None:
        self._mailboxes.pop(channel, None)
        for group, members in list(self._groups.items()):
            members.pop(channel, None)
            if not members:
                del self._groups[group]

    # -- the layer's interface --------------------------------------------------------------------

    async def send(self, channel: str, message: Message) -> None:
        self.require_valid_channel_name(channel)
        self.send_nowait(channel, dict(message))

    async def receive(self, channel: str) -> Message:
        """The next message of ``channel``, in the order they were put."""
        self.require_valid_channel_name(channel)
        while True:
            with self._lock:
                mailbox = self._mailboxes.setdefault(channel, _Mailbox())
                mailbox.last_read_at = time.monotonic()
                if mailbox.messages:
                    return dict(mailbox.messages.popleft())
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                mailbox.waiters.append(waiter)
            try:
                await waiter
            finally:
                self._leave(channel, waiter)

    def _leave(self, channel: str, waiter: asyncio.Future[None]) -> None:
        with self._lock:
            mailbox = self._mailboxes.get(channel)
            if mailbox is None:
                return
            if waiter in mailbox.waiters:
                mailbox.waiters.remove(waiter)
            if not mailbox.messages and not mailbox.waiters:
                del self._mailboxes[channel]

    async def new_channel(self, prefix: str = "specific.") -> str:
        return f"{prefix}memory!{uuid.uuid4().hex}"

    async def flush(self) -> None:
        with self._lock:
            self._mailboxes.clear()
            self._groups.clear()

    async def close(self) -> None:
        """Nothing to close."""

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            members = self._groups.setdefault(group, {})
            too_old = time.monotonic() - self.group_expiry
            for name in [name for name, joined in members.items() if joined < too_old]:
                del members[name]
            members[channel] = time.monotonic()

    async def group_discard(self, group: str, channel: str) -> None:
        with self._lock:
            members = self._groups.get(group)
            if members is not None:
                members.pop(channel, None)
                if not members:
                    del self._groups[group]

    async def group_send(self, group: str, message: Message) -> None:
        self.require_valid_group_name(group)
        self.group_send_nowait(group, message)
