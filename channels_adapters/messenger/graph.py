"""The Graph API's side of the simulator: reading our requests, and answering them as Facebook does."""

from __future__ import annotations

import dataclasses
import email.parser
import email.policy
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_adapters.contract import WebhookRequest, WebhookResponse
from channels_adapters.simulator.base import compact_json

_PATH = re.compile(r"/v(\d{1,3})\.\d{1,2}/(.+?)/?$")
_OLDEST_VERSION = 24

#: The page's menu "the next message fails with ..."; the two last need more than an answer.
FAILURES: Mapping[str, Any] = {
    "window_closed": _("the 24 hours are over (10/2018278)"),
    "person_gone": _("the person is not available (551/1545041)"),
    "rejected": _("the content is refused (100)"),
    "token_expired": _("the page's token has expired (190)"),
    "rate_limit": _("too many messages (613)"),
    "throttled": _("too many requests, wait 5 seconds (429)"),
    "temporary": _("temporary failure (1200)"),
    "server_error": _("an error of the server (500), not sent"),
    "bad_gateway": _("a proxy's error page (502), not sent"),
    "echo_first": _("no failure, but its echo comes before the answer"),
    "lost_answer": _("it is sent, but the answer gets lost"),
    "hang": _("no answer at all, not sent"),
}

#: code -> (HTTP status, code, subcode, message)
_ERRORS: Mapping[str, tuple[int, int, int | None, str]] = {
    "window_closed": (400, 10, 2018278, "(#10) This message is sent outside of allowed window."),
    "person_gone": (400, 551, 1545041, "(#551) This person isn't available right now."),
    "rejected": (400, 100, None, "(#100) Invalid parameter"),
    "token_expired": (401, 190, 463, "Error validating access token: Session has expired"),
    "rate_limit": (400, 613, None, "(#613) Calls to this api have exceeded the rate limit."),
    "temporary": (500, 1200, None, "(#1200) Temporary send message failure. Please try again later."),
    "server_error": (500, 2, None, "An unexpected error has occurred. Please retry your request later."),
}


class GraphError(Exception):
    """Graph refuses a request."""

    def __init__(self, message: str, code: int = 100, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.answer = error_answer(status, code, subcode, message)


def error_answer(status: int, code: int, subcode: int | None, message: str) -> WebhookResponse:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    error["fbtrace_id"] = secrets.token_urlsafe(8)
    return ok({"error": error}, status)


def failure_answer(failure: str) -> WebhookResponse:
    """The answer of an armed failure that only needs an answer."""
    if failure == "throttled":
        answer = error_answer(429, 613, None, "(#613) Calls to this api have exceeded the rate limit.")
        return dataclasses.replace(answer, headers={"Retry-After": "5"})
    if failure == "bad_gateway":
        return WebhookResponse(502, b"<html><body>Bad gateway</body></html>", "text/html")
    return error_answer(*_ERRORS[failure])


def ok(answer: Any, status: int = 200) -> WebhookResponse:
    return WebhookResponse(status, compact_json(answer), "application/json")


@dataclasses.dataclass(frozen=True)
class Upload:
    name: str
    content_type: str
    content: bytes


@dataclasses.dataclass(frozen=True)
class GraphRequest:
    """One request of ours, read: ``node`` is the id in the path, ``edge`` what follows it ("" = the node itself)."""

    method: str
    node: str
    edge: str
    token: str
    proof: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    upload: Upload | None

    @classmethod
    def of(cls, request: WebhookRequest) -> GraphRequest:
        """Raises ``GraphError``."""
        path = _PATH.search(request.path)
        if path is None:
            raise GraphError("Unknown path components", code=2500, status=404)
        if int(path[1]) < _OLDEST_VERSION:
            raise GraphError("You are calling a deprecated version of the Graph API", code=2635)
        node, _slash, edge = path[2].partition("/")
        body, upload = _body(request)
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        return cls(
            method=request.method,
            node=node,
            edge=edge,
            token=token if scheme == "Bearer" else request.query.get("access_token", ""),
            proof=request.query.get("appsecret_proof", ""),
            query=request.query,
            body=body,
            upload=upload,
        )


def _body(request: WebhookRequest) -> tuple[dict[str, Any], Upload | None]:
    kind = request.headers.get("content-type", "")
    if not request.body:
        return {}, None
    if kind.startswith("multipart/form-data"):
        return _form(kind, request.body)
    try:
        value = json.loads(request.body)
    except ValueError:
        raise GraphError("Invalid JSON") from None
    if not isinstance(value, dict):
        raise GraphError("Invalid JSON")
    return value, None


def _form(kind: str, body: bytes) -> tuple[dict[str, Any], Upload | None]:
    """A multipart form: its JSON fields and the part ``filedata``."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields: dict[str, Any] = {}
    upload = None
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if name == "filedata":
            upload = Upload(part.get_filename() or "file", part.get_content_type(), content)
            continue
        text = content.decode("utf-8", "replace")
        try:
            fields[str(name)] = json.loads(text) if text[:1] in "{[" else text
        except ValueError:
            raise GraphError(f"Param {name} is not JSON") from None
    return fields, upload
