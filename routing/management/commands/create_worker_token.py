"""``manage.py create_worker_token WORKER``: a token with which the worker SDK acts as that worker."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from conversations.models import ApiKey
from conversations.services import api_keys
from routing.models import Worker
from routing.services import tokens


class Command(BaseCommand):
    help = "Make a worker token, signed with an API key. Whoever holds it acts as that worker until it runs out."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("worker", help="the worker's sid or name")
        parser.add_argument(
            "--key", help="sid of the API key to sign with; the newest with the scope routing if not given"
        )
        parser.add_argument("--lifetime", type=int, default=3600, help="seconds, one hour if not given")
        parser.add_argument("--role", choices=["worker", "supervisor"], default="worker")

    def handle(self, *args: Any, **options: Any) -> str:
        rows = Worker.objects.select_related("workspace")
        row_id = Worker.id_from_sid(options["worker"])
        found = list(rows.filter(pk=row_id) if row_id else rows.filter(friendly_name__iexact=options["worker"]))
        if len(found) != 1:
            raise CommandError(f"There are {len(found)} workers called {options['worker']!r}. Say which by its sid.")
        try:
            return tokens.create(
                found[0], _key(options["key"]), lifetime=options["lifetime"], role=options["role"], now=clock.now()
            )
        except ContactCenterError as error:
            raise CommandError(error.message) from error


def _key(sid: str | None) -> ApiKey:
    rows = ApiKey.objects.select_related("account").filter(revoked_at__isnull=True).order_by("-id")
    if sid is not None:
        rows = rows.filter(pk=ApiKey.id_from_sid(sid) or ApiKey().pk)
    for key in rows:
        if api_keys.allows(key, "routing"):
            return key
    raise CommandError("There is no such API key. Make one:  manage.py create_api_key NAME --scope routing")
