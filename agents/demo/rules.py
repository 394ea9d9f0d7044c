"""Queues by language and department, and the workflow behind them: VIPs first, in the end everybody helps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from conversations.models import Team
from routing.models import TaskQueue, Workflow, Workspace
from routing.services import setup

LANGUAGES = {"ar": "Arabic", "en": "English"}
DEPARTMENTS = {"support": "Support", "sales": "Sales", "billing": "Billing"}
#: Seconds a task waits for its own department, for anybody who speaks the language, before everybody is asked.
OWN_DEPARTMENT, OWN_LANGUAGE = 30, 90
RESERVATION_SECONDS = 60
VIP_PRIORITY = 10


@transaction.atomic
def ensure(*, now: dt.datetime) -> Workspace:
    """The default workspace with the demo's queues; its default workflow gets the demo's rules while it has none."""
    workspace = setup.ensure_default_workspace(now)
    queues = {name: _queue(workspace, name, target, team, now) for name, (target, team) in _queues().items()}
    everyone = TaskQueue.objects.get(workspace=workspace, friendly_name="Everyone")
    workflow = Workflow.objects.select_for_update().get(workspace=workspace, friendly_name=setup.DEFAULT_NAME)
    if not workflow.configuration.get("task_routing", {}).get("filters"):
        workflow.configuration = document(queues, everyone)
        workflow.task_reservation_timeout = RESERVATION_SECONDS
        workflow.version += 1
        workflow.save(update_fields=["configuration", "task_reservation_timeout", "version"])
    return workspace


def _queues() -> dict[str, tuple[str, str]]:
    """Name -> (target workers, team)."""
    found = {"VIP": ("senior == true", "Support")}
    for code, language in LANGUAGES.items():
        for key, department in DEPARTMENTS.items():
            found[f"{language} {department.lower()}"] = (
                f"languages HAS '{code}' AND departments HAS '{key}'",
                department,
            )
        found[f"{language} speakers"] = (f"languages HAS '{code}'", "Support")
    return found


def _queue(workspace: Workspace, name: str, target_workers: str, team: str, now: dt.datetime) -> TaskQueue:
    found, _ = TaskQueue.objects.get_or_create(
        workspace=workspace,
        friendly_name=name,
        defaults={"target_workers": target_workers, "team": Team.objects.get(name=team), "created_at": now},
    )
    return found


def document(queues: dict[str, TaskQueue], everyone: TaskQueue) -> dict[str, Any]:
    """A TaskRouter workflow document: one filter for VIPs, one for each language and department."""
    speakers = {code: queues[f"{language} speakers"] for code, language in LANGUAGES.items()}
    filters = [
        {
            "filter_friendly_name": f"VIP, {language}",
            "expression": f"vip == true AND language == '{code}'",
            "targets": [
                {
                    "queue": queues["VIP"].sid,
                    "expression": "task.language IN worker.languages",
                    "priority": VIP_PRIORITY,
                    "timeout": OWN_DEPARTMENT,
                },
                {"queue": speakers[code].sid, "priority": VIP_PRIORITY, "timeout": OWN_LANGUAGE - OWN_DEPARTMENT},
                {"queue": everyone.sid, "priority": VIP_PRIORITY},
            ],
        }
        for code, language in LANGUAGES.items()
    ]
    filters += [
        {
            "filter_friendly_name": f"{language}, {department.lower()}",
            "expression": f"language == '{code}' AND department == '{key}'",
            "targets": [
                {"queue": queues[f"{language} {department.lower()}"].sid, "timeout": OWN_DEPARTMENT},
                {"queue": speakers[code].sid, "timeout": OWN_LANGUAGE - OWN_DEPARTMENT},
                {"queue": everyone.sid},
            ],
        }
        for code, language in LANGUAGES.items()
        for key, department in DEPARTMENTS.items()
    ]
    return {"task_routing": {"filters": filters, "default_filter": {"queue": everyone.sid}}}
