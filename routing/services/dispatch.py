"""Engine decisions -> one committed batch of rows. (Being built.)"""

from __future__ import annotations

import datetime as dt

from routing import doorbell
from routing.models import Change


def ring_if_stuck(now: dt.datetime) -> None:
    """Ring again when news has waited for two seconds."""
    if Change.objects.filter(created_at__lt=now - dt.timedelta(seconds=2)).exists():
        doorbell.ring()
