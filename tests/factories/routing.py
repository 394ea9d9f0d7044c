"""Factories of routing: a workspace as installations have it, workers, tasks, offers."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import Any

from contactcenter.lib import fast_json
from conversations.models import Channel, Connection, Contact, Conversation, Identity, Team
from routing import queries
from routing.models import Activity, Event, Reservation, Task, TaskQueue, Worker, Workflow, Workspace
from routing.services import configuration, dispatch, ledger, setup, tasks

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
_numbers = itertools.count(1)


def workspace(*, now: dt.datetime = NOW, **limits: Any) -> Workspace:
    """The default workspace; ``limits`` are fields to set on it."""
    made = setup.ensure_default_workspace(now)
    for name, value in limits.items():
        setattr(made, name, value)
    made.save()
    return made


def activity(name: str = "Available") -> Activity:
    return Activity.objects.get(workspace=workspace(), friendly_name=name)


def worker(
    *,
    name: str = "",
    activity_name: str = "Available",
    attributes: dict[str, Any] | None = None,
    capacities: dict[str, int] | None = None,
    capacity: int = 100,
    user: Any = None,
    now: dt.datetime = NOW,
) -> Worker:
    """A worker, available unless said otherwise, with three chats by default."""
    return setup.create_worker(
        workspace=workspace(),
        friendly_name=name or f"Worker {next(_numbers)}",
        user=user,
        attributes=attributes,
        capacities=capacities,
        capacity=capacity,
        activity=activity(activity_name),
        now=now,
    )


def queue(*, name: str = "", target_workers: str = "1==1", **fields: Any) -> TaskQueue:
    name = name or f"Queue {next(_numbers)}"
    made = TaskQueue(workspace=workspace(), friendly_name=name, target_workers=target_workers, created_at=NOW, **fields)
    _save(made)
    return made


def _save(row: TaskQueue | Workflow) -> None:
    configuration.check(row)
    row.save()
    configuration.changed(row)


def workflow(*targets: dict[str, Any], name: str = "", expression: str = "1==1", timeout: int = 120) -> Workflow:
    """A workflow of one filter with these targets; queues as rows."""
    steps = [
        {key: value.sid if isinstance(value, TaskQueue) else value for key, value in step.items()} for step in targets
    ]
    made = Workflow(
        workspace=workspace(),
        friendly_name=name or f"Workflow {next(_numbers)}",
        configuration={"task_routing": {"filters": [{"expression": expression, "targets": steps}]}},
        task_reservation_timeout=timeout,
        created_at=NOW,
    )
    _save(made)
    return made


def conversation(*, language: str = "en", now: dt.datetime = NOW) -> Conversation:
    """An open conversation of a new contact on a web chat channel of its own."""
    number = next(_numbers)
    contact = Contact.objects.create(name=f"Customer {number}", language=language)
    identity = Identity.objects.create(contact=contact, kind="webchat", scope="routing", address=str(number))
    team, _ = Team.objects.get_or_create(name="Routing")
    connection = Connection.objects.create(type="webchat", name="Shop")
    channel = Channel.objects.create(
        connection=connection, type="webchat", name="Shop", address=f"site-{number}", team=team
    )
    return Conversation.objects.create(channel=channel, identity=identity, created_at=now)


def task(*, task_channel: str = "chat", now: dt.datetime = NOW, **arguments: Any) -> Task:
    """A task as the service makes it, in the default workflow unless told otherwise."""
    workspace()
    return tasks.create(attributes=arguments.pop("attributes", {}), task_channel=task_channel, now=now, **arguments)


def offers(task_: Task) -> list[tuple[str, str]]:
    """(worker's name, status) of a task's reservations, oldest first."""
    rows = Reservation.objects.filter(task=task_).order_by("id").values_list("worker__friendly_name", "status")
    return [(str(name), str(status)) for name, status in rows]


def stream(worker_: Worker, *, after: int = 0) -> list[dict[str, Any]]:
    """The worker's events after that number, as consoles get them."""
    rows = Event.objects.filter(worker=worker_, worker_seq__gt=after).order_by("worker_seq")
    return [ledger.frame(row.worker_seq, row.type, row.data, queries.iso(row.created_at)) for row in rows]


def sent(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame as it arrives."""
    arrived: dict[str, Any] = json.loads(fast_json.dumps(frame))
    return arrived


def route(now: dt.datetime = NOW) -> dispatch.Router:
    """A router that has just started and decided everything there is to decide at ``now``; use it for more ticks."""
    router = dispatch.Router("test")
    assert router.lead(now)
    router.tick(now)
    return router
