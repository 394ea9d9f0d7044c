"""A workflow's own server is asked about every offer, and may accept or reject it (TaskRouter's assignment callback).

It follows from the committed event of the offer, so the router neither knows nor waits: ``fold`` leaves a ``Callback``
row, a sender claims it with a lease, asks outside any transaction and carries the answer out under the claim's number.
Killed in between, the lease runs out and the same is asked again as long as the offer is open. Whatever goes wrong,
the offer stays open for the console and the API.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Iterable

import structlog
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from contactcenter.lib import ids
from routing.models import Callback, CallbackReceiver, Reservation, Workflow
from routing.services import breaker, instructions, posting, reservations
from routing.services.breaker import Failure
from routing.services.instructions import Instruction, Wrong
from routing.statistics.counting import Counted

log = structlog.get_logger(__name__)

#: Seconds each of the two addresses has for its answer, TaskRouter's own limit.
TIMEOUT = 5.0
#: Longer than asking both may take, an answer that trickles in included.
LEASE = dt.timedelta(seconds=30)
#: Requests under way for one workflow, more or less: two senders may claim in the same moment.
AT_ONCE = 4
#: How long one job asks (s) before it makes room for others.
SHIFT = 20.0

Clock = Callable[[], dt.datetime]


@dataclasses.dataclass(frozen=True)
class Claim:
    """An offer that is ours to ask about: what comes of it is carried out under that ``epoch``."""

    offer: Reservation
    workflow: Workflow
    epoch: int


def note(events: Iterable[Counted]) -> None:
    """Leave a row for every offer among these events whose workflow has a server to ask."""
    made = {
        event.reservation_id: event.workflow_id
        for event in events
        if event.type == "reservation.created" and event.reservation_id and event.workflow_id
    }
    if not made:
        return
    asking = Workflow.objects.filter(pk__in=set(made.values())).exclude(assignment_callback_url="")
    wanted = set(asking.values_list("pk", flat=True))
    rows = [Callback(pk=offer, workflow_id=workflow) for offer, workflow in made.items() if workflow in wanted]
    if rows:
        Callback.objects.bulk_create(rows, ignore_conflicts=True)


def ring(now: dt.datetime) -> int:
    """Start senders for every workflow with offers to ask about. Returns how many were started."""
    from routing import jobs

    started = 0
    free = _free(now)
    rows = Callback.objects.order_by().values_list("workflow_id")
    for workflow_id, due, busy in rows.annotate(due=Count("pk", filter=free), busy=Count("pk", filter=~free)):
        for _sender in range(min(due, AT_ONCE - busy)):
            jobs.send_callbacks.delay(workflow=str(workflow_id))
            started += 1
    return started


def send(workflow_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Ask about this workflow's offers, for one shift at most; the next sweep starts another. Returns how many."""
    started = time.monotonic()

    def at() -> dt.datetime:
        return now + dt.timedelta(seconds=time.monotonic() - started)

    made = 0
    while time.monotonic() - started < SHIFT and (claim := _claim(workflow_id, now=at())) is not None:
        record(claim, _ask(claim, at), now=at())
        made += 1
    return made


# ---- claiming ------------------------------------------------------------------------------------------------------


def _claim(workflow_id: uuid.UUID, *, now: dt.datetime) -> Claim | None:
    """The oldest open offer nobody asks about, leased. None: there is none, or enough are under way."""
    with transaction.atomic():
        mine = Callback.objects.filter(workflow_id=workflow_id)
        workflow = Workflow.objects.filter(pk=workflow_id).exclude(assignment_callback_url="").first()
        if workflow is None:
            mine.delete()
            return None
        if mine.exclude(_free(now)).count() >= AT_ONCE:
            return None
        free = mine.filter(_free(now)).select_for_update(skip_locked=True).order_by("pk")
        while (row := free.first()) is not None:
            offers = Reservation.objects.select_related("task", "worker")
            offer = offers.filter(pk=row.pk, status=Reservation.Status.PENDING).first()
            if offer is None:  # it has ended meanwhile
                row.delete()
                continue
            row.lease_epoch += 1
            row.lease_until = now + LEASE
            row.save(update_fields=["lease_epoch", "lease_until"])
            return Claim(offer, workflow, row.lease_epoch)
    return None


def _free(now: dt.datetime) -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lte=now)


# ---- asking --------------------------------------------------------------------------------------------------------


