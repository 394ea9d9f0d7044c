"""Who works at the demo shop, who belongs together, and how they sign in."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from agents.models import User
from conversations.models import Team
from routing.models import Worker
from routing.services import setup

#: What supervisors may do in the admin, by app: everything but deleting; accounts they only see.
_SUPERVISORS_CHANGE = ("conversations", "routing", "flows")
_SUPERVISORS_CHANGE_MODELS = ("cannedreply", "disposition")


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody of the demo. ``departments`` empty: no agent."""

    username: str
    first_name: str
    last_name: str
    about: str
    teams: tuple[str, ...]
    languages: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    is_senior: bool = False
    is_staff: bool = False
    is_superuser: bool = False
    language: str = "en"

    @property
    def password(self) -> str:
        return f"demo-{self.username}"


TEAMS = ("Front desk", "Support", "Sales", "Billing")

PEOPLE = (
    Person("admin", "Alex", "Admin", "administrator", TEAMS, is_staff=True, is_superuser=True),
    Person("supervisor", "Sara", "Lindqvist", "supervisor of all teams", TEAMS, is_staff=True),
    Person(
        "amira",
        "Amira",
        "Nasser",
        "Arabic and English, support, VIPs",
        ("Support",),
        languages=("ar", "en"),
        departments=("support",),
        is_senior=True,
    ),
    Person("bob", "Bob", "Miller", "English, sales", ("Sales",), languages=("en",), departments=("sales",)),
    Person(
        "chen",
        "Chen",
        "Wei",
        "English and Chinese, support and billing, VIPs",
        ("Support", "Billing"),
        languages=("en", "zh"),
        departments=("support", "billing"),
        is_senior=True,
    ),
    Person(
        "dalia",
        "Dalia",
        "Haddad",
        "Arabic and English, sales and billing",
        ("Sales", "Billing"),
        languages=("ar", "en"),
        departments=("sales", "billing"),
        language="ar",
    ),
    Person(
        "elena",
        "Elena",
        "Rossi",
        "English and Italian, sales and support",
        ("Sales", "Support"),
        languages=("en", "it"),
        departments=("sales", "support"),
    ),
    Person(
        "omar",
        "Omar",
        "Saleh",
        "Arabic, support and billing",
        ("Support", "Billing"),
        languages=("ar",),
        departments=("support", "billing"),
        language="ar",
    ),
)

#: At once, by task channel: who holds three chats can still be offered a fourth.
CAPACITIES = {"chat": 4, "sms": 3, "email": 5, "voice": 1}


def ensure_teams(*, now: dt.datetime) -> dict[str, Team]:
    return {name: Team.objects.get_or_create(name=name, defaults={"created_at": now})[0] for name in TEAMS}


@transaction.atomic
def ensure(*, now: dt.datetime) -> dict[str, User]:
    """Make teams, people and workers that are missing. Returns the people by user name."""
    teams = ensure_teams(now=now)
    supervisors = _supervisors()
    people = {}
    for person in PEOPLE:
        user = User.objects.filter(username=person.username).first() or _create(person, teams, supervisors)
        people[person.username] = user
        if person.departments and not Worker.objects.filter(user=user).exists():
            setup.create_worker(
                workspace=setup.default_workspace(),
                friendly_name=user.display_name,
                user=user,
                attributes={
                    "languages": list(person.languages),
                    "departments": list(person.departments),
                    "senior": person.is_senior,
                },
                capacities=CAPACITIES,
                now=now,
            )
    return people


def _create(person: Person, teams: dict[str, Team], supervisors: Group) -> User:
    user = User(
        username=person.username,
        first_name=person.first_name,
        last_name=person.last_name,
        email=f"{person.username}@shop.example",
        language=person.language,
        is_staff=person.is_staff,
        is_superuser=person.is_superuser,
    )
    user.set_password(person.password)
    user.save()
    user.teams.set([teams[name] for name in person.teams])
    if person.is_staff:
        user.groups.add(supervisors)
    return user


def _supervisors() -> Group:
    group, is_new = Group.objects.get_or_create(name="Supervisors")
    if is_new:
        everything = Q(content_type__app_label__in=_SUPERVISORS_CHANGE)
        desk = Q(content_type__app_label="agents", content_type__model__in=_SUPERVISORS_CHANGE_MODELS)
        accounts = Q(content_type__app_label="agents", codename="view_user")
        group.permissions.set(
            Permission.objects.filter(everything | desk | accounts).exclude(codename__startswith="delete_")
        )
    return group
