"""A simulated Facebook and what it takes to talk to it, for tests of any layer."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from channels_adapters.contract import Context, OutboundAttachment, OutboundMessage
from channels_adapters.messenger.simulator import FakeGraph
from channels_adapters.simulator.base import Persona
from channels_adapters.simulator.lines import DemoLine

PAGE = "209331177550012"
LINA = "9930145577201188"
OMAR = "9930145577208834"
NOW = dt.datetime(2026, 11, 5, 12, 0, tzinfo=dt.UTC)

SECRETS = {"app_secret", "verify_token", "page_access_token"}

Posted = list[tuple[str, bytes, Mapping[str, str]]]


def line(**changes: Any) -> DemoLine:
    """Settings of one app and one page."""
    fields: dict[str, Any] = {
        "slug": "messenger",
        "connection_id": uuid.UUID("0192f0c0-0000-7000-8000-000000000001"),
        "name": "Kettles",
        "connection": {
            "app_id": "811702366090417",
            "app_secret": "test-app-secret",
            "verify_token": "test-verify-token",
            "graph_base": "https://graph.example",
            "graph_version": "v25.0",
        },
        "channel": {"page_access_token": "test-page-token", "human_agent_allowed": True},
        "address": PAGE,
    }
    return DemoLine(**(fields | changes))


def graph(*, posted: Posted | None = None, now: Callable[[], dt.datetime] = lambda: NOW, **options: Any) -> FakeGraph:
    """A fake Facebook with two people. Webhooks are appended to ``posted`` and answered 200; what it reports by
    itself (echoes, deliveries) waits for ``pump()``."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        if posted is not None:
            posted.append((url, body, headers))
        return 200, "EVENT_RECEIVED"

    people = (Persona(LINA, "Lina Fischer"), Persona(OMAR, "عمر حداد", "ar"))
    defaults = {"personas": people, "post": post, "base_url": "https://desk.example", "is_threaded": False}
    return FakeGraph(options.pop("line", line()), now=now, **(defaults | options))


def context(fake: FakeGraph, *, line: DemoLine = line(), now: dt.datetime = NOW, **changes: Any) -> Context:
    """What the adapter gets: the line's settings and a client that reaches ``fake``."""
    fields: dict[str, Any] = {
        "connection": line.connection,
        "channel": line.channel,
        "channel_address": line.address,
        "http": httpx.Client(transport=fake.transport()),
        "now": now,
    }
    return Context(**(fields | changes))


def outbound(**fields: Any) -> OutboundMessage:
    return OutboundMessage(**{"ref": "TX0192", "recipient": LINA, "text": "Hello Lina", **fields})


def attachment(**fields: Any) -> OutboundAttachment:
    content = fields.pop("content", b"%PDF-1.7 invoice")
    return OutboundAttachment(
        **{
            "name": "Rechnung ä.pdf",
            "content_type": "application/pdf",
            "size": len(content),
            "read": lambda: content,
            **fields,
        }
    )


def channel(made: DemoLine | None = None) -> Any:
    """Rows of the line: its connection, its channel and a team."""
    from conversations.models import Channel, Connection, Team

    made = made or line()
    connection = Connection(pk=made.connection_id, type=made.slug, name=made.name)
    connection.config = {name: value for name, value in made.connection.items() if name not in SECRETS}
    connection.set_secrets(**{name: value for name, value in made.connection.items() if name in SECRETS})
    connection.save()
    row = Channel(
        connection=connection,
        type=made.slug,
        name=made.name,
        address=made.address,
        team=Team.objects.create(name=made.name),
        config={name: value for name, value in made.channel.items() if name not in SECRETS},
    )
    row.set_secrets(**{name: value for name, value in made.channel.items() if name in SECRETS})
    row.save()
    return row
