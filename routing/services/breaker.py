"""A receiver that fails several times in a row is left alone for a while, then asked again, one request at a time."""

from __future__ import annotations

import dataclasses
import datetime as dt

import structlog

from routing.models.delivery import Receiving

log = structlog.get_logger(__name__)

#: Failures in a row after which a receiver is left alone, and for how long at first and at most (s).
BREAK_AFTER, BREAK_FIRST, BREAK_MOST = 5, 10.0, 300.0
#: Of a receiver that is well, that is written down so often.
NOTED_EVERY = dt.timedelta(seconds=10)


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a request counts as not arrived. ``is_receivers``: the whole receiver is ill, not this one request."""

    reason: str
    is_receivers: bool = True


def room(receiver: Receiving, at_once: int, now: dt.datetime) -> int:
    """How many requests it may have under way: ``at_once`` when it is well, one when it was not, none for now."""
    if receiver.open_until is not None and receiver.open_until > now:
        return 0
    return 1 if receiver.failures >= BREAK_AFTER else at_once


def judge(receiver: Receiving, failure: Failure | None, now: dt.datetime) -> None:
    """Write down how the (locked) receiver answered."""
    if failure is None or not failure.is_receivers:
        is_news = receiver.failures > 0 or receiver.open_until is not None
        stale = receiver.answered_at is None or now - receiver.answered_at > NOTED_EVERY
        if is_news or stale:
            receiver.failures, receiver.open_until, receiver.answered_at = 0, None, now
            receiver.error = failure.reason[:200] if failure else ""
            receiver.save()
        return
    receiver.failures += 1
    receiver.error = failure.reason[:200]
    if receiver.failures >= BREAK_AFTER:
        wait = min(BREAK_MOST, BREAK_FIRST * 2.0 ** min(receiver.failures - BREAK_AFTER, 10))
        receiver.open_until = now + dt.timedelta(seconds=wait)
        log.warning("receiver.left_alone", receiver=str(receiver), seconds=wait)
    receiver.save()
