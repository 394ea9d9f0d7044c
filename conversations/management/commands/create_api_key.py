"""``manage.py create_api_key NAME --scope routing``: a key for a program, its secret printed this once."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from conversations.services import api_keys


class Command(BaseCommand):
    help = "Make an API key. Prints the account sid, the key's sid and its secret, which is not shown again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for, as shown in the admin")
        parser.add_argument(
            "--scope", action="append", dest="scopes", choices=api_keys.SCOPES, help="what it may do; may be repeated"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            key, secret = api_keys.create(name=options["name"], scopes=options["scopes"] or [], now=clock.now())
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        return f"account  {key.account.sid}\nkey      {key.sid}\nsecret   {secret}"
