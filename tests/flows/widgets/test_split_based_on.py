from __future__ import annotations

from typing import Any

import pytest

from flows.values import End, RecordStep
from tests.factories.flows import after_trigger, match, split, state
from tests.flows.walk import Walk

LEAF: dict[str, Any] = {"variables": []}


def taken(body: str, *branches: dict[str, object], no: str = "") -> list[tuple[str, str]]:
    leaves = [state(name, "set-variables", LEAF, next="") for name in ("one", "two", "none")]
    return Walk(after_trigger("split", split("split", *branches, no=no), *leaves)).begin(body).path[1:]


def test_the_first_branch_that_holds_is_taken() -> None:
    branches = [match("one", "contains", "agent"), match("two", "contains", "live agent")]

    assert taken("live agent", *branches) == [("split", "match"), ("one", "next")]


def test_the_second_branch_is_taken_when_the_first_does_not_hold() -> None:
    branches = [match("one", "equal_to", "yes"), match("two", "equal_to", "no")]

    assert taken(" NO ", *branches) == [("split", "match"), ("two", "next")]


def test_nothing_matches() -> None:
    assert taken("maybe", match("one", "equal_to", "yes"), no="none") == [("split", "noMatch"), ("none", "next")]


def test_a_branch_may_end_the_flow() -> None:
    assert taken("yes", match("", "equal_to", "yes"), no="none") == [("split", "match")]


def test_nothing_matches_and_there_is_no_branch_for_that() -> None:
    walk = Walk(after_trigger("split", split("split", match("split", "equal_to", "yes")))).begin("no")

    assert walk.of(RecordStep)[-1].warnings[0]["code"] == "81005"
    assert walk.of(End) == [End()]


def test_the_value_may_be_a_template() -> None:
    assert taken("layla", match("one", "equal_to", "{{contact.name}}"))[-1] == ("one", "next")


def test_the_input_is_tested_where_a_condition_names_no_argument() -> None:
    branch = match("one", "equal_to", "hello")
    branch["conditions"][0]["arguments"] = []

    assert taken("hello", branch)[-1] == ("one", "next")


@pytest.mark.parametrize("argument", ["{{ broken", "{{ a + b }}", "{{ missing }}"])
def test_an_argument_that_cannot_be_rendered_is_blank(argument: str) -> None:
    assert taken("hello", match("one", "is_blank", "Is Blank", argument))[-1] == ("one", "next")


@pytest.mark.parametrize(
    "wish", ["وكيل مباشر", "  وكيل  مباشر ".replace("  ", " "), "وكـيل مُباشِر", "أريد وكيل مباشر الآن"]
)
def test_asking_for_a_live_agent_in_arabic(wish: str) -> None:
    assert taken(wish, match("one", "contains", "وكيل مباشر"))[-1] == ("one", "next")
