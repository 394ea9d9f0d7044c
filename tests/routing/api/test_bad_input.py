"""What is too large, too deep or no text: refused with the field's name, in bounded time."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError
from django.test import Client

from conversations.services import api_keys
from tests.conftest import NOW
from tests.factories import routing as make

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


class Door:
    """Requests with a valid key to one workspace."""

    def __init__(self) -> None:
        key, secret = api_keys.create(name="Test", scopes=["routing"], now=NOW)
        text = base64.b64encode(f"{key.sid}:{secret}".encode()).decode()
        self.client = Client(headers={"Authorization": f"Basic {text}"})
        self.url = f"/taskrouter/v1/Workspaces/{make.workspace().sid}"

    def form(self, path: str, **values: str) -> Any:
        return self.raw(path, urlencode(values).encode(), FORM)

    def json(self, path: str, body: Any) -> Any:
        return self.raw(path, json.dumps(body).encode(), "application/json")

    def raw(self, path: str, body: bytes, kind: str) -> Any:
        started = time.monotonic()
        answer = self.client.post(f"{self.url}/{path}", data=body, content_type=kind)
        assert time.monotonic() - started < 30  # a bomb takes minutes, or for ever
        return answer

    def get(self, path: str) -> Any:
        return self.client.get(f"{self.url}/{path}")


@pytest.fixture
def door() -> Door:
    return Door()


def refused(answer: Any, field: str) -> str:
    """The message of a 400 that begins with the field's name."""
    said = json.loads(answer.content)
    assert (answer.status_code, said["code"]) == (400, 20001), said
    assert said["message"].startswith(f"{field}: "), said
    return str(said["message"])


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_attributes_have_at_most_4096_characters(door: Door) -> None:
    fits, too_long = '{"a":"%s"}' % ("x" * 4088), '{"a":"%s"}' % ("x" * 4089)

    assert len(fits) == 4096
    assert door.form("Workers", FriendlyName="Ann", Attributes=fits).status_code == 201
    refused(door.form("Workers", FriendlyName="Bob", Attributes=too_long), "Attributes")
    refused(door.form("Tasks", Attributes=too_long), "Attributes")
    refused(door.json("Tasks", {"attributes": {"a": "x" * 4090}}), "attributes")


@pytest.mark.parametrize(
    "attributes",
    [
        nested(33),
        nested(600),
        "[" * 2000 + "]" * 2000,
        "[1]",
        "null",
        "nonsense",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": %s}' % ("9" * 3000),
        '{"a": 9223372036854775808}',
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"\\u0000": 1}',
    ],
)
def test_attributes_that_are_no_sane_object_are_refused(door: Door, attributes: str) -> None:
    refused(door.form("Tasks", Attributes=attributes), "Attributes")
    refused(door.form("Workers", FriendlyName="Ann", Attributes=attributes), "Attributes")


def test_a_nesting_bomb_as_body_is_refused(door: Door) -> None:
    answer = door.raw("Tasks", nested(100_000).encode(), "application/json")

    assert (answer.status_code, json.loads(answer.content)["code"]) == (400, 20002)


def test_expressions_of_ten_thousand_clauses_are_refused(door: Door) -> None:
    long = " OR ".join(f"a == {number}" for number in range(10_000))
    deep = "(" * 5_000 + "1==1" + ")" * 5_000
    names = " AND ".join(["skills HAS 'a'"] * 1_500)

    for text in (long, deep, names):
        refused(door.form("TaskQueues", FriendlyName="Q", TargetWorkers=text), "TargetWorkers")
        document = {"task_routing": {"filters": [{"expression": text, "targets": [{"queue": "Everyone"}]}]}}
        answer = door.form("Workflows", FriendlyName="W", Configuration=json.dumps(document))
        assert (answer.status_code, json.loads(answer.content)["code"]) == (400, 20001)


def test_a_bad_expression_says_where_and_what_was_expected(door: Door) -> None:
    message = refused(door.form("TaskQueues", FriendlyName="Q", TargetWorkers="a == 1 AN b == 2"), "TargetWorkers")

    assert message == "TargetWorkers: At position 7: expected AND, OR or the end, found 'AN'."


def test_a_program_is_told_in_english_whatever_it_says_it_speaks(door: Door) -> None:
    door.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ar"
    document = {"task_routing": {"filters": [{"expression": "a b", "targets": [{"queue": "Everyone"}]}]}}

    message = json.loads(door.form("Workflows", FriendlyName="W", Configuration=json.dumps(document)).content)[
        "message"
    ]

    operators = "(==, !=, <, <=, >, >=, HAS, IN, NOT IN, CONTAINS)"
    assert message.endswith(f"At position 2: expected an operator {operators}, found 'b'.")


