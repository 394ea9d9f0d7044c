"""``manage.py seed_demo``: a contact center to look at, with people to sign in as. Safe to repeat."""

from __future__ import annotations

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from agents.demo import history, lines, people, rules, words
from contactcenter.lib import clock
from flows.services import demo as flows

#: (user name, password, what they do)
DEMO_LOGINS = tuple((person.username, person.password, person.about) for person in people.PEOPLE)


class Command(BaseCommand):
    help = "Make the demo's people, rules, channels and history, where they are missing. Prints the sign-ins."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--base-url", default="", help="where this server answers, for example http://127.0.0.1:8000"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        base_url = (
            options["base_url"] or os.environ.get("DEMO_BASE_URL", "") or settings.LOCAL_URL or "http://127.0.0.1:8000"
        )
        now = clock.now()
        with transaction.atomic():
            people.ensure_teams(now=now)
            rules.ensure(now=now)
            team = people.ensure(now=now)
            channels = lines.ensure(base_url.rstrip("/"), now=now)
            flows.install_demo(channels.values(), now=now)
            words.ensure(now=now)
            history.ensure(team, channels, now=now)
        return table()


def table() -> str:
    """The sign-ins, one a line, as they are printed."""
    wide = max(len(name) for name, _password, _about in DEMO_LOGINS)
    rows = [f"{name:<{wide}}  {password:<{wide + 5}}  {about}" for name, password, about in DEMO_LOGINS]
    return "\n".join(["Sign in as (name, password):", *rows])
