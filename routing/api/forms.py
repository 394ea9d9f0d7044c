"""Parameters: from PascalCase (forms, queries) or snake_case (JSON) to checked values with snake_case names."""

from __future__ import annotations

import functools
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from routing.api import parsers

Values = dict[str, Any]
#: Serializer classes declare parameters in snake_case; this is what they are called elsewhere.
Form = type[serializers.Serializer[Any]]


def pascal(name: str) -> str:
    """``task_queue_sid`` -> ``TaskQueueSid``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


@functools.cache
def _names(form: Form) -> dict[str, str]:
    names: dict[str, str] = {str(name): str(name) for name in form().fields}
    return {**names, **{pascal(name): name for name in names}}


def body(request: Request, form: Form) -> Values:
    """The body's parameters. Only those given are there. Raises ``ValidationError`` that says their wire names."""
    data = request.data
    return values(data if isinstance(data, dict) else {}, form)


def query(request: Request, form: Form) -> Values:
    """The query string's parameters."""
    return values(query_values(request), form)


def query_values(request: Request) -> parsers.Values:
    """The query string as lists by name, read once."""
    held: parsers.Values | None = getattr(request, "_wire_query", None)
    if held is None:
        held = parsers.pairs(request.META.get("QUERY_STRING", ""))
        request._wire_query = held  # type: ignore[attr-defined]  # ours, kept with what it was read from
    return held


def values(given: parsers.Values, form: Form) -> Values:
    """Parameters, each a list of what was given, checked. Raises ``ValidationError`` that says their wire names."""
    names = _names(form)
    fields = form().fields
    data: dict[str, Any] = {}
    said: dict[str, str] = {}
    for wire, held in given.items():
        name = names.get(wire)
        if name is None or not held:
            continue
        said[name] = wire
        data[name] = held if isinstance(fields[name], serializers.ListField) else held[-1]
    serializer = form(data=data)
    if not serializer.is_valid():
        raise serializers.ValidationError(
            {said.get(name, pascal(name)): errors for name, errors in serializer.errors.items()}
        )
    return dict(serializer.validated_data)


@functools.cache
def renamed(form: Form) -> Form:
    """The same form with its wire names, for the OpenAPI document."""
    fields = {pascal(name): field for name, field in form._declared_fields.items()}
    return type(f"{form.__name__}Form", (serializers.Serializer,), fields)
