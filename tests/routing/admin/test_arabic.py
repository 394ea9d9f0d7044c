"""What the engine, which knows no languages, finds wrong reaches a supervisor in Arabic."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import override

from contactcenter.lib.errors import Refused
from routing import checks
from routing.models import Workflow
from routing.services import configuration
from tests.factories import agents
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

IMPORT = "/admin/routing/workflow/import/"
#: The language's isolates keep code inside a sentence from pulling its punctuation around.
MISTAKE = "عند الموضع 7: المتوقع AND أو OR أو النهاية، والموجود \u2068'b'\u2069."


@pytest.fixture
def layla() -> Client:
    make.workspace()
    client = Client()
    client.force_login(agents.user(is_staff=True, is_superuser=True, language="ar"))
    return client


def with_expression(expression: str, queue: str) -> dict[str, Any]:
    return {"task_routing": {"filters": [{"expression": expression, "targets": [{"queue": queue}]}]}}


def save(client: Client, workflow: Workflow, text: str) -> str:
    page = reverse("admin:routing_workflow_change", args=[workflow.pk])
    form = {"friendly_name": "W", "task_reservation_timeout": 120, "configuration": text}
    return client.post(page, form).content.decode()


def test_saving_a_queue_says_what_is_wrong_with_its_expression(layla: Client) -> None:
    queue = make.queue(name="Orders")
    page = reverse("admin:routing_taskqueue_change", args=[queue.pk])

    said = layla.post(page, {"friendly_name": "Orders", "target_workers": "skills HAS", "task_order": "FIFO"})

    assert "عند الموضع 10: المتوقع اسم أو قيمة أو قائمة، لكن النص ينتهي هنا." in said.content.decode()


def test_saving_a_workflow_says_what_is_wrong_with_its_document(layla: Client) -> None:
    queue = make.queue(name="Orders")
    workflow = make.workflow({"queue": queue})

    malformed = save(layla, workflow, json.dumps(with_expression("a == 1 b", queue.sid)))
    unknown = save(layla, workflow, json.dumps(with_expression("a == 1", "Mars")))
    no_list = save(layla, workflow, '{"task_routing": {"filters": 1}}')
    no_json = save(layla, workflow, '{"task_routing"')

    path = "\u2068task_routing.filters[0]"
    assert escape(f"{path}.expression\u2069: {MISTAKE}") in malformed
    assert escape(f"{path}.targets[0].queue\u2069: لا يوجد طابور \u2068'Mars'\u2069") in unknown
    assert "\u2068task_routing.filters\u2069: يجب أن يكون قائمة" in no_list
    assert "ليس JSON: السطر 1، العمود 16: الفاصل \u2068:\u2069 متوقع." in no_json


def test_the_report_of_an_import_says_what_it_tolerates(layla: Client) -> None:
    text = json.dumps(with_expression("a == 1 b", "Orders"))

    report = layla.post(IMPORT, {"text": text, "name": "Shop", "check": "1"}).content.decode()
    broken = layla.post(IMPORT, {"text": '{"a": }', "name": "Shop", "check": "1"}).content.decode()

    assert escape(f"{MISTAKE} ما يليه لا يطابق أبدًا، وما قبله محفوظ.") in report
    assert "السطر 1، العمود 7: قيمة متوقعة." in broken


def test_an_explanation_says_what_is_wrong_with_the_document(layla: Client) -> None:
    queue = make.queue(name="Orders")
    workflow = make.workflow({"queue": queue})
    workflow.configuration = with_expression("a == 1 b", queue.sid)
    workflow.save()
    configuration.changed(workflow)
    page = f"/admin/routing/workflow/{workflow.pk}/explain/"

    told = layla.post(page, {"attributes": "{}", "task_channel": "chat"}).content.decode()
    refused = layla.post(page, {"attributes": "{", "task_channel": "chat"}).content.decode()

    assert escape(f"\u2068task_routing.filters[0].expression\u2069: {MISTAKE}") in told
    assert "السطر 1، العمود 2: اسم خاصية متوقع بين علامتي اقتباس مزدوجتين." in refused


def test_the_same_mistake_is_told_to_each_in_their_language() -> None:
    told = []
    for language in ("en", "ar", "en"):
        with override(language), pytest.raises(Refused) as caught:
            checks.expression("a == 1 b")
        told.append((caught.value.code, caught.value.message))

    english = ("routing.bad_expression", "At position 7: expected AND, OR or the end, found 'b'.")
    assert told == [english, ("routing.bad_expression", MISTAKE), english]
