"""Graph's errors -> ours, by (code, subcode): most come as HTTP 400, so the status says little.

https://developers.facebook.com/docs/messenger-platform/error-codes
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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
from contactcenter.lib import egress
from contactcenter.lib.text import scrub_name

_BUSY = gettext_noop("Facebook is busy and asked us to slow down. It will be tried again.")
_TROUBLE = gettext_noop("Facebook could not send it just now. It will be tried again.")
_UNKNOWN = gettext_noop("Facebook's answer got lost, so it may have been sent. Look before you send it again.")
_CLOSED = gettext_noop("The 24 hours for an answer are over. Wait until the customer writes again.")
_GONE = gettext_noop("This person cannot be reached on Messenger: they blocked the page or left.")
_REJECTED = gettext_noop("Facebook refuses this message. Change it and send it again.")
_TOO_BIG = gettext_noop("Facebook refuses the file: too big, or not of the type it claims. Send another one.")
_TOKEN = gettext_noop("Facebook no longer accepts the page's access token. An administrator must enter a new one.")
_PERMISSION = gettext_noop("The app lacks a permission for this page. An administrator must grant it at Facebook.")
_OTHER_OWNER = gettext_noop("Another app handles this conversation now. Take it over there, then send it again.")
_TAG_REFUSED = gettext_noop("The 24 hours for an answer are over, and Facebook refuses the human agent tag here.")

#: (code, subcode) first, then (code, None). What is in neither is permanent: nothing is resent on a guess.
_TABLE: dict[tuple[int, int | None], tuple[type[SendError], str]] = {
    **dict.fromkeys([(code, None) for code in (4, 17, 32, 613, 80006)], (TransientSendError, _BUSY)),
    **dict.fromkeys([(code, None) for code in (1, 2, 1200)], (TransientSendError, _TROUBLE)),
    (10, 2018278): (WindowClosed, _CLOSED),
    (10, 2018108): (RecipientGone, _GONE),
    (10, 2018300): (PermanentSendError, _OTHER_OWNER),
    (10, None): (ChannelMisconfigured, _PERMISSION),
    **dict.fromkeys([(code, None) for code in range(200, 300)], (ChannelMisconfigured, _PERMISSION)),
    **dict.fromkeys([(code, None) for code in (102, 190)], (ChannelMisconfigured, _TOKEN)),
    (551, None): (RecipientGone, _GONE),
    (100, 2018001): (RecipientGone, _GONE),
    (100, 2018109): (ContentRejected, _TOO_BIG),
    (100, 2018047): (ContentRejected, _TOO_BIG),
    (100, None): (ContentRejected, _REJECTED),
    # "Text and video together": may have been delivered although an error was returned.
    (1357046, None): (OutcomeUnknown, _UNKNOWN),
}
#: Never carried out, whatever the HTTP status.
_SURELY_NOT_SENT = {4, 17, 32, 613, 80006, 1200}
_LONGEST_WAIT = 3600.0


@dataclasses.dataclass(frozen=True)
class GraphError:
    """The ``error`` object of an answer."""

    code: int
    subcode: int | None
    message: str
    is_transient: bool

    @classmethod
    def of(cls, answer: Any) -> GraphError | None:
        """The error in a decoded answer, or None. An answer may be anything."""
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            return None
        code, subcode = error.get("code"), error.get("error_subcode")
        return cls(
            code=code if isinstance(code, int) else 0,
            subcode=subcode if isinstance(subcode, int) else None,
            message=scrub_name(error["message"], 300) if isinstance(error.get("message"), str) else "",
            is_transient=error.get("is_transient") is True,
        )


def from_answer(
    response: httpx.Response, answer: Any, *, now: dt.datetime, secrets: Sequence[str], is_tagged: bool = False
) -> SendError:
    """The error an answer stands for. ``secrets`` are blotted out of Facebook's words before an agent sees them."""
    error = GraphError.of(answer)
    if error is None:
        return _without_words(response, now)
    found, told = _TABLE.get((error.code, error.subcode)) or _TABLE.get((error.code, None)) or (None, _REJECTED)
    if error.code == 10 and error.subcode is None and "outside of allowed window" in error.message:
        found, told = WindowClosed, _CLOSED
    if error.code == 100 and error.subcode is None and is_tagged:
        found, told = WindowClosed, _TAG_REFUSED
    if response.status_code >= 500 and error.code not in _SURELY_NOT_SENT:
        return OutcomeUnknown(_(_UNKNOWN))
    if response.status_code == 429 or found is TransientSendError or error.is_transient:
        told = told if found is TransientSendError else _BUSY
        return TransientSendError(_(told), retry_after=retry_after(response.headers, now))
    kind = found or PermanentSendError
    # An expired token is sometimes quoted in the message about it: nothing of Facebook's words then.
    words = "" if kind is ChannelMisconfigured else _blotted(error.message, secrets)
    return kind(f"{_(told)} ({words})" if words else _(told))


def _without_words(response: httpx.Response, now: dt.datetime) -> SendError:
    """No error object: a proxy's page, half an answer, or a server on fire."""
    status = response.status_code
    if status == 429:
        return TransientSendError(_(_BUSY), retry_after=retry_after(response.headers, now))
    if status >= 500 or status < 300:
        return OutcomeUnknown(_(_UNKNOWN))
    if status in {401, 403}:
        return ChannelMisconfigured(_(_TOKEN))
    if status < 400 or status == 404:
        return ChannelMisconfigured(_("Nothing at the Graph API address answers. An administrator must check it."))
    return PermanentSendError(_(_REJECTED))


def from_line(error: httpx.HTTPError) -> SendError:
    """The error a broken line stands for: before the request went out it is safe to try again, after it is not."""
    if isinstance(error, egress.AddressRefused):
        return ChannelMisconfigured(_("The Graph API address is not a public https address. Check the settings."))
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return TransientSendError(_("Facebook could not be reached. It will be tried again."))
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)):
        return ChannelMisconfigured(_("The Graph API address or the token is no valid one. Check the settings."))
    return OutcomeUnknown(_(_UNKNOWN))


def retry_after(headers: Mapping[str, str], now: dt.datetime) -> float | None:
    """Seconds to wait: ``Retry-After`` (seconds or a date), else what the usage headers estimate, else None."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit() and len(value) < 8:
        return min(float(value), _LONGEST_WAIT)
    try:
        wait = (email.utils.parsedate_to_datetime(value) - now).total_seconds()
        return min(max(wait, 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return _from_usage(headers.get("x-business-use-case-usage", ""))


def _from_usage(header: str) -> float | None:
    """``{"<id>": [{"type": "messenger", "estimated_time_to_regain_access": <minutes>}]}`` -> seconds."""
    try:
        usage = json.loads(header)
        minutes = [
            item["estimated_time_to_regain_access"]
            for items in usage.values()
            for item in items
            if isinstance(item["estimated_time_to_regain_access"], (int, float))
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    longest = max(minutes, default=0)
    return min(longest * 60.0, _LONGEST_WAIT) if longest > 0 else None


def _blotted(words: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        words = words.replace(secret, "…") if secret else words
    return words
