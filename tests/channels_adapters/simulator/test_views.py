"""The simulator's doors: closed by default, open in the demo."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client

from channels_adapters.messenger import simulator
from channels_adapters.messenger.adapter import MessengerAdapter
from channels_adapters.messenger.simulator import FakeGraph
from channels_adapters.simulator import live, urls
from tests.factories import messenger as make

API = "/channels/messenger/simulator/api"


@pytest.fixture
def demo(settings: Any, monkeypatch: pytest.MonkeyPatch) -> FakeGraph:
    settings.SIMULATORS = True
    settings.LOCAL_URL = "http://127.0.0.1:8000"
    fake = make.graph(base_url="")
    monkeypatch.setattr(simulator, "demo", lambda: fake)
    return fake


def act(action: str, persona: str = make.LINA, **data: Any) -> tuple[int, dict[str, Any]]:
    body = {"persona": persona, "action": action, "data": data}
    response = Client().post(f"{API}/act", body, content_type="application/json")
    return response.status_code, response.json()


@pytest.mark.parametrize(
    "path",
    [
        "/simulator/",
        f"{API}/state",
        "/channels/messenger/simulator/media/key/a.png",
        "/channels/messenger/simulator/provider/v25.0/me",
    ],
)
def test_outside_the_demo_there_is_no_simulator(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("path", [f"{API}/act", f"{API}/personas"])
def test_outside_the_demo_nothing_can_be_done(path: str) -> None:
    assert Client().post(path, {}, content_type="application/json").status_code == 404


def test_the_page_lists_the_simulated_channels(demo: FakeGraph) -> None:
    response = Client().get("/simulator/")

    assert response.status_code == 200
    assert response.context["config"]["simulators"] == [{"slug": "messenger", "label": "Messenger"}]
    assert "csrftoken" in response.cookies


def test_what_a_person_does_reaches_the_webhook_and_shows_up(demo: FakeGraph) -> None:
    assert act("text", text="Hello") == (200, {"status": 200, "answer": "EVENT_RECEIVED"})

    state = Client().get(f"{API}/state").json()
    assert [bubble["text"] for bubble in state["chats"][make.LINA]] == ["Hello"]
    assert state["log"][-1]["url"] == f"http://127.0.0.1:8000{make.line().hook_path}"
    assert Client().get(f"{API}/state?version={state['version']}").status_code == 204


def test_refusals_are_told_with_a_code(demo: FakeGraph) -> None:
    status, body = act("text", text="")

    assert (status, body["code"]) == (409, "simulator.empty")
    assert act("dance")[0] == 409
    assert act("text", persona="nobody", text="x")[0] == 409


@pytest.mark.parametrize("body", ["", "[]", "{", "1", "[" * 100_000])
def test_what_is_no_json_object_is_refused(demo: FakeGraph, body: str) -> None:
    response = Client().post(f"{API}/act", body, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (409, "simulator.bad_request")


def test_actions_want_the_csrf_token(demo: FakeGraph) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(f"{API}/act", {}, content_type="application/json").status_code == 403


def test_a_new_person_can_be_made_and_write(demo: FakeGraph) -> None:
    body = {"name": " سلمى\u202e ", "language": "ar"}
    made = Client().post(f"{API}/personas", body, content_type="application/json")

    address = made.json()["address"]
    assert made.status_code == 201
    assert act("text", persona=address, text="مرحبا")[0] == 200
    assert demo.persona(address).name == "سلمى"
    assert Client().post(f"{API}/personas", {"name": "  "}, content_type="application/json").status_code == 409


def test_files_are_served_without_being_guessed_at(demo: FakeGraph) -> None:
    picture = base64.b64encode(b"\x89PNG").decode()
    page = base64.b64encode(b"<script>alert(1)</script>").decode()
    act("image", name="a.png", content_type="image/png", content=picture)
    act("image", name="a.html", content_type="text/html", content=page)
    shown, downloaded = (Client().get(bubble.files[0].url) for bubble in demo.chat(make.LINA))

    assert (shown.headers["content-type"], shown.content) == ("image/png", b"\x89PNG")
    assert shown.headers["content-disposition"].startswith("inline")
    assert downloaded.headers["content-type"] == "application/octet-stream"
    assert downloaded.headers["content-disposition"].startswith("attachment")
    assert {shown.headers["x-content-type-options"], downloaded.headers["x-content-type-options"]} == {"nosniff"}


def test_a_picture_larger_than_django_s_own_limit_is_taken(demo: FakeGraph) -> None:
    picture = base64.b64encode(b"\x89PNG" * 600_000).decode()

    assert act("image", name="big.png", content_type="image/png", content=picture)[0] == 200


def test_our_adapter_reaches_the_fake_provider_over_its_address(demo: FakeGraph) -> None:
    """The adapter's client through Django's own views: path, headers, body and answer survive."""

    def through_django(request: httpx.Request) -> httpx.Response:
        response = Client().generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            content_type=request.headers.get("content-type", ""),
            headers={"authorization": request.headers["authorization"]},
        )
        return httpx.Response(response.status_code, content=response.content, headers=dict(response.headers))

    base = "http://127.0.0.1:8000/channels/messenger/simulator/provider"
    line = make.line(connection={**make.line().connection, "graph_base": base})
    context = make.context(demo, line=line, http=httpx.Client(transport=httpx.MockTransport(through_django)))

    receipt = MessengerAdapter().send(make.outbound(text="", attachment=make.attachment()), context)

    assert demo.chat(make.LINA)[0].id == receipt.external_id
    assert demo.chat(make.LINA)[0].files[0].name == "Rechnung ä.pdf"


def test_a_lost_answer_is_a_broken_gateway(demo: FakeGraph) -> None:
    demo.arm("lost_answer")
    body = {"recipient": {"id": make.LINA}, "messaging_type": "RESPONSE", "message": {"text": "x"}}

    response = Client().post(
        f"/channels/messenger/simulator/provider/v25.0/{make.PAGE}/messages",
        body,
        content_type="application/json",
        headers={"authorization": "Bearer test-page-token"},
    )

    assert response.status_code == 502
    assert len(demo.chat(make.LINA)) == 1


async def test_open_pages_are_told_to_look(settings: Any) -> None:
    settings.SIMULATORS = True
    router = URLRouter(urls.sockets_for_adapter("messenger"))
    origin = (b"origin", b"http://127.0.0.1")
    socket = WebsocketCommunicator(router, "simulator/ws", headers=[(b"host", b"127.0.0.1"), origin])
    connected, _ = await socket.connect()

    await socket.send_to(text_data="anything")
    await sync_to_async(live.changed)("messenger")

    assert connected
    assert json.loads(await socket.receive_from()) == {"t": "look"}
    await socket.disconnect()


@pytest.mark.parametrize(("is_on", "origin"), [(False, "http://127.0.0.1"), (True, "https://evil.example")])
async def test_the_socket_is_closed_to_strangers_and_outside_the_demo(settings: Any, is_on: bool, origin: str) -> None:
    settings.SIMULATORS = is_on
    router = URLRouter(urls.sockets_for_adapter("messenger"))
    headers = [(b"host", b"127.0.0.1"), (b"origin", origin.encode())]
    socket = WebsocketCommunicator(router, "simulator/ws", headers=headers)

    connected, _ = await socket.connect()

    assert connected is False
