"""Where agents are: their activity, their console sockets, and what happens when the last socket is gone."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing.models import Activity, Reservation, Task, Worker, WorkerSocket, Workspace
from routing.services import idleness, locks
from routing.services.ledger import Ledger

log = structlog.get_logger(__name__)

#: Seconds without a heartbeat after which a socket's process counts as dead.
SOCKET_TTL = 75


def connected(worker: Worker, socket_name: str, *, now: dt.datetime) -> None:
    """A console socket of the worker is open. ``socket_name`` is unique to it (its channel name)."""
    with transaction.atomic():
        locks.worker(worker.pk)
        WorkerSocket.objects.update_or_create(
            name=socket_name,
            defaults={"worker": worker, "seen_at": now},
            create_defaults={"worker": worker, "seen_at": now, "created_at": now},
        )
        Worker.objects.filter(pk=worker.pk, vanished_at__isnull=False).update(vanished_at=None)


def heartbeat(socket_name: str, now: dt.datetime) -> bool:
    """The socket still lives. False: it was given up meanwhile, call ``connected`` again."""
    return WorkerSocket.objects.filter(name=socket_name).update(seen_at=now) == 1


def disconnected(socket_name: str, now: dt.datetime) -> None:
    """A socket closed. With the last one the worker has vanished, until they come back or ``sweep`` acts."""
    socket = WorkerSocket.objects.filter(name=socket_name).first()
    if socket is None:
        return
    with transaction.atomic():
        locks.worker(socket.worker_id)
        WorkerSocket.objects.filter(name=socket_name).delete()
        if not WorkerSocket.objects.filter(worker_id=socket.worker_id).exists():
            Worker.objects.filter(pk=socket.worker_id, vanished_at__isnull=True).update(vanished_at=now)


def set_activity(
    worker: Worker, activity: Activity, *, by: object, now: dt.datetime, reject_pending: bool = False
) -> Worker:
    """The worker does something else now (``by``: the user, or None for the system).

    With ``reject_pending`` and an activity that is not available their open offers are declined, so customers need not
    wait for the timeout; without it they stay. Raises ``Refused`` for an activity of another workspace.
    """
    if activity.workspace_id != worker.workspace_id:
        raise Refused(_("This activity belongs to another workspace."), code="routing.wrong_workspace")
    with transaction.atomic():
        held = locks.worker(worker.pk)
        if held.activity_id != activity.pk:
            ledger = Ledger(now)
            move(held, activity, ledger)
            ledger.write()
    if reject_pending and not activity.available:
        decline_offers(held, now=now)
    held.refresh_from_db()
    return held


def decline_offers(worker: Worker, *, now: dt.datetime) -> None:
    """As if the worker declined all that is offered to them."""
    from routing.services import reservations

    for offer in Reservation.objects.filter(worker=worker, status=Reservation.Status.PENDING).order_by("id"):
        try:
            reservations.reject(offer, by=worker, now=now)
        except Refused:  # it ended by itself in this moment
            continue


def move(worker: Worker, activity: Activity, ledger: Ledger) -> None:
    """Change the (locked) worker's activity within the caller's transaction."""
    if activity.available and not worker.activity.available:
        idleness.begin_anew(worker, ledger)
    seconds = (ledger.now - worker.activity_since).total_seconds()
    before = ledger.stay_of(worker)
    worker.activity, worker.activity_since = activity, ledger.now
    ledger.keep(worker, "activity", "activity_since")
    ledger.about_worker("worker.activity.update", worker, **before)
    log.info("presence.moved", worker=worker.sid, activity=activity.friendly_name, seconds_before=round(seconds))


def update_attributes(worker: Worker, attributes: dict[str, object], *, now: dt.datetime) -> Worker:
    """Replace what the worker is known by (skills, languages ...). Open offers stay."""
    from contactcenter.lib.text import scrub_json

    with transaction.atomic():
        held = locks.worker(worker.pk)
        held.attributes = scrub_json(dict(attributes))
        ledger = Ledger(now)
        ledger.keep(held, "attributes")
        ledger.about_worker("worker.attributes.update", held)
        ledger.write()
    return held


def sweep(now: dt.datetime) -> None:
    """Give up dead sockets, take vanished workers offline, requeue what they leave. Cheap when nothing is due."""
    _bury_dead_sockets(now)
    for workspace in Workspace.objects.select_related("offline_activity"):
        vanished = Worker.objects.filter(workspace=workspace, vanished_at__isnull=False)
        for worker in vanished.filter(vanished_at__lte=now - dt.timedelta(seconds=workspace.vanish_after)):
            _take_offline(worker.pk, workspace, now)
        for worker in vanished.filter(vanished_at__lte=now - dt.timedelta(seconds=workspace.requeue_after)):
            _requeue_conversations(worker, now)


def _bury_dead_sockets(now: dt.datetime) -> None:
    dead_since = now - dt.timedelta(seconds=SOCKET_TTL)
    dead = WorkerSocket.objects.filter(seen_at__lt=dead_since)
    for worker_id, last_seen in dead.values_list("worker_id").annotate(last=Max("seen_at")).order_by("worker_id"):
        with transaction.atomic():
            locks.worker(worker_id)
            WorkerSocket.objects.filter(worker_id=worker_id, seen_at__lt=dead_since).delete()
            if last_seen < now - dt.timedelta(seconds=2 * SOCKET_TTL):
                last_seen = now  # nobody looked for long, or the clock was set forward: their next heartbeat will tell
            if not WorkerSocket.objects.filter(worker_id=worker_id).exists():
                Worker.objects.filter(pk=worker_id, vanished_at__isnull=True).update(vanished_at=last_seen)


def _take_offline(worker_id: uuid.UUID, workspace: Workspace, now: dt.datetime) -> None:
    from routing.services import reservations

    offline = workspace.offline_activity
    with transaction.atomic():
        worker = locks.worker(worker_id)
        if worker.vanished_at is None:
            return
        if offline is not None and worker.activity_id != offline.pk:
            ledger = Ledger(now)
            move(worker, offline, ledger)
            ledger.write()
    open_offers = Reservation.objects.filter(worker_id=worker_id, status=Reservation.Status.PENDING).order_by("id")
    for reservation_id in open_offers.values_list("pk", flat=True):
        reservations.rescind(reservation_id, reason="The agent vanished.", now=now)


def let_go(worker: Worker, *, now: dt.datetime) -> None:
    """Give all that is theirs to others: the worker is about to be deleted. Within the deletion's transaction.

    Tasks are locked first, as everywhere, so a deletion waits for whoever works on them, and never in a circle.
    """
    from routing.services import reservations, transfers

    reason = "The agent was deleted."
    open_offers = Reservation.objects.filter(worker=worker, status=Reservation.Status.PENDING).order_by("task_id")
    for reservation_id in list(open_offers.values_list("pk", flat=True)):
        reservations.rescind(reservation_id, reason=reason, now=now)
    transfers.give_up_asking(worker, now=now)
    _requeue_conversations(worker, now, reason=reason)


def _requeue_conversations(worker: Worker, now: dt.datetime, *, reason: str = "The agent vanished.") -> None:
    from routing.services import seats, tasks

    held = Task.objects.filter(
        reservations__worker=worker,
        reservations__status__in=["accepted", "wrapping"],
        status__in=["assigned", "wrapping"],
    )
    for task in held.select_related("conversation").order_by("id").distinct():
        try:
            if seats.leave_to_other(task, by=worker, now=now):
                continue
            if _is_only_notes(task):
                tasks.complete(task, by=worker, reason="", now=now)
            else:
                tasks.requeue(task, by=worker, reason=reason, now=now)
        except Refused as refusal:
            log.warning("presence.cannot_requeue", task=task.sid, code=refusal.code)


def _is_only_notes(task: Task) -> bool:
    """The talking was over before the worker vanished, and the customer has not written since."""
    if task.status != Task.Status.WRAPPING or task.wrapping_at is None or task.conversation is None:
        return False
    last = task.conversation.last_customer_at
    return last is None or last <= task.wrapping_at
