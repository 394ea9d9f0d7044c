"""The conditions of a split: Studio's list, trimmed and ignoring case, and safe with any text.

Texts are compared folded (``words.fold``): full-width letters, invisible direction marks, tatweel and Arabic vowel
signs make no difference. Regular expressions run on RE2, in time linear in the text.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import re2

from contactcenter.lib.remark import Remark
from flows.words import fold

_NUMBER = re.compile(r"[+-]?\d{1,40}(?:[.٫]\d{1,40})?")
_SEPARATOR = re.compile("[,،]")  # the Arabic comma separates, too


def holds(kind: str, argument: str, value: str) -> bool:
    """Whether condition ``kind`` is true of ``argument`` and ``value``, both rendered. Unknown kinds are not."""
    test = CONDITIONS.get(kind)
    return test is not None and test(argument, value)


def _equal(a: str, b: str) -> bool:
    return fold(a) == fold(b)


def _any_of(a: str, b: str) -> bool:
    entries = {fold(entry) for entry in _SEPARATOR.split(b)} - {""}
    return fold(a) in entries


def _contains(a: str, b: str) -> bool:
    # An empty value (a variable that is missing) is in every text; nobody means that.
    return bool(fold(b)) and fold(b) in fold(a)


def _starts(a: str, b: str) -> bool:
    return bool(fold(b)) and fold(a).startswith(fold(b))


def _blank(a: str, _: str) -> bool:
    return not fold(a)


def _number(text: str) -> Decimal | None:
    text = fold(text)
    # "\d" and Decimal both read Arabic-Indic digits.
    return Decimal(text.replace("٫", ".")) if _NUMBER.fullmatch(text) else None


def _compare(test: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def compared(a: str, b: str) -> bool:
        left, right = _number(a), _number(b)
        return left is not None and right is not None and test(left, right)

    return compared


@functools.lru_cache(maxsize=512)
def compile_regex(pattern: str) -> Any:
    """The compiled pattern, or what is wrong with it."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 1 << 20
    if len(pattern) > 2000:
        return Remark("the regular expression is too long")
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)


def _regex(a: str, b: str) -> bool:
    compiled = compile_regex(b.strip())
    try:
        return not isinstance(compiled, str) and bool(compiled.fullmatch(a.strip()))
    except UnicodeError:
        return False


def _time(text: str) -> dt.time | None:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?", fold(text))
    return dt.time(int(match[1]), int(match[2])) if match else None


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(fold(text)[:10])
    except ValueError:
        return None


def _before_time(a: str, b: str) -> bool:
    left, right = _time(a), _time(b)
    return left is not None and right is not None and left < right


def _after_time(a: str, b: str) -> bool:
    return _before_time(b, a)


def _before_date(a: str, b: str) -> bool:
    left, right = _date(a), _date(b)
    return left is not None and right is not None and left < right


def _after_date(a: str, b: str) -> bool:
    return _before_date(b, a)


def _no(test: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda a, b: not test(a, b)


CONDITIONS: dict[str, Callable[[str, str], bool]] = {
    "equal_to": _equal,
    "not_equal_to": _no(_equal),
    "matches_any_of": _any_of,
    "does_not_match_any_of": _no(_any_of),
    "contains": _contains,
    "does_not_contain": _no(_contains),
    "starts_with": _starts,
    "does_not_start_with": _no(_starts),
    "is_blank": _blank,
    "is_not_blank": _no(_blank),
    "regex": _regex,
    "less_than": _compare(lambda a, b: a < b),
    "greater_than": _compare(lambda a, b: a > b),
    "is_before_time": _before_time,
    "is_after_time": _after_time,
    "is_before_date": _before_date,
    "is_after_date": _after_date,
}
