"""``manage.py export_workflow WORKFLOW``: a workflow's document, which imports again to the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contactcenter.lib.rows import by_sid_or_name
from routing import importer
from routing.management.commands.import_workflow import find_workspace
from routing.models import Workflow, Workspace


class Command(BaseCommand):
    help = "Write a workflow's document, to standard output or a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", help="name or sid")
        parser.add_argument("--workspace", default="", metavar="NAME", help="name or sid (default: the default one)")
        parser.add_argument("--output", default="", metavar="FILE")
        parser.add_argument(
            "--with-queues", action="store_true", help="add what its queues are, for another installation"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workflow = find_workflow(options["workflow"], find_workspace(options["workspace"]))
        document = importer.export(workflow, with_queues=options["with_queues"])
        text = json.dumps(document, ensure_ascii=False, indent=2)
        if options["output"]:
            Path(options["output"]).write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)


def find_workflow(name: str, workspace: Workspace) -> Workflow:
    """The workspace's workflow of this name or sid. Raises ``CommandError``, naming those there are."""
    rows = Workflow.objects.filter(workspace=workspace)
    row = by_sid_or_name(rows, name)
    if row is None:
        names = ", ".join(rows.order_by("friendly_name").values_list("friendly_name", flat=True)[:20]) or "none"
        raise CommandError(f"There is no workflow {name!r}. There are: {names}.")
    return row
