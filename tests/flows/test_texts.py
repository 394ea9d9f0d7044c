from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import texts


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        ("short", 10, ["short"]),
        ("", 10, []),
        ("   ", 10, []),
        ("one two three", 8, ["one two", "three"]),
        ("First. Second one.", 12, ["First.", "Second one."]),
        ("para one\n\npara two", 12, ["para one", "para two"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("no limit known", 0, ["no limit known"]),
    ],
)
def test_long_texts_are_cut_where_one_would_pause(text: str, most: int, parts: list[str]) -> None:
    assert texts.cut(text, most) == parts


@given(st.text(max_size=300), st.integers(1, 40))
def test_no_part_is_too_long_and_no_word_is_lost(text: str, most: int) -> None:
    parts = texts.cut(text, most)

    assert all(0 < len(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_options_are_buttons_where_the_channel_has_enough_of_them() -> None:
    assert texts.with_options("Who?", ["A", "B"], most=3) == (("A", "B"), "Who?")
    assert texts.with_options("Who?", ["A", "B"], most=1) == ((), "Who?\n- A\n- B")
    assert texts.with_options("Who?", [], most=0) == ((), "Who?")
