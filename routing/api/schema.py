"""The OpenAPI document: what the views declare with ``operation`` becomes the published description."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from routing.api import fields, forms, paging

Function = TypeVar("Function", bound=Callable[..., Any])

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_MEANS = {
    400: "A parameter cannot be used (code 20001; 40153 for absolute paging; 14222 when no filter fits).",
    401: "The key or its secret is wrong (code 20003).",
    403: "The key's scopes do not allow this (code 20008).",
    404: "There is no such resource (code 20404).",
    409: "It is still in use.",
    412: "The resource has changed since the version in If-Match (code 20412).",
    413: "The body is too large.",
    415: "The body is neither a form nor JSON (code 20415).",
    429: "Too many requests (code 20429); see Retry-After.",
}


class ErrorOut(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.IntegerField(min_value=10000, max_value=99999, help_text="What went wrong, as a number.")
    message = serializers.CharField(help_text="What went wrong, in words for a developer.")
    more_info = serializers.CharField(help_text="Where the code is explained.")
    status = serializers.IntegerField(min_value=400, max_value=599, help_text="The HTTP status.")

    class Meta:
        ref_name = "Error"


class MetaOut(serializers.Serializer[Any]):
    """Where a page lies in its list."""

    key = serializers.CharField(help_text="The property that holds the rows.")
    page = serializers.IntegerField(min_value=0, help_text="How many pages came before.")
    page_size = serializers.IntegerField(min_value=1, max_value=paging.MAX_SIZE, help_text="Rows per page at most.")
    first_page_url = serializers.CharField(help_text="The first page.")
    previous_page_url = serializers.CharField(allow_null=True, help_text="The page before, if there is one.")
    url = serializers.CharField(help_text="This page.")
    next_page_url = serializers.CharField(allow_null=True, help_text="The page after; null ends the list.")

    class Meta:
        ref_name = "Meta"


class WireSchema(AutoSchema):
    """Operation ids and tags come from ``operation``; security is the API key."""

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"key": []}]


@functools.cache
def page_of(row: type[serializers.Serializer[Any]], key: str) -> type[serializers.Serializer[Any]]:
    """The shape of a list's page."""
    name = getattr(getattr(row, "Meta", None), "ref_name", row.__name__) + "Page"
    parts = {
        key: serializers.ListField(child=row(), max_length=paging.MAX_SIZE, help_text="The rows."),
        "meta": MetaOut(help_text="Where this page lies."),
        "Meta": type("Meta", (), {"ref_name": name}),
    }
    return type(name, (serializers.Serializer,), parts)


def operation(
    name: str,
    summary: str,
    *,
    answer: type[serializers.Serializer[Any]] | None,
    status: int = 200,
    listed: str = "",
    body: forms.Form | None = None,
    query: forms.Form | None = None,
    path: Sequence[tuple[str, str, str]] = (),
    if_match: bool = False,
) -> Callable[[Function], Function]:
    """Describe a view's method. ``listed``: the answer is a page, its rows under this key. ``path``: (name in the
    path, sid prefix, meaning) besides the well-known ones."""
    codes = [400, 401, 403, 404, 429, *([412] if if_match else []), *([413, 415] if body else [])]
    responses: dict[int, Any] = {code: OpenApiResponse(ErrorOut, _MEANS[code]) for code in codes}
    if answer is None:
        responses[status] = OpenApiResponse(None, "Done.")
    else:
        responses[status] = OpenApiResponse(page_of(answer, listed) if listed else answer, summary)
    parameters: list[Any] = [
        OpenApiParameter(found, OpenApiTypes.STR, "path", description=meaning, pattern=fields.sid_pattern(prefix))
        for found, prefix, meaning in path
    ]
    if listed:
        parameters.append(forms.renamed(paging.Paging))
    if query is not None:
        parameters.append(forms.renamed(query))
    if if_match:
        about = "The version (ETag) the change is meant for; 412 when it is another by now. Without it the last wins."
        parameters.append(
            OpenApiParameter("If-Match", OpenApiTypes.STR, "header", description=about, pattern="^[ -~]{0,20}$")
        )
    request: Any = None
    if body is not None:
        request = {FORM: forms.renamed(body), JSON: body}
    return extend_schema(
        operation_id=name,
        summary=summary,
        description=summary,
        parameters=parameters,
        request=request,
        responses=responses,
    )
