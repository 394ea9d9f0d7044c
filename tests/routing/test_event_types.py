"""Every type of event there is: the act that causes it writes exactly one, and its wire form has TaskRouter's fields.

The list is TaskRouter's, all of it. (``reservation.failed`` is about calls there, and about assignment callbacks here.)
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from routing import event_wire
from routing.models import Event
from tests.routing import event_configuration, event_stories
from tests.routing.event_scene import STORIES, Scene

#: They register their stories when they are imported.
_TOLD = (event_configuration, event_stories)

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).parents[2] / "docs" / "events.md"

#: group -> its types and the fields they have in common, as docs/events.md and TaskRouter's reference list them
GROUPS: dict[str, tuple[str, str]] = {
    "activity": ("created updated deleted", "ActivitySid ActivityName ActivityAvailable"),
    "reservation": (
        "created accepted rejected timeout canceled rescinded completed failed wrapup",
        "TaskSid TaskAttributes TaskAge TaskPriority TaskAssignmentStatus TaskQueueSid WorkflowSid ReservationSid"
        " WorkerSid WorkerName WorkerAttributes WorkerActivitySid WorkerActivityName",
    ),
    "task": (
        "created updated canceled wrapup completed deleted system-deleted transfer-initiated transfer-attempt-failed"
        " transfer-failed transfer-canceled transfer-completed",
        "TaskSid TaskAttributes TaskAge TaskPriority TaskAssignmentStatus TaskQueueSid WorkflowSid",
    ),
    "task-channel": (
        "created updated deleted",
        "TaskChannelSid TaskChannelName TaskChannelUniqueName TaskChannelOptimizedRouting",
    ),
    "task-queue": (
        "created deleted entered timeout moved expression.updated",
        "TaskQueueSid TaskQueueName TaskQueueTargetExpression",
    ),
    "worker": (
        "created activity.update attributes.update capacity.update channel.availability.update deleted",
        "WorkerSid WorkerName WorkerAttributes WorkerActivitySid WorkerActivityName WorkerVersion",
    ),
    "workflow": (
        "created updated deleted target-matched entered timeout skipped",
        "WorkflowSid WorkflowName",
    ),
    "workspace": ("created updated deleted", "WorkspaceSid WorkspaceName"),
}
TYPES = {f"{group}.{type}": fields.split() for group, (types, fields) in GROUPS.items() for type in types.split()}
BASE = (
    *("EventType", "AccountSid", "WorkspaceSid", "WorkspaceName"),
    *("EventDescription", "ResourceType", "ResourceSid", "Timestamp"),
)


@pytest.mark.parametrize("type", TYPES)
def test_the_act_writes_exactly_one_event_of_the_type_with_its_fields(type: str) -> None:
    expected = STORIES[type](Scene())

    written = Event.objects.filter(type=type)
    form = event_wire.form(written.get(), account_sid="AC1")
    missing = [name for name in (*BASE, *TYPES[type]) if not form.get(name)]
    assert missing == []
    assert {name: form.get(name) for name in expected} == expected
    assert form["EventType"] == type
    assert set(Event.objects.values_list("type", flat=True)) <= set(TYPES)


def test_every_type_has_its_story_and_its_line_in_the_documentation() -> None:
    table = DOCS.read_text().partition("## Types")[2].partition("\n## ")[0]
    listed = {
        f"{group}.{type}"
        for group, types in re.findall(r"^\| `([a-z-]+)\.` \| ([^|]+) \|", table, re.MULTILINE)
        for type in re.findall(r"`([a-z.-]+)`", types)
    }

    assert set(STORIES) == set(TYPES)
    assert listed == set(TYPES)
