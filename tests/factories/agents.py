"""Factories of the desk: people who sign in, and what belongs to them."""

from __future__ import annotations

import itertools
from typing import Any

from agents.models import CannedReply, Disposition, User
from conversations.models import Conversation, Participant, Team
from routing.models import Worker
from tests.factories import routing

PASSWORD = "correct horse"
_numbers = itertools.count(1)


def user(*, username: str = "", name: str = "", teams: list[Team] | None = None, **fields: Any) -> User:
    """Somebody who can sign in with ``PASSWORD``, neither agent nor supervisor unless ``is_staff`` says so."""
    username = username or f"person{next(_numbers)}"
    first, _, last = (name or username.title()).partition(" ")
    made = User(username=username, first_name=first, last_name=last, **fields)
    made.set_password(PASSWORD)
    made.save()
    if teams:
        made.teams.set(teams)
    return made


def agent(
    *, name: str = "", teams: list[Team] | None = None, worker: dict[str, Any] | None = None, **fields: Any
) -> User:
    """Somebody with a worker (``worker``: what ``routing.worker`` takes)."""
    made = user(name=name, teams=teams, **fields)
    routing.worker(name=made.get_full_name() + f" {next(_numbers)}", user=made, **(worker or {}))
    return made


def worker_of(person: User) -> Worker:
    return Worker.objects.get(user=person)


def supervisor(**fields: Any) -> User:
    return user(is_staff=True, **fields)


def team(name: str = "", members: list[User] | None = None) -> Team:
    made = Team.objects.create(name=name or f"Team {next(_numbers)}")
    if members:
        made.members.set(members)
    return made


def seat(conversation: Conversation, person: User, role: str = "owner") -> Participant:
    """Put somebody on a conversation without the services' ceremony."""
    return Participant.objects.create(conversation=conversation, user=person, role=role)


def canned_reply(*, shortcut: str = "", text: str = "Hello {{contact.name}}", team: Team | None = None) -> CannedReply:
    shortcut = shortcut or f"reply{next(_numbers)}"
    return CannedReply.objects.create(shortcut=shortcut, title=shortcut.title(), text=text, team=team)


def disposition(code: str = "resolved", label: str = "Resolved", **fields: Any) -> Disposition:
    return Disposition.objects.create(code=code, label=label, **fields)
