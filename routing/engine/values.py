"""What the expression language's operators mean for JSON values. A missing value is None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: What workers, tasks, queues ... are known by: any hashable value; the engine only compares them.
Id = Any

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def compare(operator: str, a: Any, b: Any) -> bool:
    """What ``a OPERATOR b`` means for two JSON values; a missing value is None."""
    a_is_list, b_is_list = isinstance(a, list), isinstance(b, list)
    if operator == "HAS":
        return a_is_list and any(equal(item, b) for item in a)
    if operator == "IN":
        return b_is_list and not a_is_list and any(equal(a, item) for item in b)
    if operator == "NOT IN":
        # A missing list contains nothing: documents rely on it.
        return not a_is_list and (b is None or b_is_list) and not (b_is_list and any(equal(a, item) for item in b))
    if a_is_list or b_is_list:
        return False
    if operator == "==":
        return equal(a, b)
    if operator == "!=":
        return not equal(a, b)
    if operator == "CONTAINS":
        return isinstance(a, str) and b is not None and text(b) in a
    return ordered(a, b) and ORDER[operator](a, b)


def text(value: Any) -> str:
    """A scalar as CONTAINS looks for it: 1.0 is 1, as it is for every other operator."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def resolve(segments: tuple[str, ...], scope: Any) -> Any:
    """The value at a path, or None."""
    for segment in segments:
        if scope.__class__ is dict or isinstance(scope, Mapping):
            scope = scope.get(segment)
        elif isinstance(scope, list) and segment.isascii() and segment.isdigit() and len(segment) < 10:
            index = int(segment)
            scope = scope[index] if index < len(scope) else None
        else:
            return None
        if scope is None:
            return None
    return scope


def equal(a: Any, b: Any) -> bool:
    """Equality without coercion: ``1`` is not ``true``, ``"1"`` is not ``1``."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def ordered(a: Any, b: Any) -> bool:
    """Can the two be ordered: both numbers, or both strings."""
    if isinstance(a, str):
        return isinstance(b, str)
    return is_number(a) and is_number(b)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
