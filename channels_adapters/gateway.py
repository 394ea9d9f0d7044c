"""The way down: what ``conversations`` does for adapters that hold links of their own (web chat's sockets).

Adapters may not import what stands above them, so the work is handed down: ``conversations.gateway`` implements
``Gateway`` and its AppConfig calls ``register`` in ``ready``. Adapters call the module's functions, always by the
adapter's slug and the line's address (the site key), and always on behalf of one ``Sender``: nothing here gives
a customer anything but their own.

All functions are plain and synchronous (consumers call them through ``database_sync_to_async``).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from channels_adapters.contract import Context, InboundEvent, Sender
from contactcenter.lib.errors import ContactCenterError


class NoGateway(ContactCenterError):
    """Nobody registered an implementation: conversations is not installed."""

    code = "channels.no_gateway"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in a customer's history: a conversation's sid and a message's ``seq`` in it. Ordered like time."""

    conversation: str
    seq: int


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryFile:
    """A file of a message. ``key`` fetches it through ``open_file``; ``state`` as in Attachment."""

    key: str
    kind: str
    name: str
    content_type: str
    size: int
    state: str = "stored"


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryMessage:
    """One message as its customer may see it. ``seq`` grows within its conversation; numbers may be missing
    (notes of the house are not the customer's). ``external_id`` is the channel's own id: what ``send`` returned, or
    the inbound event's. ``is_settled``: nothing that comes before it is still on its way, so a reader may move its
    cursor here."""

    conversation: str
    seq: int
    sid: str
    external_id: str
    direction: str  # "in" | "out"
    author: str  # contact | user | bot | system | external
    author_name: str
    kind: str
    text: str
    files: tuple[HistoryFile, ...]
    quick_replies: tuple[str, ...]
    at: dt.datetime
    status: str
    is_settled: bool = True

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.conversation, self.seq)


@dataclasses.dataclass(frozen=True, slots=True)
class ThreadState:
    """How the customer's newest conversation stands. ``conversation`` is "" before the first one.

    ``owner``: flow | queue | worker | nobody; ``agent_name`` who answers now ("" = no person);
    ``read_seq``: the highest message of the customer an agent has seen; ``delivered_seq``/``customer_read_seq``:
    what the customer has confirmed of ours.
    """

    conversation: str = ""
    is_open: bool = False
    owner: str = "nobody"
    agent_name: str = ""
    read_seq: int = 0
    delivered_seq: int = 0
    customer_read_seq: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class OpenFile:
    """A file ready to be served."""

    name: str
    content_type: str
    size: int
    chunks: Callable[[], Iterator[bytes]]


class Gateway(Protocol):
    """What conversations implements (``conversations/gateway.py``)."""

    def open_channel(self, slug: str, address: str, *, now: dt.datetime) -> Context | None: ...

    def submit(self, slug: str, address: str, events: Sequence[InboundEvent], *, now: dt.datetime) -> None: ...

    def thread_state(self, slug: str, address: str, sender: Sender, thread: str) -> ThreadState: ...

    def history(
        self,
        slug: str,
        address: str,
        sender: Sender,
        thread: str,
        *,
        after: Cursor | None,
        before: Cursor | None,
        limit: int,
    ) -> list[HistoryMessage]: ...

    def find_message(self, slug: str, address: str, sender: Sender, external_id: str) -> HistoryMessage | None: ...

    def unconfirmed(
        self, slug: str, address: str, sender: Sender, *, up_to: Cursor, status: str, limit: int
    ) -> list[str]: ...

    def store_upload(
        self,
        slug: str,
        address: str,
        sender: Sender,
        *,
        name: str,
        content: bytes,
        content_type: str,
        now: dt.datetime,
    ) -> HistoryFile: ...

    def open_file(self, slug: str, address: str, sender: Sender, key: str) -> OpenFile | None: ...


_gateway: Gateway | None = None
_with_sockets: set[str] = set()
_availability: Callable[[str, str], bool] | None = None


