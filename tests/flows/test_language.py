from __future__ import annotations

import pytest

from flows import language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is my order?", "en"),
        ("hello", "en"),
        ("live agent", "en"),
        ("أريد وكيل مباشر", "ar"),
        ("iPhone 15 Pro Max كم سعر", "ar"),
        ("شلونك چم سعره", "ar"),  # Iraqi Arabic, with a letter that Persian has, too
        ("سلام، قیمت چنده؟", "fa"),
        ("آپ کیسے ہیں", "ur"),
        ("Bonjour, je voudrais un renseignement", "fr"),
        ("Guten Tag, wo ist meine Bestellung", "de"),
        ("Где мой заказ?", "ru"),
        ("Де моє замовлення? Її немає", "uk"),
        ("שלום", "he"),
        ("你好", "zh"),
        ("こんにちは、注文", "ja"),
        ("ok", ""),
        ("12345", ""),
        ("😀", ""),
        ("", ""),
        ("https://shop.example/the/your/order", ""),
    ],
)
def test_the_first_words_tell_the_language(text: str, expected: str) -> None:
    assert language.detect(text) == expected


@pytest.mark.parametrize(
    ("known", "text", "expected"),
    [
        ("ar", "hello", "ar"),  # the widget's locale wins over a Latin word
        ("ar-EG", "ok", "ar"),
        ("en-GB", "Bonjour, je suis là", "en"),
        ("en", "أريد وكيل مباشر", "ar"),  # but not over another script
        ("ru", "Їжак", "ru"),
        ("", "أريد", "ar"),
        ("", "ok", ""),
        ("nonsense!", "hello", "en"),
    ],
)
def test_what_is_known_wins_unless_the_script_says_otherwise(known: str, text: str, expected: str) -> None:
    assert language.choose(known, text) == expected


@pytest.mark.parametrize(("tag", "base"), [("ar-EG", "ar"), ("EN_us", "en")])
def test_a_language_tag_has_a_base(tag: str, base: str) -> None:
    assert language.base(tag) == base


@pytest.mark.parametrize("text", ["", "x", "a1", "عر", "english"])
def test_what_is_no_language_tag_has_none(text: str) -> None:
    assert language.base(text) == ""
