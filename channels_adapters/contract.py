"""What a channel adapter is, and the closed vocabulary it shares with the rest of the product.

Adapters see neither models nor each other: everything in and out is one of the frozen values below.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import httpx

from contactcenter.lib.errors import InvalidSignature

# --------------------------------------------------------------------------------------------------
# What comes in
# --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One HTTP request at ``/hooks/<connection>/``. Header names are lower case; ``body`` is the raw bytes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the door answers the provider."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. ``address`` is unique within (kind, scope): a page-scoped id has the page as its scope."""

    kind: str
    scope: str
    address: str
    name: str = ""
    language: str = ""
    #: True only when the channel proved who this is (a page-scoped id is proof; a typed e-mail address is not).
    verified: bool = True
    #: Claims about the person (e-mail typed into a form ...), kept apart from what is proven.
    claims: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class InboundAttachment:
    """A file of a message. Either ``url`` (fetched later, by the media job) or ``stored_key`` (already uploaded)."""

    #: image | video | audio | file | sticker | location | link | unsupported (a placeholder: nothing to fetch)
    kind: str
    url: str = ""
    name: str = ""
    content_type: str = ""
    size: int | None = None
    stored_key: str = ""
    #: location {"lat", "lng", "title"?}, link {"url", "title"}, sticker {"sticker_id"}, unsupported {"type", "raw"}.
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class _Event:
    #: Unique per connection; the same wire event always gives the same key (deduplication).
    key: str
    #: The line it came in on: page id, phone number, site key. Must match a Channel's address.
    channel_address: str
    #: When the provider says it happened.
    at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class InboundMessage(_Event):
    """A customer's message."""

    sender: Sender
    external_id: str
    text: str = ""
    attachments: tuple[InboundAttachment, ...] = ()
    thread: str = ""
    reply_to: str = ""  # external id of the quoted message
    #: Another app owns the thread (Messenger standby): shown, never auto-answered.
    passive: bool = False
    #: Facts beside the text: {"quick_reply": payload of the button}, {"referral": {...}}, {"commands": [...]} ...
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Echo(_Event):
    """A message our side sent, reported back: ours (``client_ref`` set) or from another app of the same page."""

    recipient: Sender
    external_id: str
    client_ref: str = ""  # our Transmission reference, when the provider carries it
    text: str = ""
    attachments: tuple[InboundAttachment, ...] = ()
    thread: str = ""
    author_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Edit(_Event):
    """A customer changed a message. ``revision`` grows; lower ones are ignored."""

    sender: Sender
    external_id: str
    text: str
    revision: int


@dataclasses.dataclass(frozen=True, slots=True)
class Deletion(_Event):
    sender: Sender
    external_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reaction(_Event):
    """``emoji`` empty = withdrawn."""

    sender: Sender
    external_id: str  # of the message reacted to
    emoji: str


@dataclasses.dataclass(frozen=True, slots=True)
class Postback(_Event):
    """A button was pressed. Shown as a message with the button's title; ``payload`` goes to the flow."""

    sender: Sender
    external_id: str
    title: str
    payload: str
    thread: str = ""
    passive: bool = False
    #: {"referral": {...}} when the person came by a link or an advertisement.
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt(_Event):
    """Delivery news for messages we sent: by ``external_ids``, or everything up to ``watermark``, or both."""

    recipient: Sender
    status: str  # "sent" | "delivered" | "read" | "failed"
    external_ids: tuple[str, ...] = ()
    watermark: dt.datetime | None = None
    error_code: str = ""
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Typing(_Event):
    """Transient; pushed to consoles, never stored."""

    sender: Sender
    active: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Unsupported(_Event):
    """A kind this adapter does not know. Shown as "unsupported message (kind)"; the raw JSON is kept for admins.

    ``sender`` is None when it belongs to nobody (an app-level notice).
    """

    kind: str
    sender: Sender | None = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict)


InboundEvent = InboundMessage | Echo | Edit | Deletion | Reaction | Postback | Receipt | Typing | Unsupported


@dataclasses.dataclass(frozen=True, slots=True)
class Malformed:
    """One element of a batch that could not be read: quarantined, its neighbours unharmed."""

    key: str
    channel_address: str
    error: str
    raw: Any


ParseResult = list[InboundEvent | Malformed]

