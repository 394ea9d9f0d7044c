from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from django.test import Client

from channels_adapters.messenger.simulator import FakeGraph
from contactcenter.lib import clock, egress
from conversations.models import Channel, Conversation, InboundEvent, Message
from tests.factories import messenger as make
from tests.support.jobs import JobQueue


@dataclasses.dataclass
class Desk:
    """A simulated Facebook on one side, our real door and services on the other."""

    graph: FakeGraph
    channel: Channel
    drain: JobQueue
    answers: list[int]

    def settle(self) -> None:
        """Run our jobs and what Facebook reports by itself, until both are quiet."""
        while self.drain() + self.graph.pump():
            pass

    def post(self, body: bytes, **headers: str) -> int:
        """Any bytes to the door; the HTTP status."""
        response = Client().post(make.line().hook_path, body, content_type="application/json", headers=dict(headers))
        return response.status_code

    def signed(self, body: bytes) -> int:
        """Bytes signed by Facebook; the HTTP status."""
        return self.graph.tell_raw("test", body).status

    def conversation(self, person: str = make.LINA) -> Conversation:
        return Conversation.objects.get(identity__address=person)

    def texts(self, **filters: Any) -> list[str]:
        return list(Message.objects.filter(**filters).order_by("conversation", "seq").values_list("text", flat=True))

    def outcomes(self) -> list[tuple[str, str]]:
        return list(InboundEvent.objects.order_by("id").values_list("kind", "status"))


@pytest.fixture
def desk(db: None, drain: JobQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    answers: list[int] = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        path = url.removeprefix("https://desk.example")
        kind = headers["content-type"]
        response = Client().post(path, body, content_type=kind, headers=dict(headers))
        answers.append(response.status_code)
        return response.status_code, response.content.decode()

    graph = make.graph(post=post, now=clock.now)
    client = httpx.Client(transport=graph.transport())
    monkeypatch.setattr(egress, "client", lambda: client)
    yield Desk(graph, make.channel(), drain, answers)
    client.close()
