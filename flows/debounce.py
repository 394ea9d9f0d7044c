"""One hint instead of hundreds: a busy queue changes many times a second, and the sweep comes every second anyway."""

from __future__ import annotations

import threading
import time
import uuid

SECONDS = 1.0
#: Different subjects within a second; when more change at once, the sweep serves them all better.
SUBJECTS = 2
_lock = threading.Lock()
_last: dict[uuid.UUID, float] = {}


def first(subject: uuid.UUID) -> bool:
    """Whether this is the first time within a second that ``subject`` is asked about (in this process).

    Not when many others were within that second.
    """
    at = time.monotonic()
    with _lock:
        for other in [other for other, seen in _last.items() if at - seen >= SECONDS]:
            del _last[other]
        if subject in _last or len(_last) >= SUBJECTS:
            return False
        _last[subject] = at
        return True


def reset() -> None:
    """Forget everything (tests)."""
    with _lock:
        _last.clear()