# --------------------------------------------------------------------------------------------------
# What goes out
# --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class OutboundAttachment:
    """A file to send. ``open()`` gives its bytes; ``url`` is a signed public link (HTTPS deployments)."""

    name: str
    content_type: str
    size: int
    read: Callable[[], bytes]
    url: str = ""
    key: str = ""  # the attachment's public key, for channels that serve the file themselves


@dataclasses.dataclass(frozen=True, slots=True)
class OutboundMessage:
    """ONE provider request of a message (text and two files are three of these, split by ``Adapter.split``)."""

    ref: str  # ours, unique per request: travels with the message where the provider allows
    recipient: str  # the identity's address
    thread: str = ""
    text: str = ""
    attachment: OutboundAttachment | None = None
    quick_replies: tuple[str, ...] = ()
    reply_to: str = ""
    author_name: str = ""
    #: "automatic" (flow, bot) or "human"
    origin: str = "human"
    #: message sid and per-conversation seq, for channels that show history themselves (web chat)
    message_sid: str = ""
    seq: int = 0
    #: when the reply window closed, or None while open: adapters with a human-agent tag use it
    window_closed_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SendReceipt:
    """The provider took it. ``external_id`` is unique per channel ("" where the provider gives none).

    ``status`` is "sent", or "delivered" where taking it is delivering it.
    """

    external_id: str
    status: str = "sent"


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """Something transient to show the customer: never stored, may be lost.

    kind "typing" {active, name}; "read" {seq, external_id}; "queue" {ahead, wait_seconds | None};
    "agent" {name | None} (who is answering now).
    """

    kind: str
    recipient: str
    data: Mapping[str, Any]
    thread: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """What ``probe`` found. ``detail`` says what to do when not ok."""

    ok: bool
    detail: str = ""
    expires_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What a provider tells about a person."""

    name: str = ""
    language: str = ""
    avatar_url: str = ""


# --------------------------------------------------------------------------------------------------
# What an adapter declares
# --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Capabilities:
    """What the channel can express. The console offers this and nothing else; more is refused with the reason."""

    max_text: int
    #: MIME pattern ("image/*", "application/pdf", "*/*") -> largest size in bytes
    media: Mapping[str, int] = dataclasses.field(default_factory=dict)
    receipts: frozenset[str] = frozenset()  # of "sent", "delivered", "read"
    typing_in: bool = False
    typing_out: bool = False
    read_out: bool = False
    live_queue: bool = False  # can show the queue position live (Notice "queue")
    reply_window: dt.timedelta | None = None
    #: window for human-written messages when longer (Messenger HUMAN_AGENT: 7 days)
    human_window: dt.timedelta | None = None
    quick_replies: int = 0
    reply_to: bool = False
    idempotent_send: bool = False  # the provider removes duplicates: an unknown outcome may be resent
    #: The TaskChannel its conversations count as.
    task_channel: str = "chat"


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One field of a connection's or a channel's configuration, as the admin shows it."""

    name: str
    label: Any  # gettext_lazy, as is `help`
    help: Any = ""
    secret: bool = False  # sealed at rest, write-only
    required: bool = True
    default: Any = ""
    kind: str = "text"  # text | number | boolean | list


@dataclasses.dataclass(slots=True)
class Context:
    """What an adapter may reach for, and nothing else.

    ``connection`` and ``channel`` are the opened settings (name -> value, secrets in clear);
    ``http`` is the shared egress client; ``state`` a small dict saved after the call.
    ``submit(events)`` puts events into the same inbox as the webhook door, for adapters with links of their own;
    ``history(address, thread, after_seq)`` gives a customer's stored messages (dicts: seq, sid, direction, author,
    text, attachments, at, status); ``publish(group, frame)`` pushes a frame to a socket group.
    """

    connection: Mapping[str, Any]
    channel: Mapping[str, Any]
    channel_address: str
    http: httpx.Client
    now: dt.datetime
    state: dict[str, Any] = dataclasses.field(default_factory=dict)
    submit: Callable[[Sequence[InboundEvent]], None] | None = None
    history: Callable[[str, str, int], list[dict[str, Any]]] | None = None
    publish: Callable[[str, dict[str, Any]], None] | None = None


