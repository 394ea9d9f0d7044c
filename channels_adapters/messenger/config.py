"""Typed settings of a Messenger connection (the Meta app) and of a channel (one Page)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from django.utils.translation import gettext_lazy as _

from channels_adapters.contract import Setting

GRAPH_BASE = "https://graph.facebook.com"
GRAPH_VERSION = "v25.0"

CONNECTION_SETTINGS = (
    Setting("app_id", _("App ID"), help=_("Of the Meta app; our own messages are recognised by it.")),
    Setting("app_secret", _("App secret"), help=_("Webhooks are signed with it."), secret=True),
    Setting(
        "verify_token",
        _("Verify token"),
        help=_("Chosen by you; enter the same one where the app's webhook is set up."),
        secret=True,
    ),
    Setting("graph_version", _("Graph API version"), required=False, default=GRAPH_VERSION),
    Setting("graph_base", _("Graph API address"), required=False, default=GRAPH_BASE),
    Setting(
        "requires_proof",
        _("Send a proof of the app secret"),
        help=_("Needed when the app is set to require one."),
        required=False,
        default=False,
        kind="boolean",
    ),
)

CHANNEL_SETTINGS = (
    Setting("page_access_token", _("Page access token"), secret=True),
    Setting(
        "human_agent_allowed",
        _("Human agent permission"),
        help=_("The app has it: agents may answer for 7 days instead of 24 hours."),
        required=False,
        default=False,
        kind="boolean",
    ),
)


def _text(values: Mapping[str, Any], name: str, default: str = "") -> str:
    """A setting as people paste it: with a stray space or line break, which would break a header."""
    return str(values.get(name) or "").strip() or default


@dataclasses.dataclass(frozen=True)
class ConnectionConfig:
    """The Meta app. Secrets stay out of the repr."""

    app_id: str
    app_secret: str = dataclasses.field(repr=False)
    verify_token: str = dataclasses.field(repr=False)
    graph_base: str
    graph_version: str
    requires_proof: bool

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        return cls(
            app_id=_text(values, "app_id"),
            app_secret=_text(values, "app_secret"),
            verify_token=_text(values, "verify_token"),
            graph_base=_text(values, "graph_base", GRAPH_BASE).rstrip("/"),
            graph_version=_text(values, "graph_version", GRAPH_VERSION).strip("/"),
            requires_proof=bool(values.get("requires_proof")),
        )


@dataclasses.dataclass(frozen=True)
class ChannelConfig:
    """One Page. ``page_id`` is the channel's address."""

    page_id: str
    page_access_token: str = dataclasses.field(repr=False)
    human_agent_allowed: bool

    @classmethod
    def of(cls, page_id: str, values: Mapping[str, Any]) -> Self:
        return cls(
            page_id=page_id,
            page_access_token=_text(values, "page_access_token"),
            human_agent_allowed=bool(values.get("human_agent_allowed")),
        )
