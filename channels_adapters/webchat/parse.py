"""Wire -> frames. Pure. Anything may come: a frame is one of the dataclasses below, or ``BadFrame`` is raised."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from channels_adapters.webchat.config import MAX_FILES, MAX_FRAME, MAX_TEXT
from contactcenter.lib.errors import UnparsablePayload
from contactcenter.lib.text import scrub, scrub_json, scrub_name

_CID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CONVERSATION = re.compile(r"CH[0-9a-f]{32}")
#: The database's largest seq; no honest client comes near it.
_MAX_SEQ = 2**31 - 1


class BadFrame(UnparsablePayload):
    """A frame that is no command. ``code``: see README; ``cid`` when it named one, so the client can give up on it."""

    code = "bad_frame"

    def __init__(self, message: str, *, code: str | None = None, cid: str = "") -> None:
        super().__init__(message, code=code)
        self.cid = cid


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Whom the page says this is. Proven only by ``hash`` or ``jwt``."""

    id: str = ""
    name: str = ""
    email: str = ""
    hash: str = dataclasses.field(default="", repr=False)
    jwt: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Hello:
    site: str
    token: str = dataclasses.field(default="", repr=False)
    conversation: str = ""
    last_seq: int = 0
    user: User | None = None
    page: Mapping[str, str] = dataclasses.field(default_factory=dict)
    language: str = ""
    timezone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """``kind`` is "text"; a newer widget may know others, which are kept (``raw``) and shown as unsupported."""

    cid: str
    text: str
    attachments: tuple[str, ...] = ()
    kind: str = "text"
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Typing:
    on: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Confirm:
    """``seen`` (status "delivered": it is on the screen's side of the socket) or ``read``: everything up to ``seq``."""

    status: str
    conversation: str
    seq: int


@dataclasses.dataclass(frozen=True, slots=True)
class Sync:
    conversation: str
    after: int


@dataclasses.dataclass(frozen=True, slots=True)
class Older:
    conversation: str
    before: int


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ping:
    pass


Frame = Hello | Send | Typing | Confirm | Sync | Older | File | Ping


def parse(text: str | None, binary: bytes | None = None) -> Frame:
    """One frame as it came. Raises ``BadFrame``; nothing else, whatever it is given."""
    if text is None or binary is not None:
        raise BadFrame("Frames are JSON text.", code="bad_frame")
    if len(text) > MAX_FRAME or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME:
        raise BadFrame("The frame is too big.", code="too_big")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadFrame("The frame is not JSON.", code="bad_json") from None
    if not isinstance(value, dict) or not isinstance(value.get("t"), str):
        raise BadFrame('A frame is an object with a "t".')
    cid = value.get("cid")
    cid = cid if isinstance(cid, str) and _CID.fullmatch(cid) else ""
    reader = _READERS.get(value["t"])
    if reader is None:
        raise BadFrame("There is no such frame.", code="unknown_frame", cid=cid)
    try:
        return reader(value)
    except BadFrame as error:
        error.cid = cid
        raise


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(value: Mapping[str, Any], name: str, limit: int, *, pattern: re.Pattern[str] | None = None) -> str:
    """A string field, "" when absent or null; one-line and bounded unless ``pattern`` says what it must be."""
    given = value.get(name)
    if given is None:
        return ""
    if not isinstance(given, str):
        raise BadFrame(f'"{name}" must be text.')
    if pattern is None:
        return scrub_name(given, limit)
    if given and not pattern.fullmatch(given):
        raise BadFrame(f'"{name}" is malformed.')
    return given


def _seq(value: Mapping[str, Any], name: str) -> int:
    given = value.get(name)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= _MAX_SEQ:
        raise BadFrame(f'"{name}" must be a message number.')
    return given


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = value.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadFrame(f'"{name}" must be an object.')
    return given


def _user(value: Mapping[str, Any]) -> User | None:
    given = _object(value, "user")
    if not given:
        return None
    user_id = given.get("id")
    if isinstance(user_id, int) and not isinstance(user_id, bool) and abs(user_id) < 2**63:
        given = {**given, "id": str(user_id)}  # hosts often number their users
    return User(
        id=_text(given, "id", 255),
        name=_text(given, "name", 120),
        email=_text(given, "email", 254),
        hash=_text(given, "hash", 128),
        jwt=_text(given, "jwt", 4096),
    )


def _hello(value: Mapping[str, Any]) -> Hello:
    site = _text(value, "site", 255)
    if not site:
        raise BadFrame("A hello names its site.")
    resume = _object(value, "resume")
    page = _object(value, "page")
    locale = _text(value, "locale", 35)
    return Hello(
        site=site,
        token=_text(resume, "token", 128),
        conversation=_text(resume, "conversation", 34, pattern=_CONVERSATION),
        last_seq=_seq(resume, "last_seq") if resume.get("last_seq") is not None else 0,
        user=_user(value),
        page={name: _text(page, name, 500) for name in ("url", "title", "referrer") if page.get(name)},
        language=locale.split("-")[0].lower() if _LANGUAGE.fullmatch(locale) else "",
        timezone=_text(value, "tz", 64),
    )


def _send(value: Mapping[str, Any]) -> Send:
    cid = _text(value, "cid", 64, pattern=_CID)
    text = value.get("text", "")
    keys = value.get("attachments") or []
    if not cid or not isinstance(text, str) or not isinstance(keys, list):
        raise BadFrame('A send has a "cid", a "text" and perhaps "attachments".')
    if len(keys) > MAX_FILES or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys):
        raise BadFrame("These are no files.", code="bad_file")
    kind = _text(value, "kind", 40) or "text"
    if kind != "text":
        return Send(cid, "", kind=kind, raw=scrub_json(value, depth=8))
    text = scrub(text).strip()
    if len(text) > MAX_TEXT:
        raise BadFrame(f"A message has at most {MAX_TEXT} characters.", code="too_long")
    if not text and not keys:
        raise BadFrame("The message is empty.", code="empty")
    return Send(cid, text, tuple(dict.fromkeys(keys)))


def _typing(value: Mapping[str, Any]) -> Typing:
    if not isinstance(value.get("on"), bool):
        raise BadFrame('"on" must be true or false.')
    return Typing(value["on"])


def _confirm(value: Mapping[str, Any]) -> Confirm:
    status = "read" if value["t"] == "read" else "delivered"
    return Confirm(status, _text(value, "conversation", 34, pattern=_CONVERSATION), _seq(value, "seq"))


def _sync(value: Mapping[str, Any]) -> Sync:
    return Sync(_text(value, "conversation", 34, pattern=_CONVERSATION), _seq(value, "after"))


def _older(value: Mapping[str, Any]) -> Older:
    return Older(_text(value, "conversation", 34, pattern=_CONVERSATION), _seq(value, "before"))


def _file(value: Mapping[str, Any]) -> File:
    key = _text(value, "key", 64, pattern=_KEY)
    if not key:
        raise BadFrame("Which file?")
    return File(key)


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Frame]] = {
    "hello": _hello,
    "send": _send,
    "typing": _typing,
    "seen": _confirm,
    "read": _confirm,
    "sync": _sync,
    "older": _older,
    "file": _file,
    "ping": lambda _value: Ping(),
}
