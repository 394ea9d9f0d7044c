"""What parameters and properties are made of. Every field describes itself to the OpenAPI document."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contactcenter.lib.errors import ContactCenterError
from contactcenter.lib.text import scrub
from routing import checks
from routing.api import paging, parsers

MAX_NAME = 64
MAX_ATTRIBUTES = 4096
MAX_DEPTH = 32
MAX_EXPRESSION = 32_768
_EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_WIRE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")


def sid_pattern(*prefixes: str) -> str:
    """Of the sids that begin with one of these."""
    start = f"({'|'.join(prefixes)})" if len(prefixes) > 1 else prefixes[0]
    return f"^{start}[0-9a-f]{{32}}$"


class Sid(serializers.CharField):
    """A resource's id: two letters and 32 hex digits. Several prefixes where several kinds may be named."""

    def __init__(self, *prefixes: str, **options: Any) -> None:
        self.prefixes = prefixes
        super().__init__(**{"max_length": 34, **options})
        message = f"This is no sid that begins with {' or '.join(prefixes)}."
        self.validators.append(RegexValidator(sid_pattern(*prefixes), message))

    def __deepcopy__(self, memo: Any) -> Sid:
        return Sid(*self.prefixes, **self._kwargs)  # type: ignore[attr-defined]  # set by Field.__new__


class Name(serializers.CharField):
    """A friendly name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": MAX_NAME, "min_length": 1, **options})


@extend_schema_field({"type": "string", "format": "date-time", "maxLength": 40})
class WireDate(serializers.DateTimeField):
    """``YYYY-MM-DDTHH:MM:SSZ``."""

    def to_internal_value(self, value: Any) -> dt.datetime:
        if not isinstance(value, str) or not _WIRE_DATE.fullmatch(value):
            raise serializers.ValidationError("Write a moment as YYYY-MM-DDTHH:MM:SSZ.")
        try:
            at = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError("Write a moment as YYYY-MM-DDTHH:MM:SSZ.") from error
        if at < _EARLIEST:
            raise serializers.ValidationError("This is before 1900.")
        return at


class JsonObject(serializers.Field[Any, Any, Any, Any]):
    """A JSON object, as text (in form bodies always) or as itself (in JSON bodies). Its value is the object."""

    def __init__(self, *, max_length: int = MAX_ATTRIBUTES, **options: Any) -> None:
        super().__init__(**options)
        self.max_length = max_length

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            _check_tree(data)
            if len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) > self.max_length:
                raise serializers.ValidationError(f"It has more than {self.max_length} characters.")
            return data
        if not isinstance(data, str):
            raise serializers.ValidationError("This is not a JSON object.")
        if len(data) > self.max_length:
            raise serializers.ValidationError(f"It has more than {self.max_length} characters.")
        try:
            value = parsers.load(data)
        except ValueError as error:
            raise serializers.ValidationError(f"This is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise serializers.ValidationError("This is not a JSON object.")
        _check_tree(value)
        return value


class JsonObjectSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # it registers itself
    """In the OpenAPI document it is text; ``document`` adds the object itself where the body is JSON."""

    target_class = JsonObject

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.target.max_length, "x-json": True}


def _check_tree(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise serializers.ValidationError(f"It is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, str) and scrub(value) != value:
        raise serializers.ValidationError("It contains a NUL character or half a surrogate pair.")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise serializers.ValidationError("It contains a number that does not fit into 64 bits.")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_tree(name, depth)
            _check_tree(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_tree(inner, depth + 1)


@extend_schema_field({"type": "string", "format": "uri", "maxLength": 2048})
class CallbackUrl(serializers.URLField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 2048, "allow_blank": True, **options})


class Expression(serializers.CharField):
    """An expression; one that cannot be read is refused with the position and what was expected there."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": MAX_EXPRESSION, "allow_blank": True, "trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            checks.expression(text)
        except ContactCenterError as error:
            raise serializers.ValidationError(error.message) from error
        return text


class Ordering(serializers.CharField):
    """``Name:asc`` or ``Name:desc``, with commas. Its value is a paging order that ends with the id."""

    def __init__(self, **options: Any) -> None:
        self.columns: dict[str, str] = options.pop("columns")
        super().__init__(**{"max_length": 200, **options})

    def to_internal_value(self, data: Any) -> tuple[paging.Order, ...]:  # type: ignore[override]  # no text
        text: str = super().to_internal_value(data)
        found: dict[str, paging.Order] = {}
        for part in text.split(","):
            name, _, direction = part.strip().partition(":")
            column = self.columns.get(name)
            if column is None or direction.lower() not in ("", "asc", "desc") or column in found:
                known = ", ".join(self.columns)
                raise serializers.ValidationError(f"Write one of {known}, then :asc or :desc.")
            found[column] = paging.Order(column, direction.lower() == "desc")
        first = next(iter(found.values()))
        return (*found.values(), paging.Order("id", first.descending))

    def run_validators(self, value: Any) -> None:
        """The order is checked; the text's validators do not fit it."""
