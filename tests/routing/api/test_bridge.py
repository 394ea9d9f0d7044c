"""The event bridge: what a token opens, and what it does not."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from conversations.models import ApiKey
from conversations.services import api_keys
from routing.api.bridge import feed
from routing.models import Worker
from routing.services import reservations, tasks, tokens, workers
from tests.conftest import NOW
from tests.factories import routing as make

pytestmark = pytest.mark.django_db
URL = "/taskrouter/v1/wschannels"


@pytest.fixture
def key() -> ApiKey:
    return api_keys.create(name="Console", scopes=["routing"], now=NOW)[0]


def ask(token: str, method: str, path: str, **params: Any) -> tuple[int, Any]:
    """(status, payload or error) of a command; ``path`` below the default workspace."""
    url = f"Workspaces/{make.workspace().sid}/{path}"
    body = {"method": method, "url": url, "params": params, "token": token}
    answer = Client().post(URL, data=json.dumps(body), content_type="text/plain")
    said = json.loads(answer.content)
    return answer.status_code, said.get("payload", said)


def pieces(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")

    def read(text: str) -> Any:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    return read(head), read(body), signature


def joined(head: dict[str, Any], body: dict[str, Any], signature: str) -> str:
    def text(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{text(head)}.{text(body)}.{signature}"


def test_a_token_says_who_its_worker_is(key: ApiKey) -> None:
    ann = make.worker(name="Ann")

    grant = tokens.verify(tokens.create(ann, key, lifetime=60, now=NOW), now=NOW)

    assert (grant.worker, grant.account_sid, grant.is_supervisor) == (ann, key.account.sid, False)
    assert grant.expires_at == NOW + dt.timedelta(seconds=60)


def test_the_field_s_own_server_library_makes_tokens_for_us(key: ApiKey) -> None:
    ann = make.worker(name="Ann")
    token = AccessToken(key.account.sid, key.sid, key.secret(), ttl=60)
    token.add_grant(TaskRouterGrant(workspace_sid=ann.workspace.sid, worker_sid=ann.sid, role="supervisor"))

    grant = tokens.verify(token.to_jwt(), now=clock.now())

    assert (grant.worker, grant.is_supervisor) == (ann, True)


@pytest.mark.parametrize(
    "what",
    ["expired", "revoked", "none", "tampered", "account", "workspace", "worker", "reader", "garbage", "long", "number"],
)
def test_a_token_that_is_none_of_ours_opens_nothing(key: ApiKey, what: str) -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    token: Any = tokens.create(ann, key, lifetime=60, now=NOW)
    head, body, signature = pieces(token)
    now = NOW
    if what == "expired":
        now = NOW + dt.timedelta(seconds=60)
    elif what == "revoked":
        api_keys.revoke(key, now=NOW)
    elif what == "none":
        token = joined({**head, "alg": "none"}, body, "")
    elif what == "tampered":
        body["grants"]["task_router"]["worker_sid"] = bob.sid
        token = joined(head, body, signature)
    elif what in ("account", "workspace", "worker"):
        account = "AC" + "0" * 32 if what == "account" else key.account.sid
        made = AccessToken(account, key.sid, key.secret(), ttl=10**9)
        workspace = "WS" + "0" * 32 if what == "workspace" else ann.workspace.sid
        made.add_grant(
            TaskRouterGrant(
                workspace_sid=workspace, worker_sid="WK" + "0" * 32 if what == "worker" else ann.sid, role="worker"
            )
        )
        token = made.to_jwt()
    elif what == "reader":
        ApiKey.objects.filter(pk=key.pk).update(scopes=["routing.read"])
    else:
        token = {"garbage": "a.b.c", "long": "a" * 5_000, "number": 7}[what]

    with pytest.raises(tokens.BadToken):
        tokens.verify(token, now=now)


def test_only_keys_that_may_route_sign_tokens(key: ApiKey) -> None:
    ann = make.worker(name="Ann")
    reader = api_keys.create(name="Report", scopes=["routing.read"], now=NOW)[0]

    for signer, lifetime in ((reader, 60), (key, 0), (key, tokens.MAX_LIFETIME + 1)):
        with pytest.raises(Refused):
            tokens.create(ann, signer, lifetime=lifetime, now=NOW)


def test_a_worker_reaches_only_what_is_theirs(key: ApiKey) -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob", activity_name="Offline")
    task = make.task()
    make.route()
    offer = task.reservations.get()
    assert offer.worker == ann
    mine, theirs = (tokens.create(worker, key, now=clock.now()) for worker in (ann, bob))

    assert ask(mine, "GET", f"Tasks/{task.sid}")[0] == 200
    for method, path in (
        ("GET", f"Tasks/{task.sid}"),
        ("POST", f"Tasks/{task.sid}"),
        ("GET", f"Workers/{ann.sid}/Reservations"),
        ("GET", f"Workers/{ann.sid}/WorkerChannels"),
        ("POST", f"Workers/{ann.sid}/Reservations/{offer.sid}"),
        ("POST", f"Workers/{bob.sid}/Reservations/{offer.sid}"),
        ("POST", f"Workers/{ann.sid}/Transfers"),
        ("GET", "Events"),
        ("DELETE", f"Tasks/{task.sid}"),
        ("GET", "../Workers"),
    ):
        assert ask(theirs, method, path, ReservationStatus="accepted", AssignmentStatus="canceled")[0] == 404
    assert ask(theirs, "POST", f"Workers/{ann.sid}", Attributes={"skills": []})[0] == 403
    supervisor = tokens.create(bob, key, role="supervisor", now=clock.now())
    assert ask(supervisor, "POST", f"Workers/{ann.sid}", Attributes={"skills": ["x"]})[0] == 200
    assert Worker.objects.get(pk=ann.pk).attributes == {"skills": ["x"]}


def test_a_task_of_another_worker_cannot_be_completed(key: ApiKey) -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    task = make.task()
    make.route()
    offer = task.reservations.get()
    first, other = offer.worker, bob if offer.worker == ann else ann
    reservations.reject(offer, by=first, now=NOW)
    make.route()
    reservations.accept(task.reservations.get(status="pending"), by=other, now=NOW)

    # ``first`` had it on the screen once, so it exists for them; it is not theirs to end.
    token = tokens.create(first, key, now=clock.now())
    status, said = ask(token, "POST", f"Tasks/{task.sid}", AssignmentStatus="completed", Reason="mine")

    assert (status, said["code"]) == (403, 20008)


def test_lists_come_in_pages(key: ApiKey) -> None:
    token = tokens.create(make.worker(name="Ann"), key, now=clock.now())

    names, after = [], None
    while True:
        more: dict[str, str] = {"AfterSid": after} if after else {}
        status, page = ask(token, "GET", "Activities", PageSize=3, **more)
        assert status == 200
        names += [row["friendly_name"] for row in page["contents"]]
        after = page["after_sid"]
        if after is None:
            break

    assert names == ["Available", "Unavailable", "Break", "Offline"]


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff", b'{"token": 1}', b'{"token": "a.b.c", "url": 7}'])
def test_what_is_no_command_is_refused(body: bytes) -> None:
    answer = Client().post(URL, data=body, content_type="application/json")

    assert answer.status_code in (400, 401)
    assert set(json.loads(answer.content)) == {"code", "message", "more_info", "status"}


def test_pages_of_other_sites_may_ask() -> None:
    answer = Client().options(URL, headers={"Origin": "https://desk.example.org"})

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "apiVersion" in answer["Access-Control-Allow-Headers"]
    assert Client().post(URL, data=b"{}", content_type="application/json")["Access-Control-Allow-Origin"] == "*"


def test_a_feed_tells_each_thing_once_and_in_order(key: ApiKey) -> None:
    ann = make.worker(name="Ann")
    held = feed.start(tokens.verify(tokens.create(ann, key, now=NOW), now=NOW))
    task = make.task(attributes={"a": 1})
    make.route()
    offer = task.reservations.get()

    assert [frame["event_type"] for frame in held.look()] == ["reservation.created"]
    assert held.look() == []
    reservations.accept(offer, by=ann, now=NOW)
    tasks.update(task, attributes={"a": 2}, now=NOW)
    frames = held.look()
    assert [frame["event_type"] for frame in frames] == ["reservation.accepted", "task.updated"]
    assert json.loads(frames[1]["payload"]["attributes"]) == {"a": 2}
    tasks.complete(task, by=ann, reason="done", now=NOW)
    assert [frame["event_type"] for frame in held.look()] == ["task.completed", "reservation.completed"]
    workers.update(ann, activity=make.activity("Break"), now=NOW)
    assert [frame["payload"]["activity_name"] for frame in held.look()] == ["Break"]
    workers.delete(ann, now=NOW)
    with pytest.raises(feed.Gone):
        held.look()