def test_a_workflow_of_more_than_a_megabyte_is_refused_and_one_below_is_not(door: Door) -> None:
    def document(size: int) -> str:
        filler = "x" * size
        routing = {"filters": [], "default_filter": {"queue": "Everyone"}, "note": filler}
        return json.dumps({"task_routing": routing})

    assert door.form("Workflows", FriendlyName="Big", Configuration=document(1_038_000)).status_code == 201
    refused(door.form("Workflows", FriendlyName="Bigger", Configuration=document(1_039_000)), "Configuration")


def test_numbers_out_of_bounds_are_refused(door: Door) -> None:
    for value in ("-1", "2147483648", "9" * 400, "1e9", "one", ""):
        refused(door.form("Tasks", Attributes="{}", Priority=value), "Priority")
    refused(door.form("Tasks", Attributes="{}", Timeout="1209601"), "Timeout")
    refused(door.form("TaskQueues", FriendlyName="Q", MaxReservedWorkers="51"), "MaxReservedWorkers")
    refused(door.form("Tasks", Attributes="{}", VirtualStartTime="2999-01-01T00:00:00Z"), "VirtualStartTime")
    refused(door.form("Tasks", Attributes="{}", VirtualStartTime="1899-12-31T00:00:00Z"), "VirtualStartTime")
    refused(door.form("Tasks", Attributes="{}", VirtualStartTime="0000-99-99T00:00:00Z"), "VirtualStartTime")


def test_text_that_is_no_text_is_refused(door: Door) -> None:
    assert json.loads(door.raw("Tasks", b"Attributes=%ff%fe", FORM).content)["code"] == 20002
    assert json.loads(door.raw("Tasks", b"\xff\xfe", "application/json").content)["code"] == 20002
    assert json.loads(door.get("Tasks?Ordering=%ff").content)["code"] == 20002
    refused(door.form("Activities", FriendlyName="a\x00b"), "FriendlyName")
    refused(door.json("Activities", {"friendly_name": "a\x00b"}), "friendly_name")
    refused(door.json("Activities", {"friendly_name": "\ud800"}), "friendly_name")
    assert door.get("Tasks/WT%00").status_code == 404
    assert door.get("TaskChannels/%00").status_code == 404


def test_too_many_parameters_and_other_bodies_are_refused(door: Door) -> None:
    many = "&".join(f"a{number}=1" for number in range(1_001)).encode()

    assert json.loads(door.raw("Tasks", many, FORM).content)["code"] == 20002
    assert door.raw("Tasks", b"<a/>", "text/xml").status_code == 415
    assert door.raw("Tasks", b"[]", "application/json").status_code == 400


def test_pages_are_followed_not_numbered(door: Door) -> None:
    assert json.loads(door.get("Tasks?Page=1").content)["code"] == 40153
    assert json.loads(door.get("Tasks?PageToken=forged").content)["code"] == 20001
    refused(door.get("Tasks?PageSize=0"), "PageSize")
    refused(door.get("Tasks?PageSize=1001"), "PageSize")
    token = json.loads(door.get("Activities?PageSize=1").content)["meta"]["next_page_url"].rpartition("PageToken=")[2]
    assert json.loads(door.get(f"Tasks?Ordering=Priority:desc&PageToken={token}").content)["code"] == 20001


def test_snake_case_json_is_as_good_as_a_form(door: Door) -> None:
    made = door.json("Workers", {"friendly_name": "Ann", "attributes": {"skills": ["é", "ب"]}})

    assert made.status_code == 201
    assert json.loads(json.loads(made.content)["attributes"]) == {"skills": ["é", "ب"]}
    taken = door.json("Workers", {"friendly_name": "ANN"})
    assert (taken.status_code, json.loads(taken.content)["code"]) == (400, 20001)


def test_unknown_addresses_and_methods_answer_in_the_wires_form(door: Door) -> None:
    for method in ("get", "post", "put", "patch", "delete", "options"):
        lost = getattr(door.client, method)("/taskrouter/v1/Nothing/At/All")
        assert (lost.status_code, json.loads(lost.content)["code"]) == (404, 20404), method
    wrong = door.client.put(f"{door.url}/Tasks")
    assert (wrong.status_code, json.loads(wrong.content)["code"]) == (405, 20004)
    assert json.loads(wrong.content)["more_info"].endswith("/taskrouter/v1/docs#20004")
    assert Client().get("/taskrouter/v1/Nothing").status_code == 401


def test_what_changes_at_the_same_moment_is_a_conflict_and_no_crash(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise IntegrityError("its queue is gone")

    monkeypatch.setattr("routing.services.tasks.create", refuse)

    answer = door.form("Tasks", Attributes="{}", WorkflowSid=make.workflow({"queue": make.queue()}).sid)

    said = json.loads(answer.content)
    assert (answer.status_code, said["code"]) == (409, 20409)
    assert "queue is gone" not in said["message"]
