"""The events of configuration: each kind of resource is made, changed and deleted over the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from routing.models import Activity, Event, TaskChannel, TaskQueue, Workflow, Workspace
from tests.routing.event_scene import Fields, Scene, story


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of resource that a program makes, changes and deletes."""

    group: str
    path: str
    model: Any
    made: dict[str, Any]
    changed: dict[str, Any]
    #: of the resource as the API shows it
    expected: Callable[[Any], Fields]


KINDS = [
    Kind(
        "activity",
        "Activities",
        Activity,
        {"friendly_name": "Lunch", "available": True},
        {"friendly_name": "Dinner"},
        lambda row: {
            **{"ActivitySid": row["sid"], "ActivityName": row["friendly_name"], "ActivityAvailable": "true"},
        },
    ),
    Kind(
        "task-channel",
        "TaskChannels",
        TaskChannel,
        {"friendly_name": "Fax", "unique_name": "fax"},
        {"channel_optimized_routing": True},
        lambda row: {
            "TaskChannelSid": row["sid"],
            "TaskChannelName": "Fax",
            "TaskChannelUniqueName": "fax",
            "TaskChannelOptimizedRouting": "true" if row["channel_optimized_routing"] else "false",
        },
    ),
    Kind(
        "task-queue",
        "TaskQueues",
        TaskQueue,
        {"friendly_name": "Support", "target_workers": "skills HAS 'ä'"},
        {"target_workers": "1==1"},
        lambda row: {
            "TaskQueueSid": row["sid"],
            "TaskQueueName": "Support",
            "TaskQueueTargetExpression": row["target_workers"],
        },
    ),
    Kind(
        "workflow",
        "Workflows",
        Workflow,
        {"friendly_name": "Night", "configuration": '{"task_routing": {"filters": []}}'},
        {"friendly_name": "Day"},
        lambda row: {"WorkflowSid": row["sid"], "WorkflowName": row["friendly_name"]},
    ),
    Kind(
        "workspace",
        "/Workspaces",
        Workspace,
        {"friendly_name": "Shop"},
        {"friendly_name": "Big shop"},
        lambda row: {"WorkspaceSid": row["sid"], "WorkspaceName": row["friendly_name"]},
    ),
]
CHANGED = {"task-queue": "expression.updated"}


def _tell_of(kind: Kind) -> None:
    def about(row: Any) -> Fields:
        return {**kind.expected(row), "ResourceType": kind.group, "ResourceSid": row["sid"]}

    def made(scene: Scene) -> Any:
        return scene.ask("POST", kind.path, **kind.made)

    def changed(scene: Scene) -> Fields:
        row = made(scene)
        Event.objects.all().delete()
        return about(scene.ask("POST", f"{kind.path}/{row['sid']}", **kind.changed))

    def deleted(scene: Scene) -> Fields:
        row = made(scene)
        scene.ask("DELETE", f"{kind.path}/{row['sid']}")
        assert kind.model.find_by_sid(row["sid"]) is None
        return about(row)

    story(f"{kind.group}.created")(lambda scene: about(made(scene)))
    story(f"{kind.group}.{CHANGED.get(kind.group, 'updated')}")(changed)
    story(f"{kind.group}.deleted")(deleted)


for _kind in KINDS:
    _tell_of(_kind)
