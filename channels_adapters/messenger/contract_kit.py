"""What the shared contract suite needs to know about Messenger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from channels_adapters.contract_kit import ContractKit, Failure
from channels_adapters.errors import (
    ChannelMisconfigured,
    ContentRejected,
    OutcomeUnknown,
    PermanentSendError,
    RecipientGone,
    SendError,
    TransientSendError,
    WindowClosed,
)
from channels_adapters.messenger.signature import sign
from contactcenter.lib import egress

_APP_SECRET = "kit-app-secret-5b1f"  # noqa: S105 - invented
_PAGE = "209331177550012"
_PSID = "9930145577201188"


def _error(
    name: str,
    error: type[SendError],
    code: int,
    subcode: int | None = None,
    *,
    status: int = 400,
    headers: dict[str, str] | None = None,
    retry_after: float | None = None,
    **more: Any,
) -> Failure:
    """Graph's error object, as an answer."""
    body = {
        "error": {"message": f"(#{code}) {name}", "type": "OAuthException", "code": code, "fbtrace_id": "Ax1", **more}
    }
    if subcode is not None:
        body["error"]["error_subcode"] = subcode
    return Failure(name, lambda request: httpx.Response(status, json=body, headers=headers), error, retry_after)


def _answer(name: str, error: type[SendError], status: int, content: bytes, **headers: str) -> Failure:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    wait = float(headers["retry_after"]) if "retry_after" in headers else None
    return Failure(name, lambda request: httpx.Response(status, content=content, headers=named), error, wait)


def _broken(name: str, error: type[SendError], cause: type[httpx.TransportError]) -> Failure:
    def answer(request: httpx.Request) -> httpx.Response:
        raise cause(f"broken while sending {request.headers['authorization']}", request=request)

    return Failure(name, answer, error)


def _hostile() -> Iterator[tuple[str, bytes]]:
    def body(**message: Any) -> bytes:
        event = {"sender": {"id": _PSID}, "recipient": {"id": _PAGE}, "timestamp": 1793879880000, "message": message}
        return json.dumps({"object": "page", "entry": [{"id": _PAGE, "time": 0, "messaging": [event]}]}).encode()

    yield "a text of 300,000 characters", body(mid="m_huge", text="A" * 300_000)
    yield "10,000 attachments", body(mid="m_many", attachments=[{"type": "image", "payload": {"url": "x"}}] * 10_000)
    yield "a long link", body(mid="m_link", attachments=[{"type": "fallback", "payload": {"url": "http://[" * 50_000}}])
    entries = [{"id": _PAGE, "messaging": [{"message": {"mid": n}} for n in range(100)]} for _ in range(100)]
    yield "10,000 broken elements", json.dumps({"object": "page", "entry": entries}).encode()
    yield "40,000 empty entries", json.dumps({"object": "page", "entry": [{}] * 40_000}).encode()


_accepted: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(  # noqa: E731
    200, json={"recipient_id": _PSID, "message_id": "m_AcceptedByGraph"}
)
_USAGE = json.dumps({"811702366090417": [{"type": "messenger", "estimated_time_to_regain_access": 3}]})

kit = ContractKit(
    connection={
        "app_id": "811702366090417",
        "app_secret": _APP_SECRET,
        "verify_token": "kit-verify-token-77c0",
        "graph_base": "https://graph.example",
        "graph_version": "v25.0",
        "requires_proof": False,
    },
    channel={"page_access_token": "kit-page-token-EAAB90", "human_agent_allowed": True},
    channel_address=_PAGE,
    recipient=_PSID,
    sign=lambda body, connection: {"X-Hub-Signature-256": sign(connection.get("app_secret") or "", body)},
    hostile=_hostile,
    accepted=_accepted,
    failures=(
        _error("application limit", TransientSendError, 4),
        _error("user limit", TransientSendError, 17),
        _error("page limit", TransientSendError, 32),
        _error("rate limit", TransientSendError, 613),
        _error(
            "rate limit with usage",
            TransientSendError,
            613,
            headers={"X-Business-Use-Case-Usage": _USAGE},
            retry_after=180.0,
        ),
        _error("rate limit as 5xx", TransientSendError, 613, status=503),
        _error("business limit", TransientSendError, 80006),
        _error("temporary failure", TransientSendError, 1200, status=500),
        _error("unknown error", TransientSendError, 1),
        _error("service down", TransientSendError, 2),
        _error("says it is transient", TransientSendError, 9999, is_transient=True),
        _answer("429 with a wait", TransientSendError, 429, b"", retry_after="17"),
        _broken("no connection", TransientSendError, httpx.ConnectError),
        _broken("no connection in time", TransientSendError, httpx.ConnectTimeout),
        _broken("no free connection", TransientSendError, httpx.PoolTimeout),
        _error("service error as 500", OutcomeUnknown, 2, status=500),
        _error("video and text", OutcomeUnknown, 1357046),
        _answer("500 as a page", OutcomeUnknown, 500, b"<html>Oops</html>"),
        _answer("502 empty", OutcomeUnknown, 502, b""),
        _answer("200 as a page", OutcomeUnknown, 200, b"<html>Welcome</html>"),
        _answer("200 cut off", OutcomeUnknown, 200, b'{"recipient_id": "99'),
        _answer("200 without an id", OutcomeUnknown, 200, b"{}"),
        _broken("no answer in time", OutcomeUnknown, httpx.ReadTimeout),
        _broken("line cut while sending", OutcomeUnknown, httpx.WriteError),
        _broken("line cut while waiting", OutcomeUnknown, httpx.ReadError),
        _broken("half an answer", OutcomeUnknown, httpx.RemoteProtocolError),
        _error("window closed", WindowClosed, 10, 2018278),
        _error("sent outside of allowed window", WindowClosed, 10),
        _error("person unavailable", RecipientGone, 551, 1545041),
        _error("person unavailable, no subcode", RecipientGone, 551),
        _error("person blocked us", RecipientGone, 10, 2018108),
        _error("no such person", RecipientGone, 100, 2018001),
        _error("invalid parameter", ContentRejected, 100),
        _error("file too big", ContentRejected, 100, 2018109),
        _error("not what it claims", ContentRejected, 100, 2018047),
        _error("thread of another app", PermanentSendError, 10, 2018300),
        _error("never heard of", PermanentSendError, 31337),
        _error("error inside a 200", ContentRejected, 100, status=200),
        _answer("400 as a page", PermanentSendError, 400, b"<html>"),
        _error("token expired", ChannelMisconfigured, 190, 463, status=401),
        _error("app has no permission", ChannelMisconfigured, 10),
        _error("permission 200", ChannelMisconfigured, 200, status=403),
        _error("permission 299", ChannelMisconfigured, 299, status=403),
        _answer("401 empty", ChannelMisconfigured, 401, b""),
        _answer("404 as a page", ChannelMisconfigured, 404, b"<html>"),
        _answer("moved", ChannelMisconfigured, 302, b"", location="https://elsewhere.example/"),
        _broken("not a public address", ChannelMisconfigured, egress.AddressRefused),
        _broken("not an http address", ChannelMisconfigured, httpx.UnsupportedProtocol),
        _broken("illegal header", ChannelMisconfigured, httpx.LocalProtocolError),
    ),
)
