"""What a visitor's socket may do, as plain functions: the consumer and the views call these and nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db import transaction

from channels_adapters import gateway
from channels_adapters.gateway import Cursor, HistoryMessage
from channels_adapters.webchat import events, files, identity, limits, parse, render, visitors
from channels_adapters.webchat.config import MAX_FILE, MAX_TEXT, PING_SECONDS, Site
from channels_adapters.webchat.models import Visitor
from contactcenter.lib.errors import ContactCenterError, NotVisible

SLUG = "webchat"
#: Messages read and sent at a time.
PAGE = 50
#: Before everything.
START = Cursor("", 0)
#: How long a queue position is remembered for who reconnects; a newer one replaces it.
_QUEUE_SECONDS = 15 * 60


class SiteClosed(ContactCenterError):
    """No such site, or it is switched off, or the page may not use it. The browser does not come back."""

    code = "webchat.site_closed"


def open_site(key: str, *, now: dt.datetime) -> Site:
    """The site behind a key. Raises ``SiteClosed``."""
    context = gateway.open_channel(SLUG, key, now=now)
    if context is None:
        raise SiteClosed("This chat is not in use.")
    return Site.of(key, context.channel)


@dataclasses.dataclass(slots=True)
class Session:
    """One visitor on one site. Cheap to make; holds no connection and no lock."""

    site: Site
    visitor: Visitor
    group: str = ""

    def __post_init__(self) -> None:
        self.group = gateway.group(SLUG, self.site.key, self.visitor.sender())

    # -- in ---------------------------------------------------------------------------------------

    def send(self, frame: parse.Send, *, network: str, now: dt.datetime) -> render.Frame:
        """Store a message and answer with its ack, or with an error frame. A repeat is acked as one."""
        sender = self.visitor.sender()
        external_id = render.external_id(self.visitor.address, frame.cid)
        known = gateway.find_message(SLUG, self.site.key, sender, external_id)
        if known is not None:
            return render.ack(frame.cid, now, known)
        if not self._may_write(network):
            return render.error("blocked", "Too many new chats from here. Try again in an hour.", cid=frame.cid)
        attachments = {key: gateway.open_file(SLUG, self.site.key, sender, key) for key in frame.attachments}
        if None in attachments.values():
            return render.error("bad_file", "A file is gone. Add it again.", cid=frame.cid)
        event = events.message(self.site.key, sender, frame, attachments, at=now)
        try:
            gateway.submit(SLUG, self.site.key, [event], now=now)
        except NotVisible:
            return render.error("closed", "This chat is closed.", cid=frame.cid)
        return render.ack(frame.cid, now, None)

    def _may_write(self, network: str) -> bool:
        """A conversation that is open may go on; new ones are counted by network address."""
        state = gateway.thread_state(SLUG, self.site.key, self.visitor.sender())
        return state.is_open or limits.allow(
            f"conversations {self.site.key}",
            network,
            count=self.site.conversations_per_hour,
            seconds=3600,
            once=f"{self.visitor.address} after {state.conversation}",
        )

    def typing(self, on: bool, *, now: dt.datetime) -> None:
        """Tell the agents. Never stored."""
        event = events.typing(self.site.key, self.visitor.sender(), on, at=now)
        gateway.submit(SLUG, self.site.key, [event], now=now)

    def confirm(self, frame: parse.Confirm, *, now: dt.datetime) -> None:
        """The browser has, or the visitor has read, everything up to there. A foreign number says nothing."""
        sender = self.visitor.sender()
        conversation = frame.conversation or gateway.thread_state(SLUG, self.site.key, sender).conversation
        named = gateway.unconfirmed(
            SLUG, self.site.key, sender, up_to=Cursor(conversation, frame.seq), status=frame.status
        )
        if named:
            event = events.receipt(self.site.key, sender, frame.status, named, at=now)
            gateway.submit(SLUG, self.site.key, [event], now=now)

    # -- out --------------------------------------------------------------------------------------

    def state(self) -> render.Frame:
        value = gateway.thread_state(SLUG, self.site.key, self.visitor.sender())
        queue = cache.get(_queue_key(self.group)) if value.owner == "queue" else None
        return render.state(value, is_available=gateway.is_available(SLUG, self.site.key), queue=queue)

    def after(self, cursor: Cursor) -> list[HistoryMessage]:
        return gateway.history(SLUG, self.site.key, self.visitor.sender(), after=cursor, limit=PAGE)

    def one(self, conversation: str, seq: int) -> list[HistoryMessage]:
        """A single message, for news of one that comes out of turn (sent again after it had failed)."""
        found = gateway.history(
            SLUG, self.site.key, self.visitor.sender(), after=Cursor(conversation, seq - 1), limit=1
        )
        return [message for message in found if message.cursor == Cursor(conversation, seq)]

    def page(self, before: Cursor | None = None) -> list[HistoryMessage]:
        """The last messages, or those before one of them; oldest first."""
        return gateway.history(SLUG, self.site.key, self.visitor.sender(), before=before, limit=PAGE)

    def owns(self, conversation: str) -> bool:
        """Is this a conversation of this visitor? (After a sign-in, what a browser remembers may be another's.)"""
        last = gateway.history(
            SLUG, self.site.key, self.visitor.sender(), before=Cursor(conversation, 2**31 - 1), limit=1
        )
        return bool(conversation) and bool(last) and last[0].conversation == conversation

    def show(self, message: HistoryMessage) -> render.Frame:
        return render.message(message, self.visitor.address, self.file_address)

    def file_address(self, key: str) -> str:
        return files.address(self.site.key, self.visitor.address, key)

    def file(self, key: str) -> render.Frame:
        """A fresh address for a file whose last one ran out."""
        if gateway.open_file(SLUG, self.site.key, self.visitor.sender(), key) is None:
            return render.error("bad_file", "There is no such file.")
        return {"t": "file", "key": key, "url": self.file_address(key)}


def enter(site: Site, hello: parse.Hello, *, now: dt.datetime) -> tuple[Session, str]:
    """Let a visitor in: their session and the new token to keep ("" = go on with the old one).
    Raises ``visitors.TokenExpired``."""
    with transaction.atomic():
        entered = visitors.enter(
            site.key,
            hello.token,
            user_id=identity.proven_id(hello.user, site.identity_secret, now=now.timestamp()),
            name=hello.user.name if hello.user else "",
            language=hello.language,
            claims=_claims(hello),
            now=now,
        )
    return Session(site, entered.visitor), entered.token


def _claims(hello: parse.Hello) -> dict[str, str]:
    user = hello.user
    return {
        "email": user.email if user else "",
        "user_id": user.id if user else "",
        "page": hello.page.get("url", ""),
        "timezone": hello.timezone,
    }


def welcome(session: Session, token: str, hello: parse.Hello) -> tuple[render.Frame, Cursor]:
    """The answer to a hello, and the place from which the socket goes on reading.

    A browser that was here before gets exactly what it missed; a new page gets the last messages.
    """
    missed_only = session.owns(hello.conversation)
    history: list[HistoryMessage] = [] if missed_only else session.page()
    settled = [message.cursor for message in history if message.is_settled]
    cursor = Cursor(hello.conversation, hello.last_seq) if missed_only else settled[-1] if settled else START
    state = session.state()
    frame: render.Frame = {
        "t": "welcome",
        "v": 1,
        "visitor_token": token or None,
        "conversation": state["conversation"] or None,
        "seq": cursor.seq,
        "resumed": missed_only,
        "agent_online": state["agent_online"],
        "ping": PING_SECONDS,
        "max_text": MAX_TEXT,
        "max_file": MAX_FILE,
        "known": bool(session.visitor.name or session.visitor.claims.get("email")),
        "state": state,
        "history": [session.show(message) for message in history],
        "more": len(history) == PAGE,
    }
    return frame, cursor


def remember_queue(group: str, position: Mapping[str, Any]) -> None:
    """Keep the last queue position for who reconnects. A hint in the cache; the queue itself is elsewhere."""
    cache.set(_queue_key(group), dict(position), _QUEUE_SECONDS)


def _queue_key(group: str) -> str:
    return f"webchat:queue:{group}"
