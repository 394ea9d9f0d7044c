from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.services import api_keys
from routing.models import Workflow, Workspace
from tests.factories import routing as make
from tests.routing.services.callback_offers import ACCEPT
from tests.routing.services.transfer_scene import Scene
from tests.routing.services.webhook_life import NOW
from tests.support.receiver import WebhookReceiver


@pytest.fixture
def scene(now: dt.datetime) -> Scene:
    return Scene(now)


@pytest.fixture
def receiver(settings: Any) -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as made:
        settings.EGRESS_ALLOW_PRIVATE = [made.host]
        yield made


@pytest.fixture
def secret() -> str:
    return api_keys.create(name="Shop", scopes=["routing"], now=NOW)[1]


@pytest.fixture
def workspace(receiver: WebhookReceiver, secret: str) -> Workspace:
    return make.workspace(event_callback_url=receiver.url, events_filter="")


@pytest.fixture
def server(settings: Any) -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as made:
        settings.EGRESS_ALLOW_PRIVATE = [*settings.EGRESS_ALLOW_PRIVATE, made.host]
        yield made


@pytest.fixture
def spare(settings: Any) -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as made:
        settings.EGRESS_ALLOW_PRIVATE = [*settings.EGRESS_ALLOW_PRIVATE, made.host]
        made.answer = lambda got: ACCEPT
        yield made


@pytest.fixture
def workflow(server: WebhookReceiver, secret: str) -> Workflow:
    made = make.workflow({"queue": make.queue(name="Sales")})
    made.assignment_callback_url = server.url
    made.save()
    return made


@pytest.fixture
def with_fallback(workflow: Workflow, spare: WebhookReceiver) -> Workflow:
    workflow.fallback_assignment_callback_url = spare.url
    workflow.save()
    return workflow
