"""Who sees what. One queryset serves pages, API, sockets, search and attachments alike."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from contactcenter.lib.errors import NotVisible
from contactcenter.lib.rows import by_sid
from conversations.models import Conversation, Participant, Team


def visible_to(user: Any) -> QuerySet[Conversation]:
    """The conversations ``user`` may see.

    Superusers see all. Everyone else (supervisors too): those they are or were on, and those of the channel's or the
    queue's team they are a member of. Nobody signed in, or an inactive account: none.
    """
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return Conversation.objects.none()
    if user.is_superuser:
        return Conversation.objects.all()
    teams = Team.members.through.objects.filter(user_id=user.pk).values("team_id")
    took_part = Participant.objects.filter(conversation=OuterRef("pk"), user_id=user.pk)
    return Conversation.objects.filter(Q(channel__team_id__in=teams) | Q(queue_team_id__in=teams) | Exists(took_part))


def get(user: Any, sid: object) -> Conversation:
    """The conversation behind a public id. Raises ``NotVisible`` when it does not exist or may not be seen."""
    found = by_sid(visible_to(user), sid)
    if found is None:
        raise NotVisible(_("There is no such conversation, or it is not yours to see."))
    return found
