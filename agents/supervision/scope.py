"""What a supervisor sees of routing: everything, or what belongs to their teams, as in the admin's lists."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.models import User
from conversations.services import visibility
from routing.models import Task, TaskQueue, Worker


def may_look(user: User) -> bool:
    """Whether this person may have the live view open."""
    return user.is_active and user.is_staff and user.has_perms(["routing.view_worker", "routing.view_taskqueue"])


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
