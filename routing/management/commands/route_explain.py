"""``manage.py route_explain``: who would get a task, in which order, and why nobody else."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing import explain
from routing.engine import wording
from routing.management.commands.export_workflow import find_workflow
from routing.management.commands.import_workflow import find_workspace
from routing.models import Task

Json = dict[str, Any]


class Command(BaseCommand):
    help = "Say which filter and target a task meets, who would be offered it in which order, and why nobody else."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--workflow", metavar="W", help="name or sid")
        what.add_argument("--task", metavar="WT...", help="a task that is there, from where it stands")
        parser.add_argument("--attributes", default="{}", metavar="JSON", help="the task's attributes")
        parser.add_argument("--task-channel", default="default", metavar="C", help="unique name or sid")
        parser.add_argument("--workspace", default="", metavar="NAME", help="name or sid (default: the default one)")
        parser.add_argument("--agent", default="", metavar="NAME", help="say of this agent, too, why not")
        parser.add_argument("--limit", type=int, default=explain.AGENTS, help="agents named per step (default: 50)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        told = self._ask(options)
        if options["json"]:
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(lines(told)))

    def _ask(self, options: dict[str, Any]) -> Json:
        how: Json = {"agent": options["agent"], "limit": max(1, options["limit"]), "now": clock.now()}
        try:
            if options["task"]:
                task = Task.find_by_sid(options["task"])
                if task is None:
                    raise CommandError(f"There is no task {options['task']!r}.")
                return explain.explain_task(task, **how)
            workflow = find_workflow(options["workflow"], find_workspace(options["workspace"]))
            attributes = json.loads(options["attributes"])
            return explain.explain(workflow, attributes, task_channel=options["task_channel"], **how)
        except (json.JSONDecodeError, RecursionError) as error:
            raise CommandError(f"--attributes is not JSON: {error}") from error
        except ContactCenterError as error:
            raise CommandError(error.message) from error


def lines(told: Json) -> list[str]:
    """The answer for a terminal."""
    task = told["task"]
    name = told["workflow"]["name"] if told["workflow"] else "none"
    found = [
        f"Workflow {name}, task channel {task['task_channel']}, {told['workers']} agents",
        f"Attributes {wording.short(task['attributes'])}",
        "",
    ]
    for one in told["filters"]:
        mark = "+" if one["matches"] else "-"
        found.append(f"{mark} Filter {one['index'] + 1} {one['name']!r}: {one['expression']}")
        found += [f"    no: {_clause(part)}" for part in one["failed"]]
    if told["matched"] and told["matched"]["filter"] == "default":
        found.append("+ Default filter")
    if task["with"]:
        found.append(f"With, or being offered to: {', '.join(task['with'])}")
    for step in told["steps"]:
        found += ["", *_step(step)]
    if not told["steps"] or told["steps"][-1]["then"] != told["end"]:
        found += ["", told["end"]]
    return found


def _step(step: Json) -> list[str]:
    queue = step["queue"]
    where = "" if step["filter"] in (None, -1) else f"Filter {step['filter'] + 1}, target {step['target'] + 1}: "
    found = [f"{where}queue {queue['name']!r} ({queue['target_workers'] or 'nobody'})"]
    if step["expression"]:
        found.append(f"  wants    {step['expression']}")
    if step["known_worker"]:
        found.append(f"  knows    {step['known_worker']['path']} = {wording.short(step['known_worker']['value'])}")
    if step["order_by"]:
        found.append(f"  order    {', '.join(step['order_by'])}, then the longest idle")
    if step["skip_if"]:
        skip = step["skip_if"]
        found.append(
            f"  skip_if  {skip['expression']}: {'holds' if skip['holds'] else 'does not hold'}"
            f" ({skip['available']} available, {skip['unavailable']} not)"
        )
    found.append(f"  priority {step['priority']}, others waiting in the queue: {step['waiting']}")
    found += [f"  {one['place']:>3}. {one['name']}" for one in step["order"]]
    if step["order_is_cut"]:
        found.append("       ... and so on")
    if not step["order"]:
        found.append("  nobody can be offered it now")
    for one in step["agents"]:
        found.append(f"    -  {one['name']}: " + " ".join(reason["text"] for reason in one["reasons"]))
        found += [f"         {_clause(part)}" for reason in one["reasons"] for part in reason.get("failed", [])]
    if step["counts"]:
        found.append("  not offered: " + ", ".join(f"{code} {count}" for code, count in step["counts"].items()))
    return [*found, f"  {step['then']}"]


def _clause(part: Json) -> str:
    values = ", ".join(f"{name} is {wording.short(value)}" for name, value in part["actual"].items())
    return f"{part['clause']}{f'  ({values})' if values else ''}"