class Simulator(Protocol):
    """A small fake provider of one channel, as the demo's simulator page and its provider door drive it.

    ``channels_adapters.simulator.base.Simulator`` is the base to build one on.
    """

    slug: str
    label: Any

    def handle(self, request: WebhookRequest) -> WebhookResponse:
        """The provider's API: one request of our client -> the provider's answer."""

    def state(self) -> dict[str, Any]:
        """Everything the page shows, as JSON."""

    def act(self, persona: str, action: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the person at the page does. Raises ``Refused`` for an action this provider has not."""


def split_text(text: str, limit: int) -> list[str]:
    """``text`` in pieces of at most ``limit`` characters, cut after white space if possible; nothing is lost."""
    pieces: list[str] = []
    while len(text) > limit:
        window = text[:limit]
        # A cut in the first half would make many tiny pieces: rather cut a long word.
        cut = max(window.rfind("\n"), window.rfind(" ")) + 1
        cut = cut if cut > limit // 2 else limit
        pieces.append(text[:cut])
        text = text[cut:]
    if text:
        pieces.append(text)
    return pieces


class ChannelAdapter:
    """The base of every adapter. Declare the class attributes; write ``verify``, ``parse`` and ``send``."""

    slug: ClassVar[str]
    label: ClassVar[Any]  # gettext_lazy
    capabilities: ClassVar[Capabilities]
    #: Settings of the app behind the webhook, and of one line (page, number) behind it.
    connection_settings: ClassVar[tuple[Setting, ...]] = ()
    channel_settings: ClassVar[tuple[Setting, ...]] = ()
    #: Largest webhook body in bytes.
    max_body: ClassVar[int] = 1024 * 1024

    # -- in ---------------------------------------------------------------------------------------

    def handshake(self, request: WebhookRequest, connection: Mapping[str, Any]) -> WebhookResponse:
        """Answer a GET at the webhook's address (a provider's verification). Default: 405."""
        return WebhookResponse(405, b"This address takes POST requests of the provider.")

    def verify(self, request: WebhookRequest, connection: Mapping[str, Any]) -> None:
        """Silence, or ``InvalidSignature``. An empty secret is refused. Default: refuse everything."""
        raise InvalidSignature("This channel has no webhook.")

    def parse(self, request: WebhookRequest, connection: Mapping[str, Any]) -> ParseResult:
        """Wire -> events; pure: same input, same output. Unknown kinds become ``Unsupported``, broken elements
        ``Malformed``. Raises ``UnparsablePayload`` when nothing of the body can be read."""
        raise NotImplementedError  # every adapter with a webhook overrides this

    def acknowledge(self, request: WebhookRequest) -> WebhookResponse:
        """The answer after the commit."""
        return WebhookResponse(200, b"EVENT_RECEIVED")

    # -- out --------------------------------------------------------------------------------------

    def split(
        self, text: str, attachments: Sequence[OutboundAttachment]
    ) -> list[tuple[str, OutboundAttachment | None]]:
        """A message -> its provider requests, in order. Default: the text (cut at spaces when it is longer than
        ``capabilities.max_text``), then one request per file."""
        parts: list[tuple[str, OutboundAttachment | None]] = [
            (part, None) for part in split_text(text, self.capabilities.max_text)
        ]
        parts.extend(("", attachment) for attachment in attachments)
        return parts

    def send(self, message: OutboundMessage, context: Context) -> SendReceipt:
        """Carry out one provider request. Raises a ``SendError``."""
        raise NotImplementedError  # every adapter overrides this

    def notify(self, notice: Notice, context: Context) -> None:
        """Show something transient. Errors are swallowed by the caller. Default: nothing."""

    # -- life -------------------------------------------------------------------------------------

    def connect(self, context: Context) -> Health:
        """Ask the provider to deliver this line's events to us (again). Default: nothing to ask, just probe; the admin
        offers "Connect again" where an adapter has its own."""
        return self.probe(context)

    def probe(self, context: Context) -> Health:
        """Are the credentials alive? Used by "test connection" and the daily check."""
        return Health(ok=True, detail="")

    def fetch_profile(self, address: str, context: Context) -> Profile | None:
        """What the provider tells about a person, or None."""
        return None

    def media_request(self, url: str, context: Context) -> tuple[str, Mapping[str, str]]:
        """The address and headers to fetch an attachment with. Default: as it came, no credentials."""
        return url, {}

    def urls(self) -> Iterable[Any]:
        """Extra Django url patterns, mounted at ``/channels/<slug>/``."""
        return ()

    def websocket_urls(self) -> Iterable[Any]:
        """Extra websocket routes, mounted at ``/channels/<slug>/``."""
        return ()

    def simulator(self) -> Simulator | None:
        """The fake provider of this channel, for ``manage.py demo``; always the same object. None: has none."""
        return None
