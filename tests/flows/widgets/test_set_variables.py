from __future__ import annotations

from typing import Any

import pytest

from flows.values import RecordStep, SaveFacts
from tests.factories.flows import after_trigger, state
from tests.flows.walk import Walk


def setting(*variables: dict[str, Any]) -> Walk:
    return Walk(after_trigger("set", state("set", "set-variables", {"variables": list(variables)}, next=""))).begin()


def test_values_are_rendered_and_visible_in_both_places() -> None:
    context = setting({"key": "name", "value": "{{contact.name | upcase}}"}).state["context"]

    assert context["flow"]["variables"] == {"name": "LAYLA"}
    assert context["widgets"]["set"] == {"name": "LAYLA"}


def test_one_variable_cannot_use_another_of_the_same_step() -> None:
    walk = setting({"key": "a", "value": "1"}, {"key": "b", "value": "[{{flow.variables.a}}]"})

    assert walk.state["context"]["flow"]["variables"] == {"a": "1", "b": "[]"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"a": [1, true]}', {"a": [1, True]}),
        ("7", 7),
        ("{{ flow.contact.is_vip }}", False),
        ('"x"', "x"),
        ("null", None),
    ],
)
def test_json_is_parsed_when_asked_for(value: str, expected: Any) -> None:
    walk = setting({"key": "x", "value": value, "parse_as_json": True})

    assert walk.state["context"]["flow"]["variables"] == {"x": expected}


def test_what_is_no_json_stays_text_and_leaves_a_warning() -> None:
    walk = setting({"key": "x", "value": "{broken", "parse_as_json": "true"})

    assert walk.state["context"]["flow"]["variables"] == {"x": "{broken"}
    assert walk.of(RecordStep)[-1].warnings == ({"code": "81027", "message": "x is not JSON; kept as text"},)


def test_null_is_empty_text_and_keys_are_literal() -> None:
    walk = setting({"key": "{{x}}", "value": None})

    assert walk.state["context"]["flow"]["variables"] == {"{{x}}": ""}


def test_facts_are_saved_where_the_variable_says() -> None:
    walk = setting(
        {"key": "department", "value": "sales", "save": "conversation"},
        {"key": "language", "value": "ar", "save": "contact"},
        {"key": "tries", "value": "1"},
    )

    assert walk.of(SaveFacts) == [SaveFacts(conversation={"department": "sales"}, contact={"language": "ar"})]


def test_malformed_variables_are_left_out() -> None:
    assert setting({"value": "x"}, {"key": 5, "value": "x"}).state["context"]["flow"]["variables"] == {}
