"""Workspaces, their activities and task channels: made, changed, deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing.models import (
    Activity,
    Reservation,
    Task,
    TaskChannel,
    TaskQueue,
    Worker,
    Workflow,
    Workspace,
)
from routing.services import configuration, rows, setup, webhooks

#: What a new workspace begins with: the router needs somewhere for agents to be.
_ACTIVITIES = (("Offline", False), ("Available", True), ("Unavailable", False))
_TASK_CHANNELS = ("default", "voice", "chat", "sms", "video")
MAX_ACTIVITIES = 100


def create(*, friendly_name: str, template: str = "NONE", now: dt.datetime, **values: Any) -> Workspace:
    """A workspace with activities and task channels; with the template FIFO also a queue for everybody and a workflow
    that sends every task there. ``values``: further fields. Raises ``Refused`` when the name is taken."""
    try:
        with transaction.atomic():
            made = Workspace.objects.create(friendly_name=friendly_name, created_at=now, updated_at=now, **values)
            activities = [
                Activity(workspace=made, friendly_name=name, available=available, position=position, created_at=now)
                for position, (name, available) in enumerate(_ACTIVITIES)
            ]
            Activity.objects.bulk_create(activities)
            TaskChannel.objects.bulk_create(
                TaskChannel(workspace=made, unique_name=name, friendly_name=name.title(), created_at=now)
                for name in _TASK_CHANNELS
            )
            made.default_activity = made.timeout_activity = made.offline_activity = activities[0]
            made.save()
            if template == "FIFO":
                queue = TaskQueue.objects.create(workspace=made, friendly_name="Sample Queue", created_at=now)
                document = {"task_routing": {"filters": [], "default_filter": {"queue": queue.sid}}}
                Workflow.objects.create(
                    workspace=made, friendly_name="Default Fifo Workflow", configuration=document, created_at=now
                )
            configuration.saved(made, is_new=True, now=now)
    except IntegrityError as error:
        raise rows.name_taken() from error
    return made


def delete(workspace: Workspace, *, now: dt.datetime) -> None:
    """Delete the workspace and all that is in it. Raises ``Refused`` for the installation's own, and for one in which
    somebody works on conversations. Its callback URL still gets what it has not got, the deletion included."""
    if workspace.friendly_name == setup.DEFAULT_NAME:
        raise Refused(_("The product itself needs this workspace."), code="routing.in_use")
    with transaction.atomic():
        if Task.objects.filter(workspace=workspace, status__in=Task.LIVE, conversation__isnull=False).exists():
            raise rows.in_use()
        configuration.deleted(workspace, now=now)
        webhooks.outlive(workspace, now=now)
        # In an order in which nothing that is still there points at what is gone.
        Reservation.objects.filter(task__workspace=workspace).delete()
        Task.objects.filter(workspace=workspace).delete()
        Worker.objects.filter(workspace=workspace).delete()
        Workflow.objects.filter(workspace=workspace).delete()
        TaskQueue.objects.filter(workspace=workspace).delete()
        workspace.delete()


def create_activity(workspace: Workspace, *, friendly_name: str, available: bool = False, now: dt.datetime) -> Activity:
    """Whether it is available never changes afterwards. Raises ``Refused``: name taken, or too many activities."""
    present = Activity.objects.filter(workspace=workspace)
    if present.count() >= MAX_ACTIVITIES:
        message = _("A workspace has at most %(number)s activities.") % {"number": MAX_ACTIVITIES}
        raise Refused(message, code="routing.too_many_activities")
    position = (present.aggregate(last=Max("position"))["last"] or 0) + 1
    made = Activity(
        workspace=workspace, friendly_name=friendly_name, available=available, position=position, created_at=now
    )
    return rows.save(made, now=now)


def delete_activity(activity: Activity, *, now: dt.datetime) -> None:
    """Raises ``Refused`` while workers are in it or the workspace's settings name it."""
    workspace = activity.workspace
    named = (
        *(workspace.default_activity_id, workspace.timeout_activity_id),
        *(workspace.offline_activity_id, workspace.reject_activity_id),
    )
    if activity.pk in named:
        raise rows.in_use()
    rows.delete(activity, now=now)


def create_task_channel(
    workspace: Workspace,
    *,
    friendly_name: str,
    unique_name: str,
    channel_optimized_routing: bool = False,
    now: dt.datetime,
) -> TaskChannel:
    """Every worker gets a channel for it. Raises ``Refused`` when the unique name is taken."""
    with transaction.atomic():
        made = TaskChannel(
            workspace=workspace,
            friendly_name=friendly_name,
            unique_name=unique_name,
            channel_optimized_routing=channel_optimized_routing,
            created_at=now,
        )
        rows.save(made, now=now)
        setup.ensure_all_channels(workspace)
    return made


def delete_task_channel(channel: TaskChannel, *, now: dt.datetime) -> None:
    """Raises ``Refused`` while tasks, over or not, are of this channel, and for the workspace's "default"."""
    if channel.unique_name == "default":
        raise rows.in_use()
    rows.delete(channel, now=now)
