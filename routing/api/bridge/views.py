"""The event bridge's HTTP side: ``POST /taskrouter/v1/wschannels``, from any page, with a worker token in the body."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.api import base, errors
from routing.api.bridge import commands
from routing.api.parsers import load
from routing.services import tokens

_HEADERS = "apiVersion, clientVersion, Content-Type, If-Match"


class AnyBody(BaseParser):
    """JSON, whatever it is called: the SDK sends it as text."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream.read()


class AlwaysThis(base.AlwaysJson):
    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        return AnyBody()


class Bridge(APIView):
    """A command of the worker SDK. There is no cookie and no key here: the token says who it is."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (AnyBody,)
    content_negotiation_class = AlwaysThis
    renderer_classes = base.WireView.renderer_classes
    schema = None  # the SDK's own protocol, no part of the REST API

    def get_exception_handler(self) -> Any:
        return errors.handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Any page may ask: nothing but the token in the body opens anything.
        answer["Access-Control-Allow-Origin"] = "*"
        answer["Access-Control-Allow-Headers"] = _HEADERS
        answer["Access-Control-Allow-Methods"] = "POST"
        answer["Access-Control-Max-Age"] = "600"
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204)

    def post(self, request: Request) -> Response:
        try:
            body: Any = request.data
            asked = load(body.decode() if isinstance(body, bytes) else "")
        except ValueError as error:
            raise errors.ApiError(400, errors.UNREADABLE, f"The body is not JSON: {error}") from error
        if not isinstance(asked, dict):
            raise errors.ApiError(400, errors.UNREADABLE, "The body is not a JSON object.")
        try:
            payload = commands.run(
                asked.get("token"),
                asked.get("method"),
                asked.get("url"),
                asked.get("params"),
                base.expected_version(request),
            )
        except tokens.BadToken as error:
            raise errors.ApiError(401, errors.AUTHENTICATE, error.message) from error
        return Response({"payload": payload})
