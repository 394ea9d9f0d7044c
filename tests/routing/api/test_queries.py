"""Every list at a constant number of queries, every page as fast as the first, no row twice and none missed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.services import api_keys
from routing.api import auth
from routing.models import Workspace
from tests.conftest import NOW
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def get() -> Callable[[str], Any]:
    key, secret = api_keys.create(name="Test", scopes=["routing"], now=NOW)
    text = base64.b64encode(f"{key.sid}:{secret}".encode()).decode()
    client = Client(headers={"Authorization": f"Basic {text}"})
    client.get("/taskrouter/v1/Workspaces")  # the key's use is noted once

    def ask(path: str) -> Any:
        answer = client.get(path if path.startswith("http") else f"/taskrouter/v1/{path}")
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)

    return ask


def furnish(number: int) -> Workspace:
    workspace = make.workspace()
    queue = make.queue(name=f"Queue {number}-x")
    workflow = make.workflow({"queue": queue})
    make.worker(attributes={"n": number})
    make.task(workflow=workflow, attributes={"n": number})
    make.route()
    return workspace


LISTS = [
    "Activities",
    "TaskChannels",
    "TaskQueues",
    "TaskQueues/Statistics",
    "Workflows",
    "Workers",
    "Workers?TargetWorkersExpression=n>0",
    "Tasks",
    "Tasks?EvaluateTaskAttributes=n>0",
    "Tasks?Ordering=Priority:desc,DateCreated:asc",
    "Events?Minutes=43200",
    "Workers/{worker}/Channels",
    "Workers/{worker}/Reservations",
    "Tasks/{task}/Reservations",
    "RealTimeStatistics",
    "Workers/RealTimeStatistics",
]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_queries_with_one_row_as_with_four(get: Callable[[str], Any], path: str) -> None:
    def count(workspace: Workspace) -> int:
        worker, task = workspace.workers.first(), workspace.tasks.first()
        assert worker
        assert task
        filled = path.format(worker=worker.sid, task=task.sid)
        with CaptureQueriesContext(connection) as seen:
            get(f"Workspaces/{workspace.sid}/{filled}")
        return len(seen)

    workspace = furnish(1)
    with_one = count(workspace)
    for number in (2, 3, 4):
        furnish(number)

    assert count(workspace) == with_one


@pytest.mark.parametrize("order", ["", "Priority:desc", "Priority:asc,DateCreated:desc", "VirtualStartTime:desc"])
@pytest.mark.parametrize("expression", ["", "n>2"])
def test_pages_hold_every_row_once_forth_and_back(get: Callable[[str], Any], order: str, expression: str) -> None:
    workspace = make.workspace()
    workflow = make.workflow({"queue": make.queue()})
    for number in range(11):
        make.task(workflow=workflow, attributes={"n": number}, priority=number % 3)
    url = f"Workspaces/{workspace.sid}/Tasks?PageSize=3"
    url += f"&Ordering={order}" if order else ""
    url += f"&EvaluateTaskAttributes={expression.replace('>', '%3E')}" if expression else ""
    whole = [row["sid"] for row in get(url.replace("PageSize=3", "PageSize=50"))["tasks"]]

    pages, answer = [], get(url)
    while True:
        pages.append([row["sid"] for row in answer["tasks"]])
        assert answer["meta"]["page"] == len(pages) - 1
        if answer["meta"]["next_page_url"] is None:
            break
        answer = get(answer["meta"]["next_page_url"])
    back = []
    while answer["meta"]["previous_page_url"] is not None:
        answer = get(answer["meta"]["previous_page_url"])
        back.append([row["sid"] for row in answer["tasks"]])

    found = [sid for page in pages for sid in page]
    assert found == whole
    assert len(set(found)) == (8 if expression else 11)
    assert all(len(page) == 3 for page in pages[:-1])
    assert back == pages[-2::-1]
    assert get(answer["meta"]["first_page_url"])["tasks"][0]["sid"] == found[0]


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "EXPRESSIONS_PER_SECOND", 1_000)
