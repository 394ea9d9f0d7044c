"""Request bodies and query strings, read strictly: what is no UTF-8 or no JSON is refused, not repaired."""

from __future__ import annotations

import json
from typing import IO, Any
from urllib.parse import parse_qsl

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_FIELDS = 1_000
Values = dict[str, list[Any]]


def pairs(text: bytes | str) -> Values:
    """``a=1&a=2&b=`` -> ``{"a": ["1", "2"], "b": [""]}``. Raises ``ParseError``."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        found: Values = {}
        for name, value in parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS):
            found.setdefault(name, []).append(value)
        return found
    except UnicodeDecodeError as error:
        raise ParseError("The parameters are not UTF-8.") from error
    except ValueError as error:
        raise ParseError(f"There are more than {MAX_FIELDS} parameters.") from error


class FormParser(BaseParser):
    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Values:
        return pairs(stream.read())


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Values:
        try:
            body = load(stream.read().decode())
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise ParseError("The body is not a JSON object.")
        return {name: value if isinstance(value, list) else [value] for name, value in body.items()}


def load(text: str) -> Any:
    """JSON text -> value. Raises ``ValueError`` for what is no JSON, nests too deeply, or holds no finite number."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number
