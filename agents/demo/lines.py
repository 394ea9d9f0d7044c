"""The demo's lines: a simulated Facebook page, and the chat on the demo shop's page."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from channels_adapters import registry
from channels_adapters.contract import Setting
from channels_adapters.messenger import simulator as messenger
from channels_adapters.simulator.lines import DemoLine
from conversations.models import Channel, Connection, Team
from conversations.models.channel import SealedSettings

SHOP = "demo-shop"
_SHOP_CONNECTION = uuid.UUID("0192f0c0-0000-7000-8000-000077656263")
_SHOP_SETTINGS = {
    "title": "Sidra",
    "title_ar": "سدرة",
    "greeting": "Hello! How can we help?",
    "greeting_ar": "مرحبًا! كيف يمكننا مساعدتك؟",
    "away": "Nobody is at the desk right now. Write anyway: we answer as soon as we are back.",
    "away_ar": "لا يوجد أحد على المكتب الآن. اكتب لنا وسنرد حالما نعود.",
    "suggestions": ["Opening hours", "Where is my order?", "Live agent"],
    "suggestions_ar": ["أوقات العمل", "أين طلبي؟", "وكيل مباشر"],
    "color": "#1f5c4d",
    "prechat": ["name"],
    "conversations_per_hour": 1000,
}


@transaction.atomic
def ensure(base_url: str, *, now: dt.datetime) -> dict[str, Channel]:
    """Both lines, answering at ``base_url``, which may be another one each time. Returns the channels by type."""
    team = Team.objects.get(name="Front desk")
    line = messenger.demo_line(base_url)
    settings = {**_SHOP_SETTINGS, "allowed_origins": ["self", base_url]}
    shop_line = DemoLine("webchat", _SHOP_CONNECTION, "Web chat", {}, settings, SHOP)
    page = _line(line, "Demo shop on Facebook", team, now)
    shop = _line(shop_line, "Demo shop's web chat", team, now)
    return {channel.type: channel for channel in (page, shop)}


def _line(line: DemoLine, name: str, team: Team, now: dt.datetime) -> Channel:
    adapter = registry.get(line.slug)
    connection, _ = Connection.objects.get_or_create(
        pk=line.connection_id, defaults={"type": line.slug, "name": line.name, "created_at": now}
    )
    _configure(connection, line.connection, adapter.connection_settings)
    channel, _ = Channel.objects.get_or_create(
        type=line.slug,
        address=line.address,
        defaults={"connection": connection, "name": name, "team": team, "created_at": now},
    )
    _configure(channel, line.channel, adapter.channel_settings)
    return channel


def _configure(row: SealedSettings, values: Mapping[str, Any], settings: tuple[Setting, ...]) -> None:
    """Open values beside what people set; secrets sealed. The demo's own addresses and secrets always win."""
    secret = {setting.name for setting in settings if setting.secret}
    row.config = {**row.config, **{name: value for name, value in values.items() if name not in secret}}
    row.set_secrets(**{name: str(value) for name, value in values.items() if name in secret})
    row.save(update_fields=["config", "sealed"])
