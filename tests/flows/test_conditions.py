from __future__ import annotations

import time

import pytest

from flows import conditions


@pytest.mark.parametrize(
    ("kind", "argument", "value", "expected"),
    [
        ("equal_to", "  Sales ", "sales", True),
        ("equal_to", "ＳＡＬＥＳ", "sales", True),
        ("equal_to", "وكـيل مُباشر", "وكيل مباشر", True),
        ("equal_to", "sale", "sales", False),
        ("equal_to", "", "", True),
        ("not_equal_to", "a", "b", True),
        ("not_equal_to", "A", "a", False),
        ("matches_any_of", "Two", "one, two ,three", True),
        ("matches_any_of", "اثنان", "واحد، اثنان", True),
        ("matches_any_of", "four", "one,two", False),
        ("matches_any_of", "", "one,,two", False),
        ("does_not_match_any_of", "four", "one,two", True),
        ("contains", "I want a LIVE AGENT now", "live agent", True),
        ("contains", "anything", "", False),
        ("contains", "short", "shorter", False),
        ("does_not_contain", "hello", "bye", True),
        ("does_not_contain", "Hello", "ELL", False),
        ("starts_with", "Hello you", "hello", True),
        ("starts_with", "hello", "", False),
        ("does_not_start_with", "hello", "bye", True),
        ("is_blank", " \u200f\n", "Is Blank", True),
        ("is_blank", "x", "Is Blank", False),
        ("is_not_blank", "x", "", True),
        ("is_not_blank", "", "", False),
        ("regex", "ORDER 123", r"order \d+", True),
        ("regex", "my order 123", r"order \d+", False),  # the whole text must match
        ("regex", "x", "(", False),
        ("regex", "x", "(?=x)x", False),
        ("less_than", "9", "10", True),
        ("less_than", "10", "9", False),
        ("less_than", "two", "10", False),
        ("less_than", "", "10", False),
        ("less_than", "nan", "10", False),
        ("less_than", "1_0", "100", False),
        ("greater_than", "10.5", "10", True),
        ("greater_than", "٣", "٢", True),
        ("greater_than", "-1", "-2", True),
        ("greater_than", "1e999999999", "1", False),
        ("is_before_time", "8:59", "09:00", True),
        ("is_before_time", "09:00", "09:00", False),
        ("is_before_time", "25:00", "09:00", False),
        ("is_after_time", "18:30", "18:00", True),
        ("is_after_time", "soon", "18:00", False),
        ("is_before_date", "2026-03-02", "2026-03-03", True),
        ("is_before_date", "2026-03-02 10:00", "2026-03-02", False),
        ("is_after_date", "2026-03-04", "2026-03-03", True),
        ("is_after_date", "tomorrow", "2026-03-03", False),
        ("no_such_condition", "a", "a", False),
    ],
)
def test_a_condition_holds_or_not(kind: str, argument: str, value: str, expected: bool) -> None:
    assert conditions.holds(kind, argument, value) is expected


@pytest.mark.parametrize("pattern", ["(a|a)*b", "(a*)*b", "(a+)+$b", "((a{0,9}){0,9}){0,9}b"])
def test_a_hostile_expression_takes_no_time(pattern: str) -> None:
    begun = time.process_time()

    assert conditions.holds("regex", "a" * 16_000, pattern) is False

    assert time.process_time() - begun < 0.5


def test_what_is_wrong_with_an_expression_is_told() -> None:
    assert conditions.compile_regex("(") == "missing ): ("
    assert conditions.compile_regex("a" * 3000) == "the regular expression is too long"
