from __future__ import annotations

from typing import Any

import pytest

from flows import validation
from tests.factories.flows import after_trigger, document, match, split, state

SAY = state("say", "send-message", {"body": "Hi"}, sent="", failed="")


def codes(definition: object) -> list[tuple[str, str]]:
    return [(problem["state"], problem["code"]) for problem in validation.check(definition)]


def test_a_good_document_has_no_problems() -> None:
    assert validation.check(after_trigger("say", SAY)) == []


def test_a_problem_says_where_and_what() -> None:
    assert validation.check(after_trigger("nowhere")) == [
        {
            "state": "Trigger",
            "code": "transition_dangling",
            "message": "'incomingMessage' leads to 'nowhere', which is missing.",
            "level": "error",
        }
    ]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (None, [("", "not_an_object")]),
        ({}, [("", "states_missing")]),
        ({"states": {}}, [("", "states_missing")]),
        ({"states": [object()]}, [("", "not_json")]),
        ({"states": [{"name": "x" * 2_000_001}]}, [("", "too_large")]),
        (document(), [("", "initial_state_missing")]),
        (document(SAY, initial="say"), [("say", "initial_state_not_trigger")]),
        (after_trigger("say", SAY, SAY), [("say", "name_taken")]),
        (after_trigger("", {"type": "trigger"}), [("", "name_missing")]),
        (after_trigger("", {"name": ""}, 5), [("", "name_missing"), ("", "name_missing")]),  # type: ignore[arg-type]
        (after_trigger("x" * 121, state("x" * 121, "trigger")), [("x" * 121, "name_too_long")]),
        (after_trigger("a", state("a", "say-play", {"say": "Hi"})), [("a", "widget_unsupported")]),
        (after_trigger("a", state("a", "send-message", None, sent="", no="")), [("a", "event_unknown")]),
        (after_trigger("a", {**SAY, "name": "a", "properties": []}), [("a", "properties_malformed")]),
        (after_trigger("a", {**SAY, "name": "a", "transitions": {}}), [("a", "transitions_malformed")]),
        (
            after_trigger("a", {**SAY, "name": "a", "transitions": [{"event": "sent"}, {"event": "sent"}]}),
            [("a", "event_twice")],
        ),
        (after_trigger("a", state("a", "split-based-on", {"input": ""}, noMatch="")), [("a", "property_missing")]),
        (after_trigger("a", state("a", "set-variables", {}, next="")), [("a", "property_missing")]),
        (after_trigger("a", state("a", "send-message", {"body": 5}, sent="")), [("a", "property_type")]),
        (
            after_trigger("a", state("a", "send-and-wait-for-reply", {"timeout": True}, timeout="")),
            [("a", "property_type")],
        ),
        (after_trigger("a", state("a", "send-message", {"body": "{{ a + b }}"}, sent="")), [("a", "liquid_invalid")]),
        (
            after_trigger("a", state("a", "send-message", {"translations": {"ar": {"body": "{{ x"}}}, sent="")),
            [("a", "liquid_invalid")],
        ),
        (after_trigger("a", split("a", match("", "no_such", "x"))), [("a", "condition_unknown")]),
        (after_trigger("a", split("a", {"event": "match"})), [("a", "condition_missing")]),
        (after_trigger("a", split("a", match("", "regex", "("))), [("a", "regex_invalid")]),
        (after_trigger("a", split("a", match("", "regex", "{{ x }}"))), []),
        (after_trigger("a", split("a", match("", "equal_to", "{{ x"))), [("a", "liquid_invalid")]),
        (
            after_trigger("a", state("a", "set-variables", {"variables": [{"value": "1"}]}, next="")),
            [("a", "variable_without_key")],
        ),
        (
            after_trigger("a", state("a", "set-variables", {"variables": [{"key": "x", "save": "disk"}]}, next="")),
            [("a", "variable_save_unknown")],
        ),
        (after_trigger("a", state("a", "send-to-flex", {"workflow": "WQ" + "a" * 32})), [("a", "sid_malformed")]),
        (after_trigger("a", state("a", "send-to-flex", {"workflow": "Support", "channel": "chat"})), []),
        (after_trigger("a", state("a", "send-to-flex", {"attributes": "{x"})), [("a", "attributes_invalid")]),
        (after_trigger("a", state("a", "send-to-flex", {"attributes": '{"a": {{x}}}'})), []),
        (after_trigger("a", state("a", "send-to-flex", {"queue_notice": "never"})), [("a", "queue_notice_unknown")]),
        (after_trigger("a", state("a", "answer-from-list", {"answers": []})), [("a", "property_missing")]),
        (after_trigger("a", state("a", "answer-from-list", {"answers": [5]})), [("a", "answer_malformed")]),
        (after_trigger("a", state("a", "answer-from-list", {"answers": [{}]})), [("a", "answer_without_phrases")]),
        (after_trigger("", SAY), [("say", "unreachable")]),
    ],
)
def test_every_problem_is_found(definition: object, expected: list[tuple[str, str]]) -> None:
    assert codes(definition) == expected


def test_an_unreachable_widget_is_only_a_warning() -> None:
    assert validation.errors(after_trigger("", SAY)) == []


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(100_000):
        inner["states"] = {}
        inner = inner["states"]

    assert codes(deep) == [("", "not_json")]
    while deep:  # taken apart by hand, as freeing it at once would recurse
        deep = deep.pop("states")


def test_exports_are_loose_about_types() -> None:
    ask = state("ask", "send-and-wait-for-reply", {"body": "?", "timeout": 60}, incomingMessage="", timeout="")
    transition = {"event": "incomingMessage", "next": None}

    assert validation.check(after_trigger("ask", {**ask, "transitions": [transition]})) == []