def register(implementation: Gateway) -> None:
    """Called once by ``conversations`` when Django's apps are ready."""
    global _gateway
    _gateway = implementation


def register_availability(function: Callable[[str, str], bool]) -> None:
    """Called by whoever knows the agents (``routing``): (slug, address) -> could someone answer now?"""
    global _availability
    _availability = function


def wants_looks(slug: str) -> None:
    """Called by an adapter that has sockets to be woken, when Django's apps are ready."""
    _with_sockets.add(slug)


def has_sockets(slug: str) -> bool:
    """Is anybody to be woken for this adapter's customers?"""
    return slug in _with_sockets


def _registered() -> Gateway:
    if _gateway is None:
        raise NoGateway("No gateway is registered. Add conversations to INSTALLED_APPS.")
    return _gateway


def open_channel(slug: str, address: str, *, now: dt.datetime) -> Context | None:
    """The settings of an active line (and ``submit``, ``publish`` bound to it), or None when there is none."""
    return _registered().open_channel(slug, address, now=now)


def submit(slug: str, address: str, events: Sequence[InboundEvent], *, now: dt.datetime) -> None:
    """Into the same inbox as the webhook door: returns after the commit. Repeats (same event key) are harmless.
    Raises ``NotVisible`` when the line is gone or switched off."""
    _registered().submit(slug, address, events, now=now)


def thread_state(slug: str, address: str, sender: Sender, thread: str = "") -> ThreadState:
    """How the customer's newest conversation on this line stands."""
    return _registered().thread_state(slug, address, sender, thread)


def history(
    slug: str,
    address: str,
    sender: Sender,
    thread: str = "",
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    limit: int = 50,
) -> list[HistoryMessage]:
    """The customer's messages over all their conversations on this line, oldest first.

    ``after``: the next ``limit`` beyond it; otherwise the last ``limit`` (those older than ``before``, when given).
    A message of ours appears once it is SENT. Read by ``after``, nothing appears before one that is still on its way
    ahead of it: whoever reads by cursor misses none.
    """
    return _registered().history(slug, address, sender, thread, after=after, before=before, limit=limit)


def find_message(slug: str, address: str, sender: Sender, external_id: str) -> HistoryMessage | None:
    """The stored message behind an inbound event's ``external_id``, or None (not drained yet, or never sent)."""
    return _registered().find_message(slug, address, sender, external_id)


def unconfirmed(slug: str, address: str, sender: Sender, *, up_to: Cursor, status: str, limit: int = 200) -> list[str]:
    """External ids of messages of ours in that conversation, ``seq <= up_to.seq``, that have not reached ``status``
    ("delivered" | "read"): what a Receipt has to name. Empty for a conversation of somebody else."""
    return _registered().unconfirmed(slug, address, sender, up_to=up_to, status=status, limit=limit)


def store_upload(
    slug: str, address: str, sender: Sender, *, name: str, content: bytes, content_type: str, now: dt.datetime
) -> HistoryFile:
    """Keep a customer's file (type sniffed, size capped: raises ``Refused``). Its ``key`` goes into
    ``InboundAttachment.stored_key`` of the message that carries it; only its uploader may attach it."""
    return _registered().store_upload(
        slug, address, sender, name=name, content=content, content_type=content_type, now=now
    )


def open_file(slug: str, address: str, sender: Sender, key: str) -> OpenFile | None:
    """A file the customer uploaded, or of a message they can see; None otherwise."""
    return _registered().open_file(slug, address, sender, key)


def is_available(slug: str, address: str) -> bool:
    """Could an agent answer now? True while nobody who knows has registered."""
    return True if _availability is None else _availability(slug, address)


def group(slug: str, address: str, sender: Sender) -> str:
    """The socket group of one customer on one line. ``conversations`` pushes ``{"t": "look"}`` to it whenever
    something about the customer's conversation was committed; a hint only."""
    name = "\x1f".join([slug, address, sender.kind, sender.scope, sender.address])
    return f"customer.{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:40]}"
