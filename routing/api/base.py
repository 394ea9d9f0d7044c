"""What all views of the wire API share."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils import translation
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contactcenter.lib.rows import RowType, by_sid
from contactcenter.lib.text import scrub
from conversations.models import ApiKey
from routing import actor
from routing.api import auth, errors, paging, parsers, schema
from routing.models import Workspace

Json = dict[str, Any]


class AlwaysJson(BaseContentNegotiation):
    """Answers are JSON whatever the client says it accepts."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class WireView(APIView):
    """A view under ``/taskrouter/v1/``."""

    authentication_classes = [auth.KeyAuthentication]
    permission_classes = [auth.HasScope]
    throttle_classes = [auth.PerKey]
    parser_classes = [parsers.FormParser, parsers.JsonParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJson
    schema = schema.WireSchema()

    def get_exception_handler(self) -> Callable[[Exception, Json], Response | None]:
        return errors.handle

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # Messages are for the client's developer, like the names of the parameters: one language.
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._acting = contextlib.ExitStack()
        if isinstance(request.auth, ApiKey):
            self._acting.enter_context(actor.acting(request.auth.sid))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if (acting := getattr(self, "_acting", None)) is not None:
            acting.close()
        return super().finalize_response(request, response, *args, **kwargs)

    @functools.cached_property
    def links(self) -> Links:
        return Links(self.request)

    def page(self, page: paging.Page[RowType], wire: Callable[[RowType, Links], Json]) -> Response:
        """A list's answer."""
        return Response({page.meta["key"]: [wire(row, self.links) for row in page.rows], "meta": page.meta})

    def versioned(self, row: Any, wire: Callable[[Any, Links], Json], status: int = 200) -> Response:
        """A row's answer, with the version that If-Match is about."""
        return Response(wire(row, self.links), status=status, headers={"ETag": f'"{row.version}"'})

    def workspace(self, sid: str) -> Workspace:
        """The workspace of the path. Raises 404."""
        return find(Workspace.objects.select_related("default_activity", "timeout_activity"), sid)


class Links:
    """What answers say of where they come from: the account's sid and absolute addresses."""

    def __init__(self, request: Request) -> None:
        key = request.auth
        assert isinstance(key, ApiKey)
        self.account_sid = key.account.sid
        self.root = request.build_absolute_uri("/taskrouter/v1")

    def url(self, *parts: str) -> str:
        return "/".join([self.root, *parts])


def find(rows: QuerySet[RowType], sid: str) -> RowType:
    """The row of that sid among ``rows``. Raises 404, whatever the reason it is not there."""
    row = by_sid(rows, sid)
    if row is None:
        raise errors.not_found(sid)
    return row


def named_row(rows: QuerySet[RowType], sid: str, parameter: str) -> RowType:
    """The row a parameter names. Raises 400."""
    row = by_sid(rows, sid)
    if row is None:
        raise errors.invalid(parameter, f"There is no {sid[:64]} in this workspace.")
    return row


def named(rows: QuerySet[RowType], asked: Json) -> QuerySet[RowType]:
    """Only those with the FriendlyName asked for, if it is."""
    return rows.filter(friendly_name=asked["friendly_name"]) if "friendly_name" in asked else rows


def plain(text: str) -> str:
    """Text of a path as a query may contain it: no NUL, no lone surrogates."""
    return scrub(text)


def snake(name: str) -> str:
    """``TaskQueues`` -> ``task_queues``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def date(at: dt.datetime | None) -> str | None:
    """A moment on the wire: UTC, whole seconds."""
    return None if at is None else at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expected_version(request: Request) -> int | None:
    """The version of If-Match: None when anything goes. What is no version of ours fits none."""
    text = request.META.get("HTTP_IF_MATCH", "").strip()
    if text in ("", "*"):
        return None
    text = text.removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def check_version(expected: int | None, version: int) -> None:
    """Raises 412 when the row is no longer in the version the client knows."""
    if expected is not None and expected != version:
        raise errors.ApiError(412, errors.STALE, f"The resource is in version {version} now; fetch it again.")
