"""The supervisors' pages around workflows: import, export, explain; and what saving refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from routing.models import CallbackReceiver, TaskQueue, Workflow
from routing.services import workspaces
from tests.factories import agents
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

SID = f"WQ{'a1' * 16}"
DOCUMENT: dict[str, Any] = {
    "task_routing": {"filters": [{"expression": "a == 1", "targets": [{"queue": SID, "timeout": "30"}]}]}
}
IMPORT = "/admin/routing/workflow/import/"


@pytest.fixture
def supervisor() -> Client:
    make.workspace()
    return sign_in(is_superuser=True)


def sign_in(**fields: Any) -> Client:
    client = Client()
    client.force_login(agents.user(is_staff=True, **fields))
    return client


def test_the_report_is_shown_before_anything_is_imported(supervisor: Client) -> None:
    page = supervisor.post(IMPORT, {"text": json.dumps(DOCUMENT), "name": "Shop", "check": "1"})

    assert "The workflow “Shop” is made." in page.content.decode()
    assert "&#x27;30&#x27; is read as 30." in page.content.decode()
    assert not Workflow.objects.filter(friendly_name="Shop").exists()
    assert not TaskQueue.objects.filter(friendly_name=SID).exists()


def test_what_was_shown_is_imported_and_comes_out_again(supervisor: Client) -> None:
    answer = supervisor.post(IMPORT, {"text": json.dumps(DOCUMENT), "name": "Shop", "apply": "1"})

    workflow = Workflow.objects.get(friendly_name="Shop")
    assert answer.headers["Location"] == reverse("admin:routing_workflow_change", args=[workflow.pk])
    exported = supervisor.get(f"/admin/routing/workflow/{workflow.pk}/export/")
    assert json.loads(exported.content) == DOCUMENT
    assert exported.headers["Content-Disposition"].startswith("attachment")


def test_a_file_is_named_after_itself(supervisor: Client) -> None:
    file = SimpleUploadedFile("Night shift.json", json.dumps(DOCUMENT).encode())

    page = supervisor.post(IMPORT, {"file": file, "check": "1"})

    assert "The workflow “Night shift” is made." in page.content.decode()


def test_a_queue_here_is_chosen_for_one_of_the_document(supervisor: Client) -> None:
    queue = make.queue(name="Orders")
    form = {"text": json.dumps(DOCUMENT), "name": "Shop"}

    shown = supervisor.post(IMPORT, {**form, "check": "1"}).content.decode()
    supervisor.post(IMPORT, {**form, "apply": "1", f"queue:{SID}": queue.sid})

    assert f'<select name="queue:{SID}"' in shown
    assert f'<option value="{queue.sid}">Orders</option>' in shown
    document = Workflow.objects.get(friendly_name="Shop").configuration
    assert document["task_routing"]["filters"][0]["targets"][0]["queue"] == queue.sid
    assert not TaskQueue.objects.filter(friendly_name=SID).exists()


def test_what_cannot_be_used_is_not_imported(supervisor: Client) -> None:
    page = supervisor.post(IMPORT, {"text": "{", "name": "Shop", "apply": "1"})

    assert "This document cannot be used." in page.content.decode()
    assert not Workflow.objects.filter(friendly_name="Shop").exists()


def test_a_document_is_imported_into_the_workspace_chosen(supervisor: Client) -> None:
    there = workspaces.create(friendly_name="Elsewhere", template="FIFO", now=make.NOW)
    form = {"text": json.dumps(DOCUMENT), "name": "Shop"}

    asked = supervisor.get(IMPORT, {"workspace": there.sid}).content.decode()
    shown = supervisor.post(IMPORT, {**form, "workspace": there.sid, "check": "1"}).content.decode()
    supervisor.post(f"{IMPORT}?workspace={there.sid}", {**form, "workspace": there.sid, "apply": "1"})

    chosen = f'<option value="{there.sid}" selected>Elsewhere</option>'
    assert chosen in asked
    assert chosen in shown
    assert f'action="?workspace={there.sid}"' in shown
    assert ">Sample Queue</option>" in shown
    assert ">Everyone</option>" not in shown
    assert Workflow.objects.get(friendly_name="Shop").workspace == there
    assert TaskQueue.objects.get(friendly_name=SID).workspace == there


def test_where_there_is_one_workspace_nothing_is_said_of_it(supervisor: Client) -> None:
    workflow = make.workflow({"queue": make.queue()})

    pages = [
        supervisor.get(path).content.decode()
        for path in (IMPORT, "/admin/routing/workflow/", f"/admin/routing/workflow/{workflow.pk}/explain/")
    ]

    assert [("workspace=" in page or 'name="workspace"' in page or "Workspace" in page) for page in pages] == [
        False
    ] * 3


def test_where_there_are_several_workspaces_lists_and_explanations_say_which(supervisor: Client) -> None:
    there = workspaces.create(friendly_name="Elsewhere", template="FIFO", now=make.NOW)
    workflow = Workflow.objects.get(workspace=there)

    listed = supervisor.get("/admin/routing/workflow/").content.decode()
    explained = supervisor.get(f"/admin/routing/workflow/{workflow.pk}/explain/").content.decode()
    filtered = supervisor.get("/admin/routing/workflow/", {"workspace__id__exact": str(make.workspace().pk)})

    assert re.findall(r"field-of_workspace[^>]*>\s*(\w+)", listed) == ["Default", "Elsewhere"]
    assert "<bdi>Elsewhere</bdi>" in explained
    assert [row.workspace.friendly_name for row in filtered.context["cl"].result_list] == ["Default"]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("sid", ["WS1", f"WS{'0' * 32}", SID])
def test_nothing_is_imported_into_a_workspace_that_is_none(supervisor: Client, sid: str, several: bool) -> None:
    if several:
        workspaces.create(friendly_name="Elsewhere", now=make.NOW)
    form = {"text": json.dumps(DOCUMENT), "name": "Shop", "apply": "1"}

    pages = [
        supervisor.get(IMPORT, {"workspace": sid}),
        supervisor.post(f"{IMPORT}?workspace={sid}", form),
        supervisor.post(IMPORT, {**form, "workspace": sid}),
    ]

    assert [page.status_code for page in pages] == [404] * 3
    assert all("There is no such workspace." in page.content.decode() for page in pages)
    assert not Workflow.objects.filter(friendly_name="Shop").exists()


def test_nobody_without_the_permissions_imports() -> None:
    make.workspace()
    client = sign_in()

    assert client.get(IMPORT).status_code == 403
    assert client.post(IMPORT, {"text": json.dumps(DOCUMENT), "name": "Shop", "apply": "1"}).status_code == 403
    assert not Workflow.objects.filter(friendly_name="Shop").exists()


def test_a_malformed_expression_is_refused_on_save_with_its_place(supervisor: Client) -> None:
    queue = make.queue(name="Orders")
    workflow = make.workflow({"queue": queue})
    bad = {"task_routing": {"filters": [{"expression": "a == 1 b", "targets": [{"queue": queue.sid}]}]}}

    of_queue = supervisor.post(
        reverse("admin:routing_taskqueue_change", args=[queue.pk]),
        {"friendly_name": "Orders", "target_workers": "skills HAS", "task_order": "FIFO", "max_reserved_workers": 1},
    )
    of_workflow = supervisor.post(
        reverse("admin:routing_workflow_change", args=[workflow.pk]),
        {"friendly_name": "W", "task_reservation_timeout": 120, "configuration": json.dumps(bad)},
    )

    assert "At position 10: expected a name, a value or a list" in of_queue.content.decode()
    said = "task_routing.filters[0].expression: At position 7: expected AND, OR or the end, found &#x27;b&#x27;."
    assert said in of_workflow.content.decode()


def test_an_imported_workflow_with_a_malformed_tail_keeps_it_when_something_else_is_saved(supervisor: Client) -> None:
    document = {"task_routing": {"filters": [{"expression": "a == 'x', 'y'", "targets": [{"queue": SID}]}]}}
    supervisor.post(IMPORT, {"text": json.dumps(document), "name": "Shop", "apply": "1"})
    workflow = Workflow.objects.get(friendly_name="Shop")

    answer = supervisor.post(
        reverse("admin:routing_workflow_change", args=[workflow.pk]),
        {"friendly_name": "Shop", "task_reservation_timeout": 60, "configuration": json.dumps(document)},
    )

    workflow.refresh_from_db()
    assert answer.status_code == 302
    assert (workflow.task_reservation_timeout, workflow.configuration) == (60, document)


def test_the_page_explains_a_workflow(supervisor: Client) -> None:
    workflow = make.workflow({"queue": make.queue(name="Orders", target_workers="skills HAS 'x'")})
    make.worker(name="Ann <b>", attributes={"skills": ["x"]})
    make.worker(name="Bob", attributes={"skills": ["y"]})
    url = f"/admin/routing/workflow/{workflow.pk}/explain/"

    asked = supervisor.get(url).content.decode()
    told = supervisor.post(url, {"attributes": '{"a": 1}', "task_channel": "chat", "agent": ""}).content.decode()

    assert "Would be offered it" not in asked
    assert "<bdi>Ann &lt;b&gt;</bdi>" in told
    assert "Is not in the queue." in told
    assert "skills = [&quot;y&quot;]" in told


def test_the_page_explains_a_task_with_its_own_attributes(supervisor: Client) -> None:
    make.worker(name="Ann")
    task = make.task(workflow=make.workflow({"queue": make.queue(name="Orders")}), attributes={"colour": "red"})

    told = supervisor.get(f"/admin/routing/task/{task.pk}/explain/").content.decode()

    assert "&quot;colour&quot;: &quot;red&quot;" in told
    assert "<bdi>Ann</bdi>" in told


@pytest.mark.parametrize("attributes", ["{", "[]", "[" * 100_000])
def test_attributes_that_are_none_are_refused_in_the_form(supervisor: Client, attributes: str) -> None:
    workflow = make.workflow({"queue": make.queue()})

    page = supervisor.post(
        f"/admin/routing/workflow/{workflow.pk}/explain/", {"attributes": attributes, "task_channel": "chat"}
    )

    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


def test_who_may_not_see_the_agents_is_told_nothing_of_them() -> None:
    workflow = make.workflow({"queue": make.queue()})
    client = sign_in()
    assert client.get(f"/admin/routing/workflow/{workflow.pk}/explain/").status_code == 403


def test_who_sees_workflows_but_not_agents_is_refused_too() -> None:
    workflow = make.workflow({"queue": make.queue()})
    person = agents.user(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    client = Client()
    client.force_login(person)

    assert client.get(f"/admin/routing/workflow/{workflow.pk}/explain/").status_code == 403


def test_a_workflows_page_says_how_its_server_answers(supervisor: Client) -> None:
    workflow = make.workflow({"queue": make.queue(name="Orders")})
    page = reverse("admin:routing_workflow_change", args=[workflow.pk])
    url = "https://shop.example/offers"
    CallbackReceiver.objects.create(workflow=workflow, is_fallback=False, url=url, failures=7, error="It answered 503.")

    saved = supervisor.post(
        page,
        {
            **{"friendly_name": "W", "task_reservation_timeout": 120, "assignment_callback_url": url},
            "configuration": json.dumps(workflow.configuration),
        },
    )

    workflow.refresh_from_db()
    assert saved.status_code == 302
    assert workflow.assignment_callback_url == url
    assert "Failures in a row: 7. Last: It answered 503." in supervisor.get(page).content.decode()
    CallbackReceiver.objects.update(failures=0, error="The answer is not JSON.")
    assert "The answer is not JSON." in supervisor.get(page).content.decode()
