"""What every simulated provider shares: people with phones, their chats, armed failures, a log of both directions.

A provider's own wire (what it sends, what it answers) is written in ``<adapter>/simulator.py`` on top of this.
Everything is held in memory of one process: a simulator is for the demo and for tests.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import queue
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from channels_adapters.contract import WebhookRequest, WebhookResponse
from contactcenter.lib import clock
from contactcenter.lib.errors import Refused

#: Seconds without an answer, for "the provider does not answer": longer than any client of ours waits.
HANG_SECONDS = 45.0
_MOST_MEDIA_BYTES = 64 * 1024 * 1024
_MOST_MESSAGES = 200


class NoAnswer(Exception):
    """The provider lets the client wait. The request was not carried out."""


class LostAnswer(Exception):
    """The provider carried the request out; its answer never arrives."""


@dataclasses.dataclass
class Persona:
    """Someone with this app on their phone. ``address`` is who they are to the provider."""

    address: str
    name: str
    language: str = "en"
    note: str = ""
    #: the house is typing until then
    typing_until: dt.datetime | None = None
    unread: int = 0


@dataclasses.dataclass(frozen=True)
class File:
    """A file in a chat. ``url`` is a path on this server."""

    kind: str
    url: str
    name: str = ""


@dataclasses.dataclass
class Bubble:
    """One message in a chat, as the phone shows it."""

    id: str
    is_mine: bool
    at: dt.datetime
    text: str = ""
    files: list[File] = dataclasses.field(default_factory=list)
    quick_replies: list[dict[str, str]] = dataclasses.field(default_factory=list)
    reply_to: str = ""
    reactions: dict[str, str] = dataclasses.field(default_factory=dict)  # "mine" | "theirs" -> emoji
    edits: int = 0
    #: of mine: "sent", "seen", or "failed"; of theirs: "delivered", "read"
    status: str = "sent"


@dataclasses.dataclass
class Exchange:
    """One HTTP request with its answer, for the raw view."""

    kind: str  # "webhook": we told the contact center; "call": it called us
    title: str
    at: dt.datetime
    method: str
    url: str
    headers: dict[str, str]
    body: str
    status: int = 0
    answer: str = ""
    milliseconds: int = 0


#: Posts a webhook: (url, body, headers) -> (status, answer). Tests hand in their own.
Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, str]]


@functools.cache
def _client() -> httpx.Client:
    """One client (making one costs more than a webhook), without connections kept open for the server to close."""
    return httpx.Client(timeout=20, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """Deliver a webhook to a real address. Status 0: nobody answers there."""
    try:
        response = _client().post(url, content=body, headers=dict(headers))
    except httpx.HTTPError as error:
        return 0, f"{type(error).__name__}: nobody answers at this address"
    return response.status_code, response.text[:2000]


class Simulator:
    """Base of the fake providers. All public methods are thread-safe."""

    slug = ""
    label: Any = ""
    #: who the people write to, as their phones name it
    title = ""
    #: code -> what the page's "the next message fails with ..." menu says
    failures: Mapping[str, Any] = {}
    #: what a person can do here beyond writing text, in the page's words ("image", "sticker", "react", "edit" ...)
    actions: Sequence[str] = ()

    def __init__(
        self,
        personas: Sequence[Persona],
        *,
        post: Post = post_over_http,
        base_url: str = "",
        now: Callable[[], dt.datetime] = clock.now,
        changed: Callable[[], None] = lambda: None,
        is_threaded: bool = True,
    ) -> None:
        """``base_url``: where the contact center's doors are. ``changed`` is called after every change.
        ``is_threaded=False``: what the provider reports later waits for ``pump``."""
        self.base_url = base_url
        self._post = post
        self._now = now
        self._changed = changed
        self._is_threaded = is_threaded
        self._lock = threading.RLock()
        self._personas: OrderedDict[str, Persona] = OrderedDict((p.address, dataclasses.replace(p)) for p in personas)
        self._chats: dict[str, list[Bubble]] = {p.address: [] for p in personas}
        self._media: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._log: deque[Exchange] = deque(maxlen=12)
        self._last_webhook: tuple[bytes, dict[str, str]] | None = None
        self._armed: deque[str] = deque()
        self._version = 0
        self._reports: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._reporter: threading.Thread | None = None

    # -- for providers to fill in -----------------------------------------------------------------

    def handle(self, request: WebhookRequest) -> WebhookResponse:
        """The provider's API. May raise ``NoAnswer`` or ``LostAnswer``."""
        raise NotImplementedError  # every provider has its own wire

    def act(self, persona: str, action: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the person at the page does. Raises ``Refused``."""
        raise NotImplementedError  # every provider has its own wire

    # -- people and chats -------------------------------------------------------------------------

    def add_persona(self, persona: Persona) -> Persona:
        with self._lock:
            self._personas[persona.address] = persona
            self._chats.setdefault(persona.address, [])
        self.touch()
        return persona

    def persona(self, address: str) -> Persona:
        """Raises ``Refused`` for somebody unknown."""
        with self._lock:
            found = self._personas.get(address)
        if found is None:
            raise Refused("There is no such person here. Reload the page.", code="simulator.no_such_persona")
        return found

    def bubble(self, address: str, bubble_id: str) -> Bubble:
        with self._lock:
            for bubble in self._chats.get(address, ()):
                if bubble.id == bubble_id:
                    return bubble
        raise Refused("This message is gone. Reload the page.", code="simulator.no_such_message")

    def chat(self, address: str) -> list[Bubble]:
        with self._lock:
            return list(self._chats.get(address, ()))

    def add_bubble(self, address: str, bubble: Bubble) -> Bubble:
        with self._lock:
            chat = self._chats[address]
            chat.append(bubble)
            del chat[:-_MOST_MESSAGES]
            for earlier in chat[:-1]:
                earlier.quick_replies = []  # they live under the last message only
            if not bubble.is_mine:
                self._personas[address].unread += 1
                self._personas[address].typing_until = None
        self.touch()
        return bubble

    def snapshot(self) -> tuple[list[Persona], dict[str, list[Bubble]], dict[str, tuple[str, bytes]]]:
        """People, chats and files, to be kept."""
        with self._lock:
            return list(self._personas.values()), {a: list(chat) for a, chat in self._chats.items()}, dict(self._media)

    def restore(
        self, personas: Sequence[Persona], chats: Mapping[str, list[Bubble]], media: Mapping[str, tuple[str, bytes]]
    ) -> None:
        """Put back what ``snapshot`` gave."""
        with self._lock:
            self._personas.update({one.address: one for one in personas})
            self._chats.update({address: list(chats.get(address, ())) for address in self._personas})
            self._media.update(media)

    # -- files ------------------------------------------------------------------------------------

    def keep(self, name: str, content_type: str, content: bytes) -> str:
        """Store a file; its path on this server. The oldest ones make room."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._media[key] = (content_type, content)
            while sum(len(kept) for _, kept in self._media.values()) > _MOST_MEDIA_BYTES and len(self._media) > 1:
                self._media.popitem(last=False)
        safe = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-"))[-60:] or "file"
        return f"/channels/{self.slug}/simulator/media/{key}/{safe}"

    def media(self, key: str) -> tuple[str, bytes] | None:
        """Content type and bytes of a kept file."""
        with self._lock:
            return self._media.get(key)

    # -- failures ---------------------------------------------------------------------------------

    def arm(self, failure: str, times: int = 1) -> None:
        """The next ``times`` messages of the house end in this failure. Raises ``Refused`` for an unknown one."""
        if failure not in self.failures:
            raise Refused("This provider cannot fail in that way.", code="simulator.no_such_failure")
        with self._lock:
            self._armed.extend([failure] * times)
        self.touch()

    def disarm(self) -> None:
        with self._lock:
            self._armed.clear()
        self.touch()

    def next_failure(self) -> str:
        """What was armed for the message that just came, "" for nothing."""
        with self._lock:
            return self._armed.popleft() if self._armed else ""

    # -- telling the contact center ---------------------------------------------------------------

    def deliver(self, title: str, path: str, body: bytes, headers: Mapping[str, str]) -> Exchange:
        """POST a webhook now and log it."""
        with self._lock:
            self._last_webhook = (body, dict(headers))
        url = self.base_url + path
        exchange = Exchange("webhook", title, self._now(), "POST", url, dict(headers), body.decode("utf-8", "replace"))
        started = time.perf_counter()
        exchange.status, exchange.answer = self._post(url, body, headers)
        exchange.milliseconds = round((time.perf_counter() - started) * 1000)
        self._note(exchange)
        return exchange

    def deliver_again(self, title: str, path: str) -> Exchange:
        """The last webhook once more, byte for byte. Raises ``Refused`` when there was none."""
        if self._last_webhook is None:
            raise Refused("Nothing was sent yet. Write something first.", code="simulator.nothing_to_repeat")
        return self.deliver(title, path, *self._last_webhook)

    def report(self, send: Callable[[], Any]) -> None:
        """Have ``send`` run soon, after everything reported before it: receipts and echoes come by themselves."""
        self._reports.put(send)
        if self._is_threaded and (self._reporter is None or not self._reporter.is_alive()):
            self._reporter = threading.Thread(target=self._report_for_ever, name=f"{self.slug}-simulator", daemon=True)
            self._reporter.start()

    def pump(self) -> int:
        """Run what waits to be reported, in order; how many. For simulators without a thread."""
        done = 0
        while not self._reports.empty():
            self._reports.get()()
            done += 1
        return done

    def _report_for_ever(self) -> None:
        while True:
            self._reports.get()()

    def log_call(self, title: str, request: WebhookRequest, shown_body: str, response: WebhookResponse | None) -> None:
        """Log one request of the contact center. ``response`` None: it got no answer."""
        headers = {name: value for name, value in request.headers.items() if name in {"content-type", "user-agent"}}
        if token := request.headers.get("authorization", ""):
            headers["authorization"] = f"{token.partition(' ')[0]} …{token[-4:]}"
        exchange = Exchange("call", title, self._now(), request.method, request.path, headers, shown_body)
        exchange.status = response.status if response else 0
        exchange.answer = response.body.decode("utf-8", "replace")[:2000] if response else "no answer"
        self._note(exchange)

    def _note(self, exchange: Exchange) -> None:
        with self._lock:
            self._log.append(exchange)
        self.touch()

    # -- showing ----------------------------------------------------------------------------------

    def touch(self) -> None:
        """Something changed: whoever looks, look again."""
        with self._lock:
            self._version += 1
        self._changed()

    @property
    def version(self) -> int:
        return self._version

    def state(self) -> dict[str, Any]:
        """Everything the page shows."""
        with self._lock:
            now = self._now()
            return {
                "slug": self.slug,
                "label": str(self.label),
                "title": self.title,
                "version": self._version,
                "actions": list(self.actions),
                "failures": [{"code": code, "label": str(label)} for code, label in self.failures.items()],
                "armed": list(self._armed),
                "personas": [
                    {
                        "address": persona.address,
                        "name": persona.name,
                        "language": persona.language,
                        "note": persona.note,
                        "unread": persona.unread,
                        "typing": bool(persona.typing_until and persona.typing_until > now),
                        "last_text": chat[-1].text[:80] if (chat := self._chats[persona.address]) else "",
                    }
                    for persona in self._personas.values()
                ],
                "chats": {
                    address: [
                        {**dataclasses.asdict(bubble), "at": bubble.at.isoformat()} for bubble in self._chats[address]
                    ]
                    for address in self._chats
                },
                "log": [{**dataclasses.asdict(exchange), "at": exchange.at.isoformat()} for exchange in self._log],
            }

    def transport(self) -> httpx.BaseTransport:
        """The provider's API as an httpx transport: a test without a server."""

        def handle(request: httpx.Request) -> httpx.Response:
            asked = WebhookRequest(
                method=request.method,
                path=request.url.path,
                query=dict(request.url.params),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.read(),
                received_at=self._now(),
            )
            try:
                answer = self.handle(asked)
            except NoAnswer:
                raise httpx.ReadTimeout("no answer", request=request) from None
            except LostAnswer:
                raise httpx.ReadError("connection lost", request=request) from None
            headers = {"content-type": answer.content_type, **answer.headers}
            return httpx.Response(answer.status, content=answer.body, headers=headers)

        return httpx.MockTransport(handle)


def compact_json(value: Any) -> bytes:
    """JSON as large providers write it: short, non-ASCII escaped."""
    return json.dumps(value, separators=(",", ":")).encode()
