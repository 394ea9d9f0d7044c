"""What a supervisor sees of routing: everything, or what belongs to their teams, as in the admin's lists."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from agents.models import User
from contactcenter.lib.errors import NotVisible
from contactcenter.lib.rows import by_sid
from conversations.services import visibility
from routing.models import Task, TaskQueue, Worker, Workspace
from routing.services import setup


def may_look(user: User) -> bool:
    """Whether this person may have the live view open."""
    return user.is_active and user.is_staff and user.has_perms(["routing.view_worker", "routing.view_taskqueue"])


def workspaces(user: User) -> QuerySet[Workspace]:
    """The default one, and those in which this person sees a queue or an agent; by name."""
    rows = Workspace.objects.order_by("friendly_name")
    if user.is_superuser:
        return rows
    inside = OuterRef("pk")
    sees = Exists(queues(user).filter(workspace=inside)) | Exists(workers(user).filter(workspace=inside))
    return rows.filter(Q(friendly_name=setup.DEFAULT_NAME) | sees)


def get_workspace(user: User, sid: str) -> Workspace:
    """The one asked for, the default without a sid. Raises ``NotVisible`` for none, or one not theirs to see."""
    if not sid:
        return setup.default_workspace()
    found = by_sid(workspaces(user), sid)
    if found is None:
        raise NotVisible(_("There is no such workspace, or it is not yours to see."))
    return found


def queues(user: User) -> QuerySet[TaskQueue]:
    rows = TaskQueue.objects.all()
    return rows if user.is_superuser else rows.filter(Q(team__isnull=True) | Q(team__members=user)).distinct()


def workers(user: User) -> QuerySet[Worker]:
    rows = Worker.objects.all()
    return rows if user.is_superuser else rows.filter(user__teams__members=user).distinct()


def tasks(user: User) -> QuerySet[Task]:
    rows = Task.objects.all()
    if user.is_superuser:
        return rows
    visible = visibility.visible_to(user).filter(pk=OuterRef("conversation_id"))
    return rows.filter(Q(Exists(visible)) | Q(conversation__isnull=True, queue__team__members=user)).distinct()
