from __future__ import annotations

from typing import Any

import pytest

from flows.values import SendMessage, Wait
from tests.factories.flows import after_trigger, state
from tests.flows.walk import Walk


def asking(properties: dict[str, Any]) -> Walk:
    ask = state("ask", "send-and-wait-for-reply", properties, incomingMessage="", timeout="", deliveryFailure="")
    return Walk(after_trigger("ask", ask)).begin()


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("60", 60),
        (60, 60),
        ("1e2", 100),
        (None, 3600),
        ("", 3600),
        ("soon", 3600),
        ("0", 1),
        ("-5", 1),
        ("1e99", 604_800),
        ("inf", 3600),
        ("{{ 30 | times: 2 }}", 60),
    ],
)
def test_it_waits_as_long_as_the_document_says(timeout: Any, seconds: int) -> None:
    assert asking({"body": "?", "timeout": timeout}).of(Wait) == [Wait(seconds)]


def test_the_reply_and_what_was_sent_are_left_behind() -> None:
    walk = asking({"body": "Well?"}).say("fine")

    assert walk.state["context"]["widgets"]["ask"] == {
        "outbound": {"Sid": "IM2", "Body": "Well?", "Status": "queued"},
        "inbound": {"Body": "fine"},
    }


def test_the_answer_may_be_saved_as_a_variable() -> None:
    walk = asking({"body": "Name?", "save_response_as": "name"}).say("Omar")

    assert walk.state["context"]["flow"]["variables"] == {"name": "Omar"}


def test_a_question_that_cannot_be_sent_is_a_delivery_failure() -> None:
    ask = state("ask", "send-and-wait-for-reply", {"body": "?"}, incomingMessage="", deliveryFailure="sorry")
    sorry = state("sorry", "set-variables", {"variables": []}, next="")

    walk = Walk(after_trigger("ask", ask, sorry), failing="send").begin()

    assert walk.path == [("Trigger", "incomingMessage"), ("ask", "deliveryFailure"), ("sorry", "next")]


def test_an_empty_question_is_a_delivery_failure() -> None:
    walk = asking({"body": ""})

    assert walk.of(SendMessage) == []
    assert walk.path[-1] == ("ask", "deliveryFailure")
