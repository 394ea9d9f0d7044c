"""Facts for the shared contract suite."""

from __future__ import annotations

from collections.abc import Iterable

from channels_adapters.contract import ParseResult, Sender
from channels_adapters.contract_kit import RECEIVED_AT, ContractKit
from channels_adapters.webchat import events, parse

SITE = "kit-shop"
VISITOR = Sender(kind="web", scope=SITE, address="0192f0c4a1b27c3d8e4f5a6b7c8d9e0f", verified=False)


def read(body: bytes) -> ParseResult:
    """What one frame of a fixed visitor means. Frames that are commands mean nothing to the inbox; ``seen`` and
    ``read`` name the messages the visitor had not confirmed yet, here always the same one."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise parse.BadFrame("Frames are JSON text.") from None
    match parse.parse(text):
        case parse.Send() as frame:
            return [events.message(SITE, VISITOR, frame, dict.fromkeys(frame.attachments), at=RECEIVED_AT)]
        case parse.Typing(on):
            return [events.typing(SITE, VISITOR, on, at=RECEIVED_AT)]
        case parse.Confirm(status):
            return [events.receipt(SITE, VISITOR, status, ["IM0192f0c4a1b27c3d8e4f5a6b7c8d9e10"], at=RECEIVED_AT)]
        case _:
            return []


def hostile() -> Iterable[tuple[str, bytes]]:
    yield "deep brackets", b"[" * 60_000
    yield "deep objects", b'{"t":' * 10_000
    yield "deep attachments", b'{"t":"send","cid":"x","text":"x","attachments":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    yield "one megabyte", b'{"t":"send","cid":"x","text":"' + b"a" * 2**20 + b'"}'
    yield "huge number", b'{"t":"read","seq":' + b"9" * 60_000 + b"}"
    yield "many keys", b'{"t":"send",' + b",".join(b'"k%d":1' % n for n in range(6000)) + b"}"
    yield "combining marks", b'{"t":"send","cid":"x","text":"' + "\u0301".encode() * 30_000 + b'"}'


kit = ContractKit(
    connection={},
    channel={
        "allowed_origins": ["https://kit-shop.example"],
        "identity_secret": "kit-identity-secret",
        "title": "Kit shop",
    },
    channel_address=SITE,
    recipient=VISITOR.address,
    sign=None,
    read=read,
    hostile=hostile,
)
