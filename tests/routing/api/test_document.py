"""The OpenAPI document: complete, every field described and bounded; and the page made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from routing.api import document, urls

METHODS = {"get", "post", "delete"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document.document()["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method} {path}", operation


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document.document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def is_bounded(schema: dict[str, Any]) -> bool:
    if "oneOf" in schema:
        return any(is_bounded(one) for one in schema["oneOf"])
    match schema.get("type"):
        case "string":
            return bool({"maxLength", "enum", "pattern"} & schema.keys())
        case "integer":
            return {"minimum", "maximum"} <= schema.keys()
        case "array":
            return "maxItems" in schema and is_bounded(schema["items"])
        case "boolean":
            return True
        case _:
            return "enum" in schema


def test_every_address_is_in_the_document() -> None:
    known = {path.replace("/taskrouter/v1/", "") for path in document.document()["paths"]}
    served = {str(one.pattern).replace("<str:", "{").replace(">", "}") for one in urls.resources}

    assert known == served


def test_every_parameter_is_described_and_bounded() -> None:
    for name, operation in operations():
        for one in operation.get("parameters", []):
            assert one.get("description"), f"{name}: {one['name']}"
            assert is_bounded(one["schema"]), f"{name}: {one['name']}"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            for field, schema in resolved(content["schema"])["properties"].items():
                where = f"{name}: {field} ({kind})"
                assert resolved(schema).get("description") or schema.get("description"), where
                assert is_bounded(resolved(schema)), where


def test_every_field_of_an_answer_is_described() -> None:
    for name, schema in document.document()["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            assert inner.get("description") or resolved(inner).get("description"), f"{name}.{field}"


def test_every_operation_says_how_it_can_fail() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(set(ids)) == len(ids)
    for name, operation in operations():
        assert {"400", "401", "403", "404", "429"} <= operation["responses"].keys(), name
        assert operation["security"] == [{"key": []}], name
        assert operation["summary"], name


def test_the_document_is_published_to_everybody() -> None:
    answer = Client().get("/taskrouter/v1/openapi.json")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content) == json.loads(json.dumps(document.document(), default=str))
    assert "x-" not in {key[:2] for key in json.loads(answer.content)["components"]["schemas"]["Task"]}


@pytest.mark.parametrize("anchor", ["ListTask", "UpdateWorker", "20001", "40153", "TargetWorkersExpression"])
def test_the_page_shows_every_operation_and_code(anchor: str) -> None:
    page = Client().get("/taskrouter/v1/docs").content.decode()

    assert anchor in page
    assert page.count("<details") == sum(1 for _ in operations())
