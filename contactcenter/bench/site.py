"""What a benchmark's or fault test's installation holds: one Messenger page, one flow to the queue, some agents."""

from __future__ import annotations

import dataclasses
import json
import uuid
from importlib import resources
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore

from channels_adapters.messenger import signature
from contactcenter.lib import clock
from conversations.models import Channel, Connection, Team
from flows.models import ChannelFlow, Flow, Revision
from routing.models import Activity, TaskQueue, Worker, Workflow
from routing.services import setup

PAGE = "104000000000001"
APP_SECRET = "bench-app-secret"  # noqa: S105


@dataclasses.dataclass(frozen=True, slots=True)
class Agent:
    """Somebody signed in. ``cookie`` is the value of the Cookie header."""

    username: str
    worker: Worker
    cookie: str


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    connection: Connection
    channel: Channel
    agents: list[Agent]

    @property
    def hook(self) -> str:
        return f"/hooks/{self.connection.id.hex}/"


def prepare(*, agents: int, chats: int = 50, reservation_timeout: int = 86400, graph_base: str = "") -> Site:
    """Fill an empty, migrated database. Every agent is available for ``chats`` chats."""
    now = clock.now()
    team = Team.objects.create(name="Bench")
    connection = Connection(type="messenger", name="Bench app", config={"app_id": "1", "graph_base": graph_base})
    connection.set_secrets(app_secret=APP_SECRET, verify_token="bench-verify")  # noqa: S106
    connection.save()
    channel = Channel(connection=connection, type="messenger", name="Bench page", address=PAGE, team=team)
    channel.set_secrets(page_access_token="bench-token")  # noqa: S106
    channel.save()
    workspace = setup.ensure_default_workspace(now)
    queue = TaskQueue.objects.create(workspace=workspace, friendly_name="Bench", target_workers="1==1", team=team)
    document = {"task_routing": {"filters": [], "default_filter": {"queue": queue.sid}}}
    workflow = Workflow.objects.create(
        workspace=workspace,
        friendly_name="Bench",
        configuration=document,
        task_reservation_timeout=reservation_timeout,
    )
    definition = json.loads(resources.files("flows.demo").joinpath("straight_to_queue.json").read_text())
    for state in definition["states"]:
        if state["type"] == "send-to-flex":
            state["properties"]["workflow"] = workflow.sid
            # An offer is known again by the customer's words.
            state["properties"]["attributes"] = '{"words": {{ trigger.message.Body | to_json }}}'
    flow = Flow.objects.create(friendly_name="Straight to the queue")
    flow.published = Revision.objects.create(flow=flow, number=1, definition=definition)
    flow.save()
    ChannelFlow.objects.create(channel=channel, flow=flow)
    available = Activity.objects.filter(workspace=workspace, available=True).first()
    people = []
    for number in range(agents):
        user = get_user_model().objects.create(username=f"agent{number}", first_name="Agent", last_name=str(number))
        user.set_unusable_password()
        user.save()
        user.teams.add(team)
        worker = setup.create_worker(
            workspace=workspace,
            friendly_name=user.username,
            user=user,
            capacities={"chat": chats},
            capacity=10_000,
            activity=available,
            now=now,
        )
        people.append(Agent(user.username, worker, _sign_in(user)))
    return Site(connection, channel, people)


def _sign_in(user: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def webhook(text: str, *, psid: str = "", mid: str = "", at_ms: int | None = None) -> tuple[bytes, dict[str, str]]:
    """A signed webhook of one customer's text: (body, headers). A new customer unless ``psid`` is given."""
    at = at_ms if at_ms is not None else int(clock.now().timestamp() * 1000)
    event = {
        "sender": {"id": psid or str(uuid.uuid4().int)[:16]},
        "recipient": {"id": PAGE},
        "timestamp": at,
        "message": {"mid": mid or f"m_{uuid.uuid4().hex}", "text": text},
    }
    body = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": [event]}]}).encode()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature.sign(APP_SECRET, body)}
    return body, headers
