"""Reading one value of a frame: each reader returns the clean value or raises ``ValueError`` saying what it must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contactcenter.lib import ids
from contactcenter.lib.text import scrub

MAX_STREAMS = 200


def sid(*prefixes: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if all(ids.parse_sid(prefix, value) is None for prefix in prefixes):
            raise ValueError(f"must be an id starting with {' or '.join(prefixes)}")
        return str(value)

    return read


def one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return str(value)

    return read


def text(limit: int, *, least: int = 0) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        clean = scrub(value)
        if not least <= len(clean) <= limit:
            raise ValueError(f"must have {least} to {limit} characters")
        return clean

    return read


def number(value: Any) -> int:
    # bool is an int to Python, not to us; the bound is the database's.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError("must be a whole number from 0 to 2147483647")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def listing(read: Callable[[Any], str], limit: int) -> Callable[[Any], tuple[str, ...]]:
    def read_all(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > limit:
            raise ValueError(f"must be a list of at most {limit}")
        return tuple(read(item) for item in value)

    return read_all


def positions(value: Any) -> dict[str, int | None]:
    if not isinstance(value, dict) or len(value) > MAX_STREAMS:
        raise ValueError(f"must be an object of at most {MAX_STREAMS} conversations")
    read = sid("CH")
    return {read(stream): None if seq is None else number(seq) for stream, seq in value.items()}
