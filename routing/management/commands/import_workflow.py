"""``manage.py import_workflow FILE...``: bring TaskRouter workflow documents in."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from contactcenter.lib import clock
from contactcenter.lib.rows import by_sid_or_name
from routing import importer
from routing.engine.workflow import MAX_BYTES
from routing.importer import Report
from routing.models import Workflow, Workspace
from routing.services import setup, upkeep


class Command(BaseCommand):
    help = "Import TaskRouter workflow documents: makes missing queues and reports everything it tolerated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a JSON document; - for standard input")
        parser.add_argument("--check", action="store_true", help="report only; change nothing")
        parser.add_argument("--workspace", default="", metavar="NAME", help="name or sid (default: the default one)")
        parser.add_argument("--name", default="", help="the workflow's name (default: the file's, without .json)")
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            type=_pair,
            metavar="THEIRS=OURS",
            help="which queue here (name or sid) stands for which of the document's",
        )
        parser.add_argument(
            "--re-evaluate", action="store_true", help="waiting tasks of a replaced workflow enter it anew"
        )
        parser.add_argument("--json", action="store_true", help="the reports as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[str] = options["files"]
        if options["name"] and len(files) > 1:
            raise CommandError("--name names one workflow: give one file with it.")
        with transaction.atomic():
            workspace = find_workspace(options["workspace"])
            reports = [self._load(file, workspace, options) for file in files]
            transaction.set_rollback(options["check"])
        if options["re_evaluate"] and not options["check"]:
            for report in reports:
                row_id = Workflow.id_from_sid(report.workflow_sid)
                if report.outcome == "updated" and row_id is not None:
                    upkeep.enter_anew(row_id, now=clock.now())
        if options["json"]:
            self.stdout.write(json.dumps([report.to_json() for report in reports], ensure_ascii=False, indent=2))
        else:
            for file, report in zip(files, reports, strict=True):
                self._show(file, report, check=options["check"])
        if any(report.errors for report in reports):
            sys.exit(1)

    def _load(self, file: str, workspace: Workspace, options: dict[str, Any]) -> Report:
        name = options["name"] or ("Imported" if file == "-" else Path(file).stem)
        try:
            if file == "-":
                text = sys.stdin.buffer.read(MAX_BYTES + 1)
            else:
                with Path(file).open("rb") as source:
                    text = source.read(MAX_BYTES + 1)
        except OSError as error:
            report = Report(name)
            report.say("error", "", f"The file cannot be read: {error.strerror}.")
            return report
        return importer.load(
            text, workspace=workspace, name=name, check=options["check"], queues=dict(options["queue"])
        )

    def _show(self, file: str, report: Report, *, check: bool) -> None:
        out = self.stdout.write
        would = "would be " if check else ""
        if report.outcome:
            out(f"{file}: workflow {report.name!r} {would}{report.outcome}")
        else:
            self.stderr.write(f"{file}: cannot be used, nothing of it was imported")
        for use in report.queues:
            how = {"created": f"{would}created", "sid": "there already", "name": "found by name", "given": "as told"}
            whom = f", for {use.target_workers or 'nobody'}" if use.how == "created" else ""
            if use.sid:
                named = "" if use.name in (use.reference, use.sid) else f" {use.name!r}"
                ours = "" if use.sid == use.reference else f" -> {use.sid}"
                out(f"  queue    {use.reference}{ours}{named}: {how[use.how]}{whom}")
        for finding in report.findings:
            stream = self.stderr if finding.level == "error" else self.stdout
            stream.write(f"  {finding.level:<8} {finding}")
        if report.outcome and check:
            out("  Nothing was changed (--check).")


def find_workspace(name: str) -> Workspace:
    """The workspace of this name or sid; without one the default, made if it is missing. Raises ``CommandError``."""
    if not name:
        return setup.ensure_default_workspace(clock.now())
    row = by_sid_or_name(Workspace.objects.all(), name)
    if row is None:
        raise CommandError(f"There is no workspace {name!r}.")
    return row


def _pair(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not theirs or not sign or not ours:
        raise argparse.ArgumentTypeError(f"{text!r} is not THEIRS=OURS")
    return theirs, ours
