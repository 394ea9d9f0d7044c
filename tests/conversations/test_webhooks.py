from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from channels_adapters.contract import WebhookRequest, WebhookResponse
from conversations import webhooks
from conversations.models import InboundEvent, Message, Payload
from tests.factories import conversations as make
from tests.factories.adapters import SECRET
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def _post(line: Any, body: bytes, *, secret: str = SECRET, **fields: Any) -> Any:
    return Client(enforce_csrf_checks=True).post(
        reverse("webhook", args=[line.connection_id]),
        data=body,
        content_type="application/json",
        headers={"X-Signature": secret},
        **fields,
    )


def test_a_request_becomes_a_message(drain: JobQueue) -> None:
    line = make.channel()

    response = _post(line, make.wire_body(make.inbound(line, text="Hello")))
    drain()

    assert (response.status_code, response.content) == (200, b"EVENT_RECEIVED")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Message.objects.get().text == "Hello"


def test_the_address_is_the_connections_hex_id() -> None:
    line = make.channel()

    assert reverse("webhook", args=[line.connection_id]) == f"/hooks/{line.connection_id.hex}/"


def test_a_wrong_signature_is_forbidden_and_stores_nothing() -> None:
    line = make.channel()

    assert _post(line, make.wire_body(make.inbound(line)), secret="wrong").status_code == 403
    assert Payload.objects.count() == 0


def test_a_body_that_cannot_be_read_is_kept_and_acknowledged() -> None:
    line = make.channel()

    assert _post(line, b"{not json").status_code == 200
    assert bytes(Payload.objects.get(status="failed").body) == b"{not json"


def test_a_body_over_the_adapters_limit_is_refused() -> None:
    line = make.channel()

    response = _post(line, b"x" * 100_001)

    assert response.status_code == 413
    assert b"100000" in response.content
    assert Payload.objects.count() == 0


def test_a_body_is_refused_by_its_declared_length_before_it_is_read() -> None:
    line = make.channel()

    assert _post(line, b"x", CONTENT_LENGTH=str(50 * 2**20)).status_code == 413


def test_a_body_is_refused_by_its_real_length_when_it_declares_none() -> None:
    line = make.channel()
    scope = {"type": "http", "method": "POST", "path": "/hooks/x/", "query_string": b"", "headers": []}

    response = webhooks.receive(ASGIRequest(scope, io.BytesIO(b"x" * 100_001)), line.connection_id)

    assert response.status_code == 413


def test_an_unknown_connection_is_not_found() -> None:
    client = Client()

    assert client.post(f"/hooks/{uuid.uuid4().hex}/").status_code == 404
    for odd in ("x", "0" * 31, "Z" * 32, "../etc"):
        assert client.post(f"/hooks/{odd}/").status_code == 404


def test_a_connection_whose_adapter_is_gone_is_not_found() -> None:
    assert _post(make.channel(connection=make.connection(type="uninstalled")), b"{}").status_code == 404


def test_a_connection_that_is_switched_off_is_gone() -> None:
    line = make.channel(connection=make.connection(is_active=False))

    assert _post(line, make.wire_body(make.inbound(line))).status_code == 410
    assert Payload.objects.count() == 0


def test_a_provider_may_introduce_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()

    def shake(self: Any, request: WebhookRequest, connection: Any) -> WebhookResponse:
        return WebhookResponse(200, request.query["challenge"].encode())

    url = reverse("webhook", args=[line.connection_id])
    assert Client().get(url).status_code == 405
    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.handshake", shake)

    response = Client().get(url, {"challenge": "<b>42</b>"})

    assert (response.status_code, response.content) == (200, b"<b>42</b>")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_other_methods_are_refused() -> None:
    line = make.channel()

    response = Client().put(reverse("webhook", args=[line.connection_id]))

    assert (response.status_code, response["Allow"]) == (405, "GET, POST")


def test_with_the_database_away_the_provider_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()

    def away(*_: object) -> None:
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr("conversations.services.once.insert", away)

    response = _post(line, make.wire_body(make.inbound(line)))

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


def test_an_adapter_gets_the_raw_bytes_and_lower_case_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    line = make.channel()
    seen: list[WebhookRequest] = []

    def parse(self: Any, request: WebhookRequest, connection: Any) -> list[Any]:
        seen.append(request)
        return []

    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.parse", parse)

    _post(line, b'{"a": "\\u00e4"}', query_params={"q": "1"})

    assert seen[0].body == b'{"a": "\\u00e4"}'
    assert seen[0].headers["x-signature"] == SECRET
    assert seen[0].query == {"q": "1"}
    assert InboundEvent.objects.count() == 0


def test_credentials_in_headers_are_not_kept() -> None:
    line = make.channel()

    _post(line, make.wire_body())

    assert "x-signature" not in Payload.objects.get().headers
