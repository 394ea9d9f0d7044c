"""What a workflow's server may answer to an offer, read and carried out. Codes are TaskRouter's."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import structlog

from contactcenter.lib import ids
from contactcenter.lib.errors import Refused
from routing import actor
from routing.models import Activity, Reservation, Worker
from routing.services import reservations
from routing.services.posting import Answer

log = structlog.get_logger(__name__)

#: No answer, or none that says yes.
NO_ANSWER = 11200
NOT_DECLARED, NOT_JSON, NO_INSTRUCTION = 40000, 40001, 40005
BAD_ACTIVITY, NO_CALL, UNKNOWN = 40100, 40140, 55555
#: Of these every one needs a telephone call.
_OF_CALLS = ("dequeue", "call", "conference", "redirect", "supervise")


@dataclasses.dataclass(frozen=True)
class Wrong:
    """An answer that cannot be followed, or none at all."""

    code: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Instruction:
    """What to do with the offer. ``activity_sid``: where the worker goes whose offer is rejected."""

    name: str
    activity_sid: str = ""


def read(answer: Answer) -> Instruction | Wrong | None:
    """The instruction of a 2xx answer; None when it is empty: the offer is answered by other means."""
    if not answer.body.strip():
        return None
    if answer.content_type.partition(";")[0].strip().lower() != "application/json":
        return Wrong(NOT_DECLARED, "The answer's Content-Type is not application/json.")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return Wrong(NOT_JSON, "The answer is not JSON.")
    name = found.get("instruction") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        return Wrong(NO_INSTRUCTION, "The answer has no instruction.")
    activity_sid = found.get("activity_sid")
    return Instruction(name[:64], activity_sid if isinstance(activity_sid, str) else "")


def carry_out(instruction: Instruction, offer: Reservation, *, now: dt.datetime) -> Wrong | None:
    """Accept or reject the offer as its worker would, on behalf of the workspace; why not, if it cannot be done.

    An offer that has ended meanwhile is left as it is.
    """
    worker = Worker(pk=offer.worker_id)
    activity = None
    if instruction.name in _OF_CALLS:
        return Wrong(NO_CALL, f"{instruction.name} needs a phone call, and the task has none.")
    if instruction.name not in ("accept", "reject"):
        return Wrong(UNKNOWN, f"There is no instruction {instruction.name}.")
    if instruction.name == "reject" and instruction.activity_sid:
        activity = Activity.find_by_sid(instruction.activity_sid)
        if activity is None or activity.workspace_id != offer.task.workspace_id:
            return Wrong(BAD_ACTIVITY, "The workspace has no activity of this activity_sid.")
    try:
        with actor.acting(ids.to_sid("WS", offer.task.workspace_id)):
            if instruction.name == "accept":
                reservations.accept(offer, by=worker, now=now)
            else:
                reservations.reject(offer, by=worker, activity=activity, now=now)
    except Refused as refusal:
        log.info("callback.refused", reservation=offer.sid, code=refusal.code)
    return None
