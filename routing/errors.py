"""The ways routing says no."""

from __future__ import annotations

from django.utils.translation import gettext

from contactcenter.lib import remark
from contactcenter.lib.errors import Refused


def worded(text: str) -> str:
    """What the engine, which knows no languages, has to say (``remark.Remark``), in the reader's."""
    return remark.worded(text, gettext)


class NoTargetMatches(Refused):
    """No filter of the workflow fits the task and there is no default filter (TaskRouter's 14222)."""

    code = "routing.no_target_matches"


class ReservationOver(Refused):
    """The offer is no longer open: somebody else took it, it ran out, or the customer left."""

    code = "routing.reservation_over"


class NotYours(Refused):
    """The reservation or task belongs to another worker."""

    code = "routing.not_yours"


class WrongState(Refused):
    """The task is not in a state in which this can be done."""

    code = "routing.wrong_state"


class Stale(Refused):
    """The row has changed since the version the caller knows."""

    code = "routing.stale"
