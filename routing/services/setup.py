"""What every installation starts with, and what a new worker needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing.models import Activity, TaskChannel, TaskQueue, Worker, WorkerChannel, Workflow, Workspace
from routing.services import configuration
from routing.services.ledger import Ledger

DEFAULT_NAME = "Default"
_ACTIVITIES = (("Available", True), ("Unavailable", False), ("Break", False), ("Offline", False))
#: unique name, name, weight in the worker's total, how many at once by default
_TASK_CHANNELS = (
    ("default", "Default", 1, 1),
    ("chat", "Chat", 10, 3),
    ("sms", "SMS", 10, 3),
    ("email", "Email", 10, 3),
    ("voice", "Voice", 30, 1),
)


def default_workspace() -> Workspace:
    """The installation's workspace. Raises ``Workspace.DoesNotExist`` before ``ensure_default_workspace``."""
    return Workspace.objects.get(friendly_name=DEFAULT_NAME)


@transaction.atomic
def ensure_default_workspace(now: dt.datetime) -> Workspace:
    """Make whatever of the default workspace is missing; what people changed stays. Safe to repeat.

    Activities Available, Unavailable, Break, Offline; task channels default, chat, sms, email, voice; one queue
    "Everyone" and one workflow "Default" that sends every task there.
    """
    workspace, is_new = Workspace.objects.get_or_create(friendly_name=DEFAULT_NAME, defaults={"created_at": now})
    for position, (name, available) in enumerate(_ACTIVITIES):
        Activity.objects.get_or_create(
            workspace=workspace,
            friendly_name=name,
            defaults={"available": available, "position": position, "created_at": now},
        )
    for unique_name, name, weight, capacity in _TASK_CHANNELS:
        TaskChannel.objects.get_or_create(
            workspace=workspace,
            unique_name=unique_name,
            defaults={"friendly_name": name, "weight": weight, "default_capacity": capacity, "created_at": now},
        )
    queue, _is_new = TaskQueue.objects.get_or_create(
        workspace=workspace, friendly_name="Everyone", defaults={"created_at": now}
    )
    Workflow.objects.get_or_create(
        workspace=workspace,
        friendly_name=DEFAULT_NAME,
        defaults={
            "configuration": {"task_routing": {"filters": [], "default_filter": {"queue": queue.sid}}},
            "created_at": now,
        },
    )
    offline = Activity.objects.get(workspace=workspace, friendly_name="Offline")
    if workspace.default_activity_id is None or workspace.offline_activity_id is None:
        workspace.default_activity = workspace.default_activity or offline
        workspace.offline_activity = workspace.offline_activity or offline
        workspace.save(update_fields=["default_activity", "offline_activity"])
    if is_new:
        configuration.saved(workspace, is_new=True, now=now)
    return workspace


@transaction.atomic
def create_worker(
    *,
    workspace: Workspace,
    friendly_name: str,
    user: Any = None,
    attributes: dict[str, Any] | None = None,
    capacities: dict[str, int] | None = None,
    capacity: int = 100,
    activity: Activity | None = None,
    now: dt.datetime,
) -> Worker:
    """A new agent with a channel for every task channel. ``capacities``: unique name -> how many at once.

    ``capacity`` is the total over all channels in weight units (chat 10, voice 30 by default). Starts in the
    workspace's default activity unless ``activity`` is given.
    """
    worker = Worker.objects.create(
        workspace=workspace,
        friendly_name=friendly_name,
        user=user,
        attributes=attributes or {},
        capacity=capacity,
        ceiling=capacity,
        activity=activity or _default_activity(workspace),
        activity_since=now,
        idle_since=now,
        created_at=now,
    )
    ensure_channels(workspace, capacities={worker: capacities or {}})
    ledger = Ledger(now)
    ledger.about_worker("worker.created", worker)
    ledger.write()
    return worker


def _default_activity(workspace: Workspace) -> Activity:
    if workspace.default_activity is None:
        raise Refused(_("The workspace has no default activity."), code="routing.no_default_activity")
    return workspace.default_activity


def ensure_channels(workspace: Workspace, *, capacities: dict[Worker, dict[str, int]]) -> None:
    """Give these workers the channels they lack, with the capacities named or the task channels' default."""
    kinds = list(TaskChannel.objects.filter(workspace=workspace))
    have = set(WorkerChannel.objects.filter(worker__in=capacities).values_list("worker_id", "task_channel_id"))
    WorkerChannel.objects.bulk_create(
        [
            WorkerChannel(
                worker=worker,
                task_channel=kind,
                capacity=wanted.get(kind.unique_name, kind.default_capacity),
                ceiling=wanted.get(kind.unique_name, kind.default_capacity),
            )
            for worker, wanted in capacities.items()
            for kind in kinds
            if (worker.pk, kind.pk) not in have
        ],
        ignore_conflicts=True,
    )


def ensure_all_channels(workspace: Workspace) -> None:
    """Give every worker the channels they lack (a task channel was added, or a worker made elsewhere)."""
    kinds = TaskChannel.objects.filter(workspace=workspace).count()
    lacking = Worker.objects.filter(workspace=workspace).annotate(have=Count("channels")).filter(have__lt=kinds)
    ensure_channels(workspace, capacities={worker: {} for worker in lacking})
