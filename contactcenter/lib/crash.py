"""Numbered crash points, for tests that kill a process at every step of a message's way.

``CRASH_AT=inbound.committed`` (or ``CRASH_AT=inbound.committed:3`` for the third time it is reached)
ends the process at once, as kill -9 would: no cleanup, no flush. Unset, a point costs one global lookup.
"""

from __future__ import annotations

import os

POINTS: tuple[str, ...] = (
    "inbound.before_commit",
    "inbound.committed",
    "lane.claimed",
    "message.stored",
    "flow.advanced",
    "task.created",
    "router.decided",
    "router.committed",
    "lane.done",
    "accept.committed",
    "send.committed",
    "delivery.claimed",
    "delivery.sent",
    "delivery.recorded",
)

_name, _, _count = os.environ.get("CRASH_AT", "").partition(":")
_left = int(_count or 1)


def point(name: str) -> None:
    """Die here when the environment asks for it."""
    if not _name:
        return
    global _left
    if name == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), 9)
