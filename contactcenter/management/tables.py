"""Bring the tables up to date, quickly when they are."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection


def migrate() -> None:
    """Run ``migrate`` unless every migration on disk is applied. (Looking costs milliseconds; Django's own look, with
    its signals for permissions and content types, costs most of a second at every start.)"""
    if not _is_current():
        call_command("migrate", interactive=False, verbosity=0)


def _is_current() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = set(cursor.fetchall())
    except DatabaseError:
        return False
    on_disk = {
        (config.label, path.stem)
        for config in apps.get_app_configs()
        for path in (Path(config.path) / "migrations").glob("[0-9]*.py")
    }
    return on_disk <= applied