def _ask(claim: Claim, at: Clock) -> Instruction | Wrong | None:
    """What the workflow's server says, else what its fallback says; None: the offer is answered by other means."""
    heard = _call(claim, claim.workflow.assignment_callback_url, False, at)
    if isinstance(heard, Wrong) and claim.workflow.fallback_assignment_callback_url:
        heard = _call(claim, claim.workflow.fallback_assignment_callback_url, True, at)
    return heard


def _call(claim: Claim, url: str, is_fallback: bool, at: Clock) -> Instruction | Wrong | None:
    known = CallbackReceiver.objects.filter(workflow=claim.workflow, is_fallback=is_fallback, url=url).first()
    if known is not None and not breaker.room(known, 1, at()):
        reason = _("It is left alone after %(number)s failures. Last: %(error)s")
        return Wrong(instructions.NO_ANSWER, reason % {"number": known.failures, "error": known.error})
    answer = posting.post(
        url,
        lambda account_sid: form(claim, account_sid),
        token=claim.offer.sid,
        attempt=claim.epoch,
        timeout=TIMEOUT,
        reads=True,
        now=at(),
    )
    failure = answer if isinstance(answer, Failure) else posting.refusal(answer)
    heard: Instruction | Wrong | None
    if isinstance(answer, Failure) or failure is not None:
        heard = Wrong(instructions.NO_ANSWER, failure.reason if failure else "")
    else:
        heard = instructions.read(answer)
    if isinstance(heard, Wrong):
        failure = failure or Failure(heard.reason, is_receivers=False)
        log.warning("callback.failed", reservation=claim.offer.sid, code=heard.code, is_fallback=is_fallback)
    _judge(claim.workflow, is_fallback, url, failure, at())
    return heard


def form(claim: Claim, account_sid: str) -> dict[str, str]:
    """What is asked: TaskRouter's parameters. Asked again, it is the same unless task or worker changed."""
    offer, task, worker = claim.offer, claim.offer.task, claim.offer.worker
    return {
        "Timestamp": str(int(offer.created_at.timestamp())),
        "AccountSid": account_sid,
        "WorkspaceSid": ids.to_sid("WS", task.workspace_id),
        "WorkflowSid": claim.workflow.sid,
        "TaskQueueSid": ids.to_sid("WQ", task.queue_id) if task.queue_id else "",
        "WorkerSid": worker.sid,
        "WorkerAttributes": json.dumps(worker.attributes, ensure_ascii=False),
        "TaskSid": task.sid,
        "TaskAttributes": json.dumps(task.attributes, ensure_ascii=False),
        "TaskAge": str(max(0, int((offer.created_at - task.created_at).total_seconds()))),
        "TaskPriority": str(task.priority),
        "ReservationSid": offer.sid,
    }


def _judge(workflow: Workflow, is_fallback: bool, url: str, failure: Failure | None, now: dt.datetime) -> None:
    with transaction.atomic():
        held = CallbackReceiver.objects.select_for_update().filter(workflow_id=workflow.pk, is_fallback=is_fallback)
        if not held.exists() and Workflow.objects.filter(pk=workflow.pk).exists():
            made = CallbackReceiver(workflow_id=workflow.pk, is_fallback=is_fallback, url=url)
            CallbackReceiver.objects.bulk_create([made], ignore_conflicts=True)
        receiver = held.first()
        if receiver is None:  # the workflow is gone
            return
        if receiver.url != url:
            receiver.url, receiver.failures, receiver.open_until, receiver.answered_at = url, 0, None, None
        breaker.judge(receiver, failure, now)


# ---- recording -----------------------------------------------------------------------------------------------------


def record(claim: Claim, heard: Instruction | Wrong | None, *, now: dt.datetime) -> bool:
    """Do what was said, or write down that it cannot be done. False: another sender has claimed it since."""
    with transaction.atomic():
        mine = Callback.objects.filter(pk=claim.offer.pk, lease_epoch=claim.epoch)
        if not mine.delete()[0]:
            log.warning("callback.fenced_off", reservation=claim.offer.sid)
            return False
        if isinstance(heard, Instruction):
            heard = instructions.carry_out(heard, claim.offer, now=now)
        if isinstance(heard, Wrong):
            reservations.note_failure(claim.offer.pk, code=heard.code, reason=heard.reason, now=now)
    return True
