"""A signed form to an address somebody entered: how events and assignment callbacks leave the house."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from urllib.parse import urlencode

import httpx
from django.utils.translation import gettext as _

from contactcenter.lib import crypto, egress
from conversations.models import ApiKey
from routing.services import signing
from routing.services.breaker import Failure

#: Largest answer in bytes.
MAX_BYTES = 65_536


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back. ``body`` is empty unless it was asked for."""

    status: int
    content_type: str = ""
    body: bytes = b""


def post(
    url: str,
    form: Callable[[str], dict[str, str]],
    *,
    token: str,
    attempt: int,
    timeout: float,
    reads: bool = False,
    now: dt.datetime,
) -> Answer | Failure:
    """POST what ``form`` makes of the account's sid; ``token`` is the same whenever the same is sent again.

    The answer, whatever its status (its body with ``reads``), or why there is none within ``timeout`` seconds.
    """
    try:
        key = signing.key()
        if key is None:
            return Failure(_("There is no API key for routing to sign with. Make one."))
        request = _request(url, form(key.account.sid), key, token, attempt, timeout, now)
        response = egress.client().send(request, stream=True)
        try:
            body = response.read() if reads else b""
            return Answer(response.status_code, response.headers.get("content-type", ""), body)
        finally:
            response.close()
    except crypto.CannotUnseal as error:
        return Failure(error.message)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Failure(f"{type(error).__name__}: {error}"[:200])


def refusal(answer: Answer) -> Failure | None:
    """None for a 2xx. 5xx and 429 are the receiver's own trouble, anything else is about this request."""
    status = answer.status
    if 200 <= status < 300:
        return None
    return Failure(_("It answered %(status)s.") % {"status": status}, is_receivers=status >= 500 or status == 429)


def _request(
    url: str, form: dict[str, str], key: ApiKey, token: str, attempt: int, timeout: float, now: dt.datetime
) -> httpx.Request:
    secret = key.secret()
    body = urlencode(form).encode()
    target = httpx.URL(url)
    if not target.path:
        target = target.copy_with(path="/")
    return egress.client().build_request(
        "POST",
        target,
        content=body,
        headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signing.twilio(secret, str(target), form),
            "I-Twilio-Idempotency-Token": token,
            "X-ContactCenter-Signature": signing.timed(secret, body, int(now.timestamp())),
            "X-ContactCenter-Key": key.sid,
            "X-ContactCenter-Attempt": str(attempt),
        },
        timeout=httpx.Timeout(timeout, connect=5.0, pool=5.0),
        extensions={"max_bytes": MAX_BYTES, "total_timeout": timeout},
    )
