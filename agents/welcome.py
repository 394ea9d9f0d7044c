"""Coming to the desk and leaving it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase

from agents.access import Desk
from agents.models import Disposition, User
from agents.protocol import frames
from conversations.queries import user_name
from routing.models import Worker
from routing.services import presence


def arrive(desk: Desk, socket_name: str, *, now: dt.datetime) -> frames.Welcome:
    """Tell the router that a console of this worker is connected; returns what the console is greeted with."""
    if desk.worker is not None:
        presence.connected(desk.worker, socket_name, now=now)
    return frames.Welcome(
        user=person_json(desk),
        worker_sid=desk.worker.sid if desk.worker else None,
        server_time=now.isoformat(),
        dispositions=dispositions(),
    )


def stay(worker_id: uuid.UUID, socket_name: str, *, now: dt.datetime) -> None:
    """The console is still there; should the router have given it up meanwhile, it is back."""
    if not presence.heartbeat(socket_name, now):
        presence.connected(Worker(pk=worker_id), socket_name, now=now)


def person_json(desk: Desk) -> dict[str, Any]:
    """The person themselves, as welcome and the page shell show them."""
    return {
        "sid": desk.user.sid,
        "name": user_name(desk.user),
        "username": desk.user.get_username(),
        "language": desk.user.language,
        "theme": desk.user.theme,
        "is_supervisor": desk.user.is_staff,
    }


def dispositions() -> list[dict[str, str]]:
    rows = Disposition.objects.filter(is_active=True)
    return [{"code": row.code, "label": row.label, "label_ar": row.label_ar or row.label} for row in rows]


def remember_language(response: HttpResponseBase, user: User) -> None:
    """Let the pages that follow (and the JavaScript catalog) speak the language this person chose."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        user.language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
