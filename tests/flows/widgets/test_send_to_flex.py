from __future__ import annotations

from typing import Any

import pytest

from flows.values import CreateTask, RecordStep
from tests.factories.flows import after_trigger, state
from tests.flows.walk import Walk


def handing_over(properties: dict[str, Any], **walk: Any) -> Walk:
    flex = state("flex", "send-to-flex", properties, callComplete="", failedToEnqueue="")
    return Walk(after_trigger("flex", flex), **walk).begin('say "hi"')


def test_everything_the_document_says_goes_into_the_command() -> None:
    walk = handing_over(
        {
            "workflow": "WW" + "0" * 32,
            "channel": "chat",
            "attributes": '{"words": {{trigger.message.Body | to_json}}, "vip": {{flow.contact.is_vip}}}',
            "priority": "{{ 5 | plus: 1 }}",
            "timeout": "7200",
            "queue_notice": "later",
        }
    )

    assert walk.of(CreateTask) == [
        CreateTask(
            visit=2,
            attributes={"words": 'say "hi"', "vip": False},
            workflow="WW" + "0" * 32,
            task_channel="chat",
            priority=6,
            timeout=7200,
            queue_notice="later",
        )
    ]


def test_nothing_said_means_the_defaults() -> None:
    assert handing_over({}).of(CreateTask) == [CreateTask(visit=2, attributes={})]


def test_the_task_is_left_behind() -> None:
    walk = handing_over({"attributes": '{"a": 1}'})

    assert walk.state["context"]["widgets"]["flex"] == {"attributes": {"a": 1}, "sid": "WT2", "ahead": 2}
    assert walk.path[-1] == ("flex", "callComplete")


@pytest.mark.parametrize(
    "attributes", ["{broken", "[1]", '"text"', '{"words": "{{trigger.message.Body}}"}', "[" * 20_000]
)
def test_attributes_that_are_no_object_fail(attributes: str) -> None:
    walk = handing_over({"attributes": attributes})

    assert walk.of(CreateTask) == []
    assert walk.of(RecordStep)[-1].name == "failedToEnqueue"
    assert walk.of(RecordStep)[-1].warnings[0]["code"] == "81015"


def test_a_refused_task_fails() -> None:
    walk = handing_over({"attributes": "{}"}, failing="task")

    assert walk.of(RecordStep)[-1].name == "failedToEnqueue"
    assert walk.of(RecordStep)[-1].output == {"error": "refused"}


def test_hostile_text_in_attributes_is_scrubbed() -> None:
    walk = handing_over({"attributes": '{"a": "x\\u0000y\\ud800"}'})

    assert walk.of(CreateTask)[0].attributes == {"a": "xy\ufffd"}
