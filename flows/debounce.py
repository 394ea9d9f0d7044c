"""One hint instead of hundreds: a busy queue changes many times a second, and the sweep comes every second anyway."""

from __future__ import annotations

import threading
import time
import uuid

SECONDS = 1.0
_lock = threading.Lock()
_last: dict[uuid.UUID, float] = {}


def first(subject: uuid.UUID) -> bool:
    """Whether this is the first time within a second that ``subject`` is asked about (in this process)."""
    at = time.monotonic()
    with _lock:
        if at - _last.get(subject, -SECONDS) < SECONDS:
            return False
        if len(_last) > 1000:
            _last.clear()
        _last[subject] = at
        return True


def reset() -> None:
    """Forget everything (tests)."""
    with _lock:
        _last.clear()
