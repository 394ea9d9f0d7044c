"""Sites and visitors of web chat, made through the doors visitors use."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import itertools
from typing import Any

from channels_adapters.webchat import parse, session
from channels_adapters.webchat.session import Session
from conversations.models import Channel, Conversation, Message
from tests.factories import conversations as make

NOW = make.NOW
ORIGIN = "https://shop.example"
SECRET = "identity-secret-of-the-test-shop"
_numbers = itertools.count(1)


def channel(key: str = "shop", *, secret: str = SECRET, **config: Any) -> Channel:
    """A site key with its settings."""
    made = make.channel(
        type="webchat",
        address=key,
        connection=make.connection(type="webchat", secret=""),
        config={"allowed_origins": [ORIGIN], "title": "Test shop", **config},
    )
    made.set_secrets(identity_secret=secret)
    made.save()
    return made


def proof(user_id: str, secret: str = SECRET) -> str:
    """What the site's own server computes for a signed-in user."""
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def user(user_id: str = "77", *, secret: str = SECRET, **fields: str) -> parse.User:
    return parse.User(id=user_id, hash=proof(user_id, secret), **fields)


def enter(key: str = "shop", token: str = "", *, now: dt.datetime = NOW, **hello: Any) -> tuple[Session, str]:
    """A visitor let in: the session and the new token ("" when the old one stays)."""
    site = session.open_site(key, now=now)
    return session.enter(site, parse.Hello(site=key, token=token, **hello), now=now)


def say(visitor: Session, text: str = "Hello", *, cid: str = "", now: dt.datetime = NOW, **fields: Any) -> Any:
    """Send a message as the socket does; the answering frame."""
    frame = parse.Send(cid or f"cid-{next(_numbers)}", text, **fields)
    return visitor.send(frame, network="192.0.2.1", now=now)


def conversation(visitor: Session) -> Conversation:
    """The visitor's newest conversation."""
    rows = Conversation.objects.filter(identity__address=visitor.visitor.address)
    return rows.select_related("channel__connection", "identity__contact").latest("id")


def answer(visitor: Session, text: str = "Hello back", *, now: dt.datetime = NOW, **fields: Any) -> Message:
    """The bot answers; run the jobs for it to be sent."""
    return make.sent(conversation(visitor), text=text, now=now, **fields)
