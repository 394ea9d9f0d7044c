"""Who may sit at a console, and whether they still may."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from rest_framework.request import Request

from agents.models import User
from contactcenter.lib.errors import Refused
from conversations.services import visibility
from routing.models import Worker


class NotAllowed(Refused):
    """This person may not use the console (any more): deactivated, or no agent and no supervisor."""

    code = "signed_out"


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at a console: the person, and the worker they are to the router (None: a supervisor taking no tasks)."""

    user: User
    worker: Worker | None


def person(request: HttpRequest | Request) -> User:
    """The signed-in user of a request that only signed-in people get to make."""
    assert isinstance(request.user, User)
    return request.user


def find_desk(user_id: uuid.UUID) -> Desk | None:
    """The desk as the rows have it now, or None when this person may not use the console (any more)."""
    user = _people().filter(pk=user_id).first()
    return None if user is None or not _may_use_console(user) else Desk(user, getattr(user, "worker", None))


def get_desk(user_id: uuid.UUID) -> Desk:
    """As ``find_desk``; raises ``NotAllowed``."""
    desk = find_desk(user_id)
    if desk is None:
        raise NotAllowed(_("You are signed out. Sign in again."))
    return desk


def may_use_console(user: User | AnonymousUser) -> bool:
    """Active agents (people with a worker) and active supervisors."""
    return isinstance(user, User) and user.is_active and _may_use_console(user)


def standing(sessions: dict[str, uuid.UUID]) -> set[str]:
    """Which of these sessions (key -> the user it was opened for) still stand: not signed out, not expired, the
    password unchanged, the user active and allowed at a console."""
    people = {user.pk: user for user in _people().filter(pk__in=set(sessions.values())) if _may_use_console(user)}
    return {
        key
        for key, content in _contents(sessions).items()
        if (user := people.get(sessions[key])) is not None and _belongs_to(content, user)
    }


def still_visible(user_id: uuid.UUID, conversations: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of ``conversations`` this user may see now."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return set()
    return set(visibility.visible_to(user).filter(pk__in=list(conversations)).values_list("pk", flat=True))


def _people() -> Any:
    return User.objects.filter(is_active=True).select_related("worker__activity", "worker__workspace")


def _may_use_console(user: User) -> bool:
    return user.is_staff or hasattr(user, "worker")


def _contents(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is stored under session keys: one query where sessions are rows, as many as keys elsewhere."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {key: store(key).load() for key in keys}
    rows = store.get_model_class().objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    return {row.session_key: store().decode(row.session_data) for row in rows}


def _belongs_to(content: dict[str, Any], user: User) -> bool:
    given = content.get(HASH_SESSION_KEY, "")
    return content.get(SESSION_KEY) == str(user.pk) and any(
        constant_time_compare(given, known)
        for known in (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    )
