"""What supervisors see in the live view, and what they do from it."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import User
from agents.supervision import overview
from routing.models import Event, Reservation, Task, TaskQueue, WorkerChannel, Workspace
from routing.services import reservations, workspaces
from tests.agents import scenes
from tests.factories import agents as factory
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

STATE = "/api/supervision/"


@pytest.fixture(autouse=True)
def _uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.supervision.overview.FRESH", 0)
    monkeypatch.setattr("agents.supervision.overview.PATIENCE", 0)


@pytest.fixture
def sara() -> Client:
    make.workspace()
    return signed_in(factory.user(name="Sara Lind", is_staff=True, is_superuser=True))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(f"/api/supervision/{path}/", data, content_type="application/json")


def rows(client: Client, name: str) -> dict[str, dict[str, Any]]:
    return {row["sid"]: row for row in client.get(STATE).json()[name]}


def test_the_state_shows_queues_agents_and_tasks(sara: Client) -> None:
    queue = make.queue(name="Orders", target_workers="1==1")
    workflow = make.workflow({"queue": queue})
    ann = make.worker(name="Ann", capacities={"chat": 1})
    first = make.task(workflow=workflow, attributes={"name": "Kim"})
    second = make.task(workflow=workflow, priority=3)
    make.route()

    state = sara.get(STATE).json()

    (shown,) = [row for row in state["queues"] if row["sid"] == queue.sid]
    numbers = ("waiting", "offered", "assigned", "eligible_workers", "available_workers")
    assert [shown[name] for name in numbers] == [1, 1, 0, 1, 1]
    assert shown["waiting_since"] == make.NOW.isoformat()
    assert shown["sla_today"] == {"share": None, "within": 0, "counted": 0}
    (agent,) = state["agents"]
    assert (agent["sid"], agent["load"], agent["tasks"]) == (ann.sid, 10, [{"sid": second.sid, "status": "pending"}])
    assert {row["sid"]: (row["status"], row["customer"], row["priority"]) for row in state["tasks"]} == {
        first.sid: ("pending", "Kim", 0),
        second.sid: ("reserved", "", 3),
    }
    assert state["totals"] == {"agents": 1, "available": 1}
    assert state["may"] == {"agents": True, "tasks": True}


def test_the_number_of_queries_does_not_grow_with_what_there_is(sara: Client) -> None:
    workflow = make.workflow({"queue": make.queue()})
    counts: list[int] = []
    for number in (1, 8):
        for _ in range(number):
            make.worker(capacities={"chat": 1})
            make.queue()
            make.task(workflow=workflow, conversation=make.conversation())
            make.task(workflow=workflow, conversation=make.conversation())
        make.route(make.NOW + dt.timedelta(seconds=number * 60))
        sara.get(STATE)
        with CaptureQueriesContext(connection) as seen:
            state = sara.get(STATE).json()
        counts.append(len(seen))

    assert len(state["tasks"]) == 18
    assert counts[0] == counts[1]


def test_who_asks_while_the_queues_are_counted_gets_what_was_counted_last(sara: Client) -> None:
    make.queue(name="Old")
    before = sara.get(STATE).json()["queues"]
    make.queue(name="New")

    with overview._counts[make.workspace().pk].lock:
        meanwhile = sara.get(STATE).json()["queues"]

    assert meanwhile == before
    assert "New" in {row["name"] for row in sara.get(STATE).json()["queues"]}


def test_a_supervisor_sees_their_teams_only() -> None:
    north, south = factory.team("North"), factory.team("South")
    mine, theirs = make.queue(name="Mine", team=north), make.queue(name="Theirs", team=south)
    make.task(workflow=make.workflow({"queue": mine}))
    make.task(workflow=make.workflow({"queue": theirs}))
    ann, bob = factory.agent(name="Ann", teams=[north]), factory.agent(name="Bob", teams=[south])
    sara = factory.user(is_staff=True, teams=[north])
    give(sara, "view_worker", "view_taskqueue", "change_worker", "change_task")
    client = signed_in(sara)

    state = client.get(STATE).json()

    assert {row["name"] for row in state["queues"]} >= {"Mine"}
    assert "Theirs" not in {row["name"] for row in state["queues"]}
    assert [row["sid"] for row in state["agents"]] == [factory.worker_of(ann).sid]
    assert [row["queue"]["name"] for row in state["tasks"]] == ["Mine"]
    other = Task.objects.get(queue=theirs)
    assert post(client, f"agents/{factory.worker_of(bob).sid}", skills=[]).status_code == 404
    assert post(client, f"tasks/{other.sid}", priority=1).status_code == 404
    own = Task.objects.get(queue=mine)
    assert post(client, f"tasks/{own.sid}", move=theirs.sid).status_code == 404


def elsewhere() -> Workspace:
    """A second workspace, with a queue for everybody."""
    return workspaces.create(friendly_name="Elsewhere", template="FIFO", now=make.NOW)


def test_one_workspace_is_shown_the_default_one_unless_another_is_asked_for(sara: Client) -> None:
    here, there = make.queue(name="Here"), elsewhere()
    make.worker(name="Ann")
    make.task(workflow=make.workflow({"queue": here}))

    shown = {
        sid: sara.get(STATE, {"workspace": sid} if sid else {}).json() for sid in ("", make.workspace().sid, there.sid)
    }

    names = {sid: [row["name"] for row in state["queues"]] for sid, state in shown.items()}
    assert names == {"": ["Everyone", "Here"], make.workspace().sid: ["Everyone", "Here"], there.sid: ["Sample Queue"]}
    assert [shown[""][name] for name in ("agents", "tasks")] != [[], []]
    assert [shown[there.sid][name] for name in ("agents", "tasks")] == [[], []]
    assert shown[there.sid]["totals"] == {"agents": 0, "available": 0}
    assert [row["name"] for row in shown[there.sid]["activities"]] == ["Offline", "Available", "Unavailable"]


def test_a_workspace_that_is_not_theirs_is_refused_as_one_that_is_none() -> None:
    north, south = factory.team("North"), factory.team("South")
    theirs, mine = elsewhere(), workspaces.create(friendly_name="Mine", template="FIFO", now=make.NOW)
    TaskQueue.objects.filter(workspace=theirs).update(team=south)
    TaskQueue.objects.filter(workspace=mine).update(team=north)
    make.workspace()
    sara = factory.user(is_staff=True, teams=[north])
    give(sara, "view_worker", "view_taskqueue")
    client = signed_in(sara)

    answers = [client.get(STATE, {"workspace": sid}) for sid in (mine.sid, theirs.sid, f"WS{'0' * 32}", "WS1", "x\0")]

    assert [answer.status_code for answer in answers] == [200, 404, 404, 404, 404]
    said = "There is no such workspace, or it is not yours to see."
    assert {answer.json()["message"] for answer in answers[1:]} == {said}
    assert [row["name"] for row in live(client)["workspaces"]] == ["Default", "Mine"]


def live(client: Client, **query: str) -> Any:
    """What the page tells its program, and ``status``."""
    page = client.get("/admin/live/", query)
    found = re.search(r'<script id="live-config" type="application/json">(.*?)</script>', page.content.decode())
    assert found
    return {**json.loads(found[1]), "status": page.status_code}


def test_the_page_knows_which_workspaces_there_are_and_which_is_asked_for(sara: Client) -> None:
    default = make.workspace()
    alone = live(sara)
    there = elsewhere()

    asked, unknown = live(sara, workspace=there.sid), live(sara, workspace="WS1</script>")

    assert (alone["status"], alone["workspace"]) == (200, default.sid)
    assert alone["workspaces"] == [{"sid": default.sid, "name": "Default"}]
    assert (asked["status"], asked["workspace"]) == (200, there.sid)
    assert [row["name"] for row in asked["workspaces"]] == ["Default", "Elsewhere"]
    assert (unknown["status"], unknown["workspace"]) == (404, "WS1</script>")


def test_a_task_does_not_leave_its_workspace(sara: Client) -> None:
    task, there = make.task(), TaskQueue.objects.get(workspace=elsewhere())

    moved = post(sara, f"tasks/{task.sid}", move=there.sid)

    assert (moved.status_code, moved.json()["code"]) == (409, "routing.wrong_workspace")


def give(user: User, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


@pytest.mark.parametrize("who", ["agent", "staff without permissions", "nobody", "looking only"])
def test_who_may_not_is_refused(who: str) -> None:
    worker = make.worker(name="Ann")
    person = factory.agent() if who == "agent" else factory.user(is_staff=True)
    if who == "looking only":
        give(person, "view_worker", "view_taskqueue")
    client = Client() if who == "nobody" else signed_in(person)

    looked, changed = client.get(STATE), post(client, f"agents/{worker.sid}", skills=["x"])

    refused = 401 if who == "nobody" else 403
    assert (looked.status_code, changed.status_code) == (200 if who == "looking only" else refused, refused)
    worker.refresh_from_db()
    assert worker.attributes == {}


def test_an_agent_is_changed_through_the_services(sara: Client) -> None:
    ann = make.worker(name="Ann", attributes={"skills": ["old"], "level": 3})
    answer = post(
        sara,
        f"agents/{ann.sid}",
        activity=make.activity("Break").sid,
        skills=["billing", " returns ", "billing"],
        languages=["en"],
        capacity=40,
        channels={"chat": {"capacity": 5, "available": False}},
    )

    assert answer.status_code == 200, answer.json()
    ann.refresh_from_db()
    assert (ann.activity.friendly_name, ann.capacity) == ("Break", 40)
    assert ann.attributes == {"skills": ["billing", "returns"], "languages": ["en"], "level": 3}
    chat = WorkerChannel.objects.get(worker=ann, task_channel__unique_name="chat")
    assert (chat.capacity, chat.is_available) == (5, False)
    told = set(Event.objects.filter(worker=ann).values_list("type", flat=True))
    assert told >= {"worker.activity.update", "worker.attributes.update", "worker.capacity.update"}


def test_what_did_not_change_is_not_told(sara: Client) -> None:
    ann = make.worker(name="Ann", attributes={"skills": ["x"]})
    before = Event.objects.count()

    post(sara, f"agents/{ann.sid}", activity=ann.activity.sid, skills=["x"], capacity=100)

    assert Event.objects.count() == before


@pytest.mark.parametrize(
    "data",
    [
        {"activity": "WA1"},
        {"capacity": -1},
        {"capacity": "lots"},
        {"channels": {"fax": {"capacity": 1, "available": True}}},
        {"channels": {"chat": {"capacity": 51, "available": True}}},
        {"skills": "billing"},
        {"skills": ["x" * 65]},
    ],
)
def test_what_makes_no_sense_is_refused(sara: Client, data: dict[str, Any]) -> None:
    assert post(sara, f"agents/{make.worker().sid}", **data).status_code == 400


def test_what_is_refused_in_part_changes_nothing(sara: Client) -> None:
    ann = make.worker(name="Ann", attributes={"skills": ["old"]})
    task = make.task()

    assert post(sara, f"agents/{ann.sid}", skills=["new"], capacity=7, activity="WA1").status_code == 400
    assert post(sara, f"tasks/{task.sid}", priority=9, move="WQ" + "0" * 32).status_code == 404

    ann.refresh_from_db()
    task.refresh_from_db()
    assert (ann.attributes, ann.capacity, task.priority) == ({"skills": ["old"]}, 100, 0)


def test_a_task_is_reprioritised_moved_and_canceled(sara: Client) -> None:
    queue, other = make.queue(name="Here"), make.queue(name="There")
    talk = make.conversation()
    task = make.task(workflow=make.workflow({"queue": queue}), conversation=talk)
    path = f"tasks/{task.sid}"

    assert post(sara, path, priority=9).status_code == 200
    assert post(sara, path, move=other.sid).json() == {"sid": task.sid, "status": "pending"}
    task.refresh_from_db()
    assert (task.priority, task.queue) == (9, other)
    assert post(sara, path, cancel=True).json()["status"] == "canceled"
    task.refresh_from_db()
    assert (task.status, task.reason) == ("canceled", "Canceled by Sara Lind")


def test_a_held_task_cannot_be_canceled_but_moved(sara: Client) -> None:
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    task = make.task(workflow=make.workflow({"queue": make.queue()}))
    router = make.route()
    reservations.accept(Reservation.objects.get(task=task), by=ann, now=make.NOW)

    refused = post(sara, f"tasks/{task.sid}", cancel=True)
    moved = post(sara, f"tasks/{task.sid}", move=bob.sid)
    router.tick(make.NOW)

    assert (refused.status_code, refused.json()["code"]) == (409, "routing.wrong_state")
    assert moved.status_code == 200
    assert make.offers(task) == [("Ann", "canceled"), ("Bob", "pending")]


def test_a_conversation_of_the_view_can_be_opened(sara: Client) -> None:
    talk = scenes.conversation()
    task = make.task(conversation=talk)

    (shown,) = [row for row in rows(sara, "tasks").values() if row["sid"] == task.sid]

    assert shown["conversation"] == talk.sid
    assert sara.get(f"/api/conversations/{shown['conversation']}/").status_code == 200
