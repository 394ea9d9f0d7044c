"""Frames of a visitor -> events of the contract. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

from channels_adapters.contract import InboundAttachment, InboundMessage, Receipt, Sender, Typing, Unsupported
from channels_adapters.gateway import OpenFile
from channels_adapters.webchat import files, parse
from channels_adapters.webchat.render import external_id


def message(
    site: str,
    sender: Sender,
    frame: parse.Send,
    attachments: Mapping[str, OpenFile | None],
    *,
    at: dt.datetime,
) -> InboundMessage | Unsupported:
    """A send. The key comes from the visitor and their cid, so a send repeated after a lost ack is stored once."""
    key = external_id(sender.address, frame.cid)
    if frame.kind != "text":
        return Unsupported(key=key, channel_address=site, at=at, kind=frame.kind, sender=sender, raw=frame.raw)
    return InboundMessage(
        key=key,
        channel_address=site,
        at=at,
        sender=sender,
        external_id=key,
        text=frame.text,
        attachments=tuple(_attachment(name, file) for name, file in attachments.items()),
    )


def _attachment(key: str, file: OpenFile | None) -> InboundAttachment:
    if file is None:
        return InboundAttachment(kind="file", stored_key=key)
    return InboundAttachment(
        kind=files.kind(file.content_type),
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        stored_key=key,
    )


def typing(site: str, sender: Sender, on: bool, *, at: dt.datetime) -> Typing:
    """Never stored, so its key only has to be there."""
    key = external_id(sender.address, f"typing:{at.timestamp()}")
    return Typing(key=key, channel_address=site, at=at, sender=sender, active=on)


def receipt(site: str, sender: Sender, status: str, named: Sequence[str], *, at: dt.datetime) -> Receipt:
    """The browser has (``delivered``), or the visitor has read (``read``), the messages ``named``."""
    digest = hashlib.sha256(" ".join(named).encode()).hexdigest()[:32]
    return Receipt(
        key=external_id(sender.address, f"{status}:{digest}"),
        channel_address=site,
        at=at,
        recipient=sender,
        status=status,
        external_ids=tuple(named),
    )
