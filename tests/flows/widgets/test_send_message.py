from __future__ import annotations

from typing import Any

import pytest

from flows.values import RecordStep, SendMessage
from tests.factories.flows import after_trigger, state
from tests.flows.walk import Walk


def said(properties: dict[str, Any], **known: Any) -> list[SendMessage]:
    walk = Walk(after_trigger("say", state("say", "send-message", properties, sent="", failed="")))
    return walk.begin(**known).of(SendMessage)


def test_the_body_is_rendered_and_trimmed() -> None:
    assert said({"body": " Hi {{contact.name}}\n"}) == [SendMessage(visit=2, text="Hi Layla")]


@pytest.mark.parametrize(
    ("sender", "name"), [("{{flow.channel.address}}", ""), ("page1", ""), ("Bot", "Bot"), ("", ""), (None, "")]
)
def test_from_is_our_address_or_the_name_to_show(sender: str | None, name: str) -> None:
    assert said({"body": "Hi", "from": sender})[0].author_name == name


def test_texts_come_in_the_customers_language() -> None:
    properties = {
        "body": "Hello",
        "quick_replies": ["Yes", "No"],
        "translations": {
            "ar": {"body": "مرحبا {{contact.name}}", "quick_replies": ["نعم", "لا"]},
            "de": {"body": "Hallo"},
        },
    }

    def in_language(language: str) -> SendMessage:
        return said(properties, contact={"language": language})[0]

    assert in_language("ar-EG").text == "مرحبا Layla"
    assert in_language("ar").quick_replies == ("نعم", "لا")
    assert in_language("de").text == "Hallo"
    assert in_language("de").quick_replies == ("Yes", "No")
    assert in_language("fr").text == "Hello"
    assert in_language("").text == "Hello"


def test_a_language_set_by_the_flow_comes_before_the_contacts() -> None:
    definition = after_trigger(
        "set",
        state("set", "set-variables", {"variables": [{"key": "language", "value": "ar"}]}, next="say"),
        state("say", "send-message", {"body": "Hello", "translations": {"ar": {"body": "مرحبا"}}}, sent=""),
    )

    assert Walk(definition).begin().said == ["مرحبا"]


def test_an_empty_text_fails_without_being_sent() -> None:
    walk = Walk(after_trigger("say", state("say", "send-message", {"body": "{{missing}}"}, sent="", failed=""))).begin()

    assert walk.of(SendMessage) == []
    assert walk.path[-1] == ("say", "failed")


def test_a_picture_needs_no_text() -> None:
    assert said({"media_url": "https://example.test/a.png"})[0].media_url == "https://example.test/a.png"


def test_a_refused_message_fails_with_the_reason() -> None:
    walk = Walk(after_trigger("say", state("say", "send-message", {"body": "Hi"}, sent="", failed="")), failing="send")

    step = walk.begin().of(RecordStep)[-1]

    assert step.name == "failed"
    assert step.output == {"outbound": {"Status": "failed", "ErrorMessage": "refused"}}
    assert step.warnings == ({"code": "81011", "message": "refused"},)


def test_properties_of_odd_types_do_no_harm() -> None:
    assert said({"body": 5, "from": ["x"], "quick_replies": "no list", "translations": "none"})[0].text == "5"
