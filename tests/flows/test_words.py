from __future__ import annotations

import pytest

from flows.words import distance_within, fold, tokens


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Live Agent ", "live agent"),
        ("ＬＩＶＥ", "live"),
        ("\u200flive\u200b agent\ufeff", "live agent"),
        ("STRASSE straße", "strasse strasse"),
        ("وكـــيل مُباشِر", "وكيل مباشر"),
        ("أهلا", "أهلا"),  # folding keeps letters: conditions compare what was written
        ("", ""),
    ],
)
def test_folding_removes_what_nobody_sees(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("أحمد إلى آل", "احمد الي ال"),
        ("المبيعات", "مبيعات"),
        ("للمبيعات بالمبيعات والمبيعات", "مبيعات مبيعات مبيعات"),
        ("وكيلاً مباشراً", "وكيل مباشر"),
        ("طلبي طلبك طلبكم", "طلب طلب طلب"),
        ("فاتورة", "فاتورتي"),
        ("خدمةُ العُملاءِ", "خدمه العملاء"),
        ("٣", "3"),
        ("Prices, ADDRESSES; companies!", "price address company"),
        ("Café naïve", "cafe naive"),
        ("wrong-size", "wrong size"),
    ],
)
def test_spellings_of_the_same_words_have_the_same_tokens(left: str, right: str) -> None:
    assert tokens(left) == tokens(right)


def test_tokens_look_at_a_bounded_part_of_the_text() -> None:
    assert len(tokens("word " * 10_000)) == 800


@pytest.mark.parametrize(
    ("a", "b", "limit", "within"),
    [
        ("return", "retrun", 1, True),
        ("return", "returm", 1, True),
        ("return", "reurn", 1, True),
        ("return", "rettturn", 1, False),
        ("refund", "return", 1, False),
        ("", "a", 1, True),
        ("same", "same", 0, True),
        ("same", "some", 0, False),
    ],
)
def test_a_slip_of_the_finger_counts_once(a: str, b: str, limit: int, within: bool) -> None:
    assert distance_within(a, b, limit) is within
    assert distance_within(b, a, limit) is within
