from __future__ import annotations

import time

import pytest

from flows import answers

LIST = [
    ["opening hours", "when are you open", "أوقات العمل", "متى تفتحون"],
    ["order status", "where is my order", "حالة الطلب", "اين طلبي"],
    ["refund", "return an item", "استرجاع المبلغ"],
    ["=hello", "=مرحبا"],
]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("What are your opening hours?", 0),
        ("OPENING HOUR", 0),
        ("opning hours pls", 0),
        ("where's my order", 1),
        ("any news on the status of order 4711?", 1),
        ("can I get a refund for this", 2),
        ("hello", 3),
        ("Hello!", 3),
        ("hello there my friend from afar", None),
        ("أوقاتُ العَمَلِ لو سمحت", 0),
        ("متى تفتح", 0),
        ("وين طلبي", 1),
        ("أبغى استرجاع مبلغي", 2),
        ("what is the meaning of life", None),
        ("", None),
        ("???", None),
        ("12", None),
    ],
)
def test_questions_are_recognised_however_they_are_put(text: str, index: int | None) -> None:
    found = answers.matcher(LIST).find(text)

    assert (found.index if found else None) == index


def test_rarer_words_weigh_more() -> None:
    matcher = answers.Matcher([["order cancel"], ["order change"], ["order status"]])

    found = matcher.find("status?", threshold=0.5)

    assert found is not None
    assert found.index == 2
    assert matcher.find("order", threshold=0.5) is None


def test_the_better_answer_wins_and_the_first_of_equals() -> None:
    assert answers.Matcher([["delivery"], ["delivery cost"]]).find("delivery cost?").index == 1  # type: ignore[union-attr]
    assert answers.Matcher([["delivery"], ["delivery"]]).find("delivery").index == 0  # type: ignore[union-attr]


def test_long_messages_and_long_lists_cost_little() -> None:
    matcher = answers.Matcher([[f"question{n} about{n}"] for n in range(500)])
    begun = time.process_time()

    matcher.find("quostion77 " * 5000)

    assert time.process_time() - begun < 2


def test_phrases_may_be_listed_by_language() -> None:
    assert answers.phrases_of({"en": ["a", "b"], "ar": "ج"}) == ["a", "b", "ج"]
    assert answers.phrases_of(["a", 1, None]) == ["a", "1"]
    assert answers.phrases_of(None) == []


def test_texts_fall_back_to_english_then_to_any() -> None:
    texts = {"en": "hello", "ar": "مرحبا"}

    assert answers.in_language(texts, "ar") == "مرحبا"
    assert answers.in_language(texts, "fr") == "hello"
    assert answers.in_language({"de": "hallo"}, "fr") == "hallo"
    assert answers.in_language("plain", "fr") == "plain"
    assert answers.in_language({}, "fr") == ""
