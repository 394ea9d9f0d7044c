"""The OpenAPI document of the wire API, and a page to read it. Both are public: they tell nothing of who runs it."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from routing.api import errors, fields

Json = dict[str, Any]

_ABOUT = (
    "Task routing in the wire form of Twilio TaskRouter, so that its client libraries work here unchanged. Bodies are "
    "forms with names in PascalCase, or JSON with the same names in snake_case; answers are JSON. Sign in with HTTP "
    "Basic: an API key's sid and its secret."
)
_SETTINGS = {
    "TITLE": "Routing",
    "DESCRIPTION": _ABOUT,
    "VERSION": "1",
    "OAS_VERSION": "3.0.3",
    "SCHEMA_PATH_PREFIX": "/taskrouter/v1",
    "DISABLE_ERRORS_AND_WARNINGS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
}
#: code -> what it means
CODES = {
    errors.NO_TARGET: "No filter of the workflow fits the task, and it has no default filter.",
    errors.TOO_OLD: "Statistics reach back 30 days.",
    errors.INVALID: "A parameter cannot be used; the message names it, and in an expression the position.",
    errors.UNREADABLE: "The body or query string cannot be read.",
    errors.AUTHENTICATE: "The key, its secret or the worker token is wrong.",
    errors.METHOD: "The resource does not know this method.",
    errors.FORBIDDEN: "The key's scopes do not allow this, or it belongs to another worker.",
    errors.NOT_FOUND: "There is no such resource.",
    errors.CONFLICT: "What the request speaks of changed at the same moment; try again.",
    errors.STALE: "The resource has changed since the version named in If-Match.",
    errors.MEDIA_TYPE: "The body is neither a form nor JSON.",
    errors.TOO_MANY: "Too many requests; Retry-After says how many seconds to wait.",
    errors.NO_CALL: "The instruction needs a phone call, and the task has none.",
    errors.ABSOLUTE_PAGING: "Page= is not supported; follow next_page_url.",
}


@functools.cache
def document() -> Json:
    """The whole document, made once."""
    from routing.api import urls  # which has our pages among its addresses

    patterns = [path("taskrouter/v1/", include(urls.resources))]
    generator: Any = SchemaGenerator(patterns=patterns)  # type: ignore[no-untyped-call]  # the library has no types
    with patched_settings(_SETTINGS):
        made: Json = generator.get_schema(request=None, public=True)
    made["components"].setdefault("securitySchemes", {})["key"] = {
        "type": "http",
        "scheme": "basic",
        "description": "User name: an API key's sid (SK...). Password: its secret.",
    }
    made["security"] = [{"key": []}]
    for methods in made["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                _finish_parameter(parameter)
    for name, shape in made["components"]["schemas"].items():
        _finish(shape, is_form=name.endswith("Form"))
    return made


#: what path parameters are called -> (prefix of their sids, what they are)
_PLACES = {
    "workspace_sid": ("WS", "The workspace."),
    "worker_sid": ("WK", "The worker."),
    "task_sid": ("WT", "The task."),
}


def _finish_parameter(parameter: Json) -> None:
    _finish(parameter["schema"], is_form=True)
    if parameter["in"] == "path" and parameter["name"] in _PLACES:
        prefix, about = _PLACES[parameter["name"]]
        parameter["description"] = about
        parameter["schema"]["pattern"] = fields.sid_pattern(prefix)


def _finish(node: Any, *, is_form: bool) -> None:
    """Take out what only the generator needs; a JSON body may hold an object where a form holds its text."""
    if isinstance(node, list):
        for one in node:
            _finish(one, is_form=is_form)
    if not isinstance(node, dict):
        return
    node.pop("x-spec-enum-id", None)
    if node.pop("x-json", False) and not is_form:
        text = {"type": node.pop("type"), "maxLength": node.pop("maxLength")}
        node["oneOf"] = [text, {"type": "object", "additionalProperties": True}]
    for one in node.values():
        _finish(one, is_form=is_form)


def openapi(request: HttpRequest) -> HttpResponse:
    """The document as JSON."""
    answer = HttpResponse(_text(), content_type="application/json")
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@functools.cache
def _text() -> str:
    return json.dumps(document(), default=str)


def page(request: HttpRequest) -> HttpResponse:
    """The document to read: every operation with its parameters, and the error codes."""
    return render(request, "routing/api.html", {"groups": _groups(), "codes": sorted(CODES.items()), "about": _ABOUT})


@functools.cache
def _groups() -> list[Json]:
    """Operations by resource, flat enough for a template."""
    groups: dict[str, list[Json]] = {}
    for address, methods in document()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
            parameters = [
                {"name": one["name"], "where": one["in"], "required": one.get("required", False)}
                | {"about": one.get("description", ""), **_shown(one["schema"])}
                for one in operation.get("parameters", [])
            ]
            form = _resolved(body.get("schema", {}))
            parameters += [
                {"name": name, "where": "body", "required": name in form.get("required", [])}
                | {"about": _resolved(shape).get("description", ""), **_shown(shape)}
                for name, shape in form.get("properties", {}).items()
            ]
            words = [part for part in address.removeprefix("/taskrouter/v1/").split("/") if not part.startswith("{")]
            groups.setdefault(words[-1] if words else "", []).append(
                {
                    "method": method.upper(),
                    "address": address,
                    "id": operation["operationId"],
                    "summary": operation.get("summary", ""),
                    "parameters": parameters,
                }
            )
    return [{"name": name, "operations": operations} for name, operations in groups.items()]


def _resolved(shape: Json) -> Json:
    if "$ref" in shape:
        found: Json = document()["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]]
        return found
    if len(shape.get("allOf", [])) == 1:
        return _resolved(shape["allOf"][0]) | {name: value for name, value in shape.items() if name != "allOf"}
    return shape


def _shown(shape: Json) -> Json:
    """A type and its bounds in a few words."""
    shape = _resolved(shape)
    parts = [shape.get("format") or shape.get("type", "")]
    if "enum" in shape:
        parts.append(" | ".join(str(one) for one in shape["enum"]))
    for name, word in (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "up to")):
        if name in shape:
            parts.append(f"{word} {shape[name]}" + (" characters" if name == "maxLength" else ""))
    if "pattern" in shape:
        parts.append(shape["pattern"])
    return {"type": ", ".join(str(part) for part in parts if part)}
