"""``manage.py serve``: a small real site in one process."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand

from contactcenter.lib import data_folder
from contactcenter.management import site


class Command(BaseCommand):
    help = "Run a real contact center in one process (SQLite, or PostgreSQL with DATABASE_URL)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        site.add_arguments(parser, port=8000)
        parser.add_argument("--init", action="store_true", help="first make keys for this data folder (secrets.env)")

    def handle(self, *args: Any, **options: Any) -> None:
        for problem in self._problems():
            raise CommandError(problem)
        site.run(self, site.listen(options["host"], options["port"]), self._prepare)

    def _problems(self) -> list[str]:
        problems = []
        if settings.REDIS_URL:
            problems.append(
                "serve is everything in one process, and REDIS_URL is set. Unset it, or start the processes of a "
                "scaled site one by one (web, celery worker, route, celery beat); see docs/operations.md."
            )
        if data_folder.is_demo(settings.DATA_DIR):
            problems.append(
                f"{settings.DATA_DIR} was filled by demo, whose logins everybody knows. Choose another folder with "
                "--data."
            )
        if settings.SECRET_KEY == settings.DEMO_SECRET_KEY or settings.SEALING_KEYS == settings.DEMO_SEALING_KEYS:
            problems.append(
                "This site has no keys of its own yet. Either run\n\n    python3 manage.py serve --init\n\n"
                f"once, which makes them in {settings.DATA_DIR / data_folder.SECRETS}, or set SECRET_KEY (a long "
                "random text) and SEALING_KEYS (32 random bytes in URL-safe base64) in the environment."
            )
        if settings.DEBUG:
            problems.append("DEBUG is on: error pages would show what customers wrote. Unset DEBUG.")
        return problems

    def _prepare(self, url: str) -> list[str]:
        from django.contrib.auth import get_user_model

        lines = ["", f"  Agent console   {url}/console/", f"  Admin           {url}/admin/", ""]
        if not get_user_model().objects.filter(is_superuser=True).exists():
            lines += ["  Nobody can sign in yet. Make the first administrator with", ""]
            lines += [f"      DATA_DIR={settings.DATA_DIR} python3 manage.py createsuperuser", ""]
        if not settings.PUBLIC_URL:
            lines += [
                "  Set PUBLIC_URL to the address people reach this site at (and TRUSTED_PROXY=1 behind a proxy).",
                "",
            ]
        return lines
