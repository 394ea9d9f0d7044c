"""Messenger's attachment objects -> ours. Pure.

A strange attachment never costs the message it came with: it becomes a placeholder of kind ``unsupported``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from channels_adapters.contract import InboundAttachment
from channels_adapters.messenger.reading import number, one_line, optional_identifier, optional_mapping, raw
from contactcenter.lib.text import scrub, scrub_name

_MEDIA = {"image", "video", "audio", "file"}
#: Shares: shown as a link with a title, never fetched.
_SHARES = {"fallback", "reel", "ig_reel", "post", "ig_post", "share"}
_MOST = 50
_LONGEST_URL = 8000


def read(value: Any, text: str) -> tuple[InboundAttachment, ...]:
    """The attachments of a message with this ``text`` ("" = none).

    During the sticker transition (2026) one sticker came both as image and as sticker: only one is kept. A link
    preview without an address, below a text, adds nothing and is left out.
    """
    elements = value[:_MOST] if isinstance(value, list) else [] if value is None else [value]
    found: list[InboundAttachment] = []
    stickers: set[str] = set()
    for element in elements:
        attachment = _one(element)
        if attachment.kind == "sticker":
            sticker = str(attachment.data["sticker_id"])
            if sticker in stickers:
                continue
            stickers.add(sticker)
        if text and attachment.kind == "unsupported" and attachment.data["type"] == "fallback":
            continue
        found.append(attachment)
    return tuple(found)


def template_text(value: Any) -> str:
    """What the first template among these attachments says: the text above another app's buttons."""
    elements = value[:_MOST] if isinstance(value, list) else []
    payloads = (optional_mapping(e).get("payload") for e in elements if optional_mapping(e).get("type") == "template")
    said = next((optional_mapping(payload).get("text") for payload in payloads), "")
    return scrub(said) if isinstance(said, str) else ""


def _one(element: Any) -> InboundAttachment:
    outer = optional_mapping(element)
    kind = one_line(outer.get("type"), 60)
    payload = optional_mapping(outer.get("payload"))
    url = _url(payload.get("url"))
    sticker = optional_identifier(payload.get("sticker_id"))
    if url and (kind == "sticker" or (kind == "image" and sticker)):
        return InboundAttachment("sticker", url=url, data={"sticker_id": sticker})
    if url and kind in _MEDIA:
        return InboundAttachment(kind, url=url, name=_file_name(url) if kind == "file" else "")
    if kind == "location":
        return _location(outer, payload) or _unsupported(kind, element)
    if kind in _SHARES:
        return _link(url or _url(outer.get("url")), payload.get("title") or outer.get("title")) or _unsupported(
            kind, element
        )
    if kind == "template":
        return _template(outer, payload) or _unsupported(kind, element)
    return _unsupported(kind or "unknown", element)


def _unsupported(kind: str, element: Any) -> InboundAttachment:
    return InboundAttachment("unsupported", data={"type": kind, "raw": raw(element)})


def _location(outer: Mapping[str, Any], payload: Mapping[str, Any]) -> InboundAttachment | None:
    coordinates = optional_mapping(payload.get("coordinates"))
    lat, lng = number(coordinates.get("lat")), number(coordinates.get("long"))
    if lat is None or lng is None or abs(lat) > 90 or abs(lng) > 180:
        return None
    data: dict[str, Any] = {"lat": lat, "lng": lng}
    if title := one_line(outer.get("title")):
        data["title"] = title
    return InboundAttachment("location", data=data)


def _link(url: str, title: Any) -> InboundAttachment | None:
    """Only http(s): the address becomes something an agent clicks on."""
    target = _unwrapped(url)
    if not target.startswith(("https://", "http://")):
        return None
    return InboundAttachment("link", data={"url": target, "title": one_line(title)})


def _template(outer: Mapping[str, Any], payload: Mapping[str, Any]) -> InboundAttachment | None:
    """Cards and buttons: the first address and what they say."""
    elements = payload.get("elements")
    cards = [optional_mapping(card) for card in elements[:10]] if isinstance(elements, list) else []
    says = [payload.get("text"), *(part for card in cards for part in (card.get("title"), card.get("subtitle")))]
    title = " · ".join(part for part in map(one_line, says) if part) or one_line(outer.get("title"))
    addresses = [
        outer.get("url"),
        payload.get("url"),
        *(card.get(name) for card in cards for name in ("item_url", "url")),
    ]
    url = next((found for found in map(_url, addresses) if found), "")
    return _link(url, title)


def _url(value: Any) -> str:
    return scrub(value) if isinstance(value, str) and 0 < len(value) <= _LONGEST_URL else ""


def _unwrapped(url: str) -> str:
    """Facebook's link shim ``l.facebook.com/l.php?u=...`` -> where it leads; anything else as it is."""
    try:
        parts = urlsplit(url)
        if parts.hostname in {"l.facebook.com", "lm.facebook.com"} and parts.path == "/l.php":
            inner = parse_qs(parts.query).get("u", [""])[0]
            return scrub(inner) if inner.startswith(("https://", "http://")) else url
    except ValueError:  # "http://[" and the like
        return ""
    return url


def _file_name(url: str) -> str:
    try:
        return scrub_name(unquote(urlsplit(url).path.rpartition("/")[2]), 120)
    except ValueError:
        return ""
