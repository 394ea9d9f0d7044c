"""The settings of one site, typed; and which web pages may open its chat."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from channels_adapters.contract import Setting

MAX_FRAME = 64 * 1024
MAX_TEXT = 4000
MAX_FILE = 10 * 1024 * 1024
MAX_FILES = 10
PING_SECONDS = 25

DEFAULT_COLOR = "#2457d6"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")

CHANNEL_SETTINGS = (
    Setting(
        "allowed_origins",
        _("Allowed origins"),
        _(
            "Pages that may show the chat: scheme, host and port, e.g. https://shop.example or https://*.shop.example. "
            'The word "self" stands for pages of this server.'
        ),
        kind="list",
    ),
    Setting(
        "identity_secret",
        _("Identity secret"),
        _("Your web server signs the user's id with it (HMAC-SHA256), so that signed-in customers are recognised."),
        secret=True,
        required=False,
    ),
    Setting("title", _("Title"), _("The name at the top of the chat."), required=False),
    Setting("title_ar", _("Title (Arabic)"), required=False),
    Setting("greeting", _("Greeting"), _("Shown before the first message."), required=False),
    Setting("greeting_ar", _("Greeting (Arabic)"), required=False),
    Setting("away", _("When nobody is there"), _("Shown while no agent is available."), required=False),
    Setting("away_ar", _("When nobody is there (Arabic)"), required=False),
    Setting("color", _("Colour"), _("As #rrggbb."), required=False, default=DEFAULT_COLOR),
    Setting("suggestions", _("Suggested first messages"), required=False, kind="list"),
    Setting("suggestions_ar", _("Suggested first messages (Arabic)"), required=False, kind="list"),
    Setting(
        "prechat",
        _("Ask before the chat"),
        _('Any of "name" and "email". What visitors type there is a claim, never a proof.'),
        required=False,
        kind="list",
    ),
    Setting(
        "conversations_per_hour",
        _("New conversations per hour and IP address"),
        required=False,
        default=5,
        kind="number",
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """One site key with its settings."""

    key: str
    allowed_origins: tuple[str, ...] = ()
    identity_secret: str = dataclasses.field(default="", repr=False)
    #: language -> text
    title: Mapping[str, str] = dataclasses.field(default_factory=dict)
    greeting: Mapping[str, str] = dataclasses.field(default_factory=dict)
    away: Mapping[str, str] = dataclasses.field(default_factory=dict)
    suggestions: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    color: str = DEFAULT_COLOR
    prechat: tuple[str, ...] = ()
    conversations_per_hour: int = 5

    @classmethod
    def of(cls, key: str, settings: Mapping[str, Any]) -> Site:
        """From a channel's opened settings; what is missing or senseless becomes the default."""
        color = str(settings.get("color") or "")
        return cls(
            key=key,
            allowed_origins=_words(settings.get("allowed_origins")),
            identity_secret=str(settings.get("identity_secret") or ""),
            title=_texts(settings, "title"),
            greeting=_texts(settings, "greeting"),
            away=_texts(settings, "away"),
            suggestions={
                "en": _lines(settings.get("suggestions")),
                "ar": _lines(settings.get("suggestions_ar")),
            },
            color=color if _COLOR.fullmatch(color) else DEFAULT_COLOR,
            prechat=tuple(word for word in _words(settings.get("prechat")) if word in ("name", "email")),
            conversations_per_hour=_number(settings.get("conversations_per_hour"), 5),
        )

    def allows(self, origin: str, host: str) -> bool:
        """May a page at ``origin`` use this site's chat? ``host`` is what the page reached us as. A missing origin
        may not: every browser sends one. (Scripts can claim any: limits by IP are for them.)"""
        page = _origin(origin)
        return page is not None and any(_matches(page, pattern, host) for pattern in self.allowed_origins)

    def for_widget(self) -> dict[str, Any]:
        """What the widget may know before anybody said hello."""
        return {
            "title": dict(self.title),
            "greeting": dict(self.greeting),
            "away": dict(self.away),
            "suggestions": {language: list(words) for language, words in self.suggestions.items()},
            "color": self.color,
            "prechat": list(self.prechat),
            "max_text": MAX_TEXT,
            "max_file": MAX_FILE,
            "max_files": MAX_FILES,
        }


def _texts(settings: Mapping[str, Any], name: str) -> dict[str, str]:
    texts = {"en": str(settings.get(name) or ""), "ar": str(settings.get(f"{name}_ar") or "")}
    return {language: text for language, text in texts.items() if text}


def _words(value: Any) -> tuple[str, ...]:
    """A list, or text separated by white space or commas."""
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value)
    return tuple(str(word).strip() for word in value or () if str(word).strip())


def _lines(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.splitlines()
    return tuple(str(line).strip() for line in value or () if str(line).strip())[:6]


def _number(value: Any, default: int) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return default


def _origin(origin: str) -> tuple[str, str, int | None] | None:
    """``"https://a.example:8443"`` -> ("https", "a.example", 8443); None when it is no web origin."""
    try:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or "@" in origin:
            return None
        return parts.scheme, parts.hostname.lower(), parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None


def _matches(page: tuple[str, str, int | None], pattern: str, host: str) -> bool:
    scheme, name, port = page
    if pattern == "self":
        return page == _origin(f"{scheme}://{host}")
    wildcard = "://*." in pattern
    allowed = _origin(pattern.replace("://*.", "://", 1).rstrip("/"))
    if allowed is None or (scheme, port) != (allowed[0], allowed[2]):
        return False
    return name.endswith(f".{allowed[1]}") if wildcard else name == allowed[1]
