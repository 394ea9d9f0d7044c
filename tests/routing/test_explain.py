"""Explain: the filter, the steps, the order the router really offers in, and why nobody else."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contactcenter.lib.errors import Refused
from routing import explain
from routing.engine import expression, wording
from routing.models import Event, Reservation, Task, Worker, Workflow
from routing.services import presence, reservations, transfers
from tests.factories import routing as make
from tests.factories.routing import NOW

pytestmark = pytest.mark.django_db


def ask(workflow: Workflow, task_channel: str = "chat", **options: Any) -> dict[str, Any]:
    now = options.pop("now", NOW)
    attributes = options.pop("attributes", {})
    return explain.explain(workflow, attributes, task_channel=task_channel, now=now, **options)


def named(step: dict[str, Any]) -> list[str]:
    return [one["name"] for one in step["order"]]


def reasons(step: dict[str, Any]) -> dict[str, list[str]]:
    return {one["name"]: [reason["code"] for reason in one["reasons"]] for one in step["agents"]}


def offered_by_the_router(task: Task, now: dt.datetime = NOW) -> list[str]:
    """Who the running router offers the task to, one declining after the other."""
    router = make.route(now)
    found: list[str] = []
    while True:
        open_offers = list(
            Reservation.objects.filter(task=task, status="pending").select_related("worker").order_by("id")
        )
        if not open_offers:
            return found
        for offer in open_offers:
            found.append(offer.worker.friendly_name)
            reservations.reject(offer, by=offer.worker, now=now)
        router.tick(now)


def test_every_reason_is_told_with_the_clause_and_the_actual_value() -> None:
    queue = make.queue(name="Orders", target_workers="skills HAS 'orders' AND level > 2")
    workflow = make.workflow({"queue": queue, "expression": "worker.city == task.city"})
    good = {"skills": ["orders"], "level": 3, "city": "Riga"}
    make.worker(name="Ann", attributes=good)
    make.worker(name="Bob", attributes={**good, "level": 1})
    make.worker(name="Cid", attributes={**good, "city": "Oslo"})
    make.worker(name="Dee", attributes=good, activity_name="Break")
    make.worker(name="Eve", attributes=good, capacities={"chat": 0})
    make.worker(name="Fay", attributes=good, capacity=5)

    told = ask(workflow, attributes={"city": "Riga"})

    (step,) = told["steps"]
    assert named(step) == ["Ann"]
    assert reasons(step) == {
        "Eve": ["channel_capacity"],
        "Fay": ["total_capacity"],
        "Dee": ["activity"],
        "Cid": ["target"],
        "Bob": ["queue"],
    }
    by_name = {one["name"]: one["reasons"][0] for one in step["agents"]}
    assert by_name["Bob"]["failed"] == [{"clause": "level > 2", "actual": {"level": 1}}]
    assert by_name["Cid"]["failed"] == [
        {"clause": "worker.city == task.city", "actual": {"task.city": "Riga", "worker.city": "Oslo"}}
    ]
    assert by_name["Dee"]["text"] == "Is in the activity Break, which is not available."
    assert by_name["Eve"]["text"] == "No capacity on chat: 0 of 0 taken."
    assert by_name["Fay"]["text"] == "No capacity left: 0 of 5 taken, this needs 10."
    assert step["counts"] == {"channel_capacity": 1, "total_capacity": 1, "activity": 1, "target": 1, "queue": 1}


def test_the_filters_above_the_one_that_fits_say_why_not() -> None:
    queue = make.queue(name="Orders")
    workflow = make.workflow({"queue": queue})
    workflow.configuration = {
        "task_routing": {
            "filters": [
                {
                    "filter_friendly_name": "VIP",
                    "expression": "vip == true AND a != 1",
                    "targets": [{"queue": queue.sid}],
                },
                {"filter_friendly_name": "Rest", "expression": "1==1", "targets": [{"queue": queue.sid}]},
                {"filter_friendly_name": "Never", "expression": "1==1", "targets": [{"queue": queue.sid}]},
            ]
        }
    }
    workflow.save()

    told = ask(workflow, attributes={"vip": "yes"})

    assert [(one["name"], one["matches"]) for one in told["filters"]] == [("VIP", False), ("Rest", True)]
    assert told["filters"][0]["failed"] == [{"clause": "vip == true", "actual": {"vip": "yes"}}]
    assert told["matched"] == {"filter": 1, "name": "Rest", "target": 0}


def test_a_task_nothing_fits_is_said_to_be_refused() -> None:
    told = ask(make.workflow({"queue": make.queue()}, expression="a == 1"))

    assert (told["matched"], told["steps"]) == (None, [])
    assert told["end"] == "No filter fits and there is no default filter: the task is refused."


def test_what_follows_each_step_is_told() -> None:
    first, second = make.queue(name="First", target_workers="1==0"), make.queue(name="Second")
    workflow = make.workflow(
        {"queue": first, "skip_if": "workers.available == 0", "priority": 5},
        {"queue": second, "timeout": 30},
        {"queue": second, "timeout": 30, "expression": "1==0"},
    )
    make.worker(name="Ann")

    told = ask(workflow)

    assert [(step["queue"]["name"], named(step), step["skipped"]) for step in told["steps"]] == [
        ("First", [], True),
        ("Second", ["Ann"], False),
        ("Second", [], False),
    ]
    assert [step["then"] for step in told["steps"]] == [
        "Nobody can be offered it now and skip_if holds: it goes to target 2 at once.",
        "If nobody has accepted 30 s after it entered the filter, it goes to target 3.",
        "If nobody has accepted 60 s after it entered the filter, the workflow ends and the task is canceled.",
    ]
    assert [step["priority"] for step in told["steps"]] == [5, 5, 5]
    assert told["steps"][0]["skip_if"]["available"] == 0


def test_a_known_worker_is_explained() -> None:
    ann = make.worker(name="Ann")
    make.worker(name="Bob")
    workflow = make.workflow({"queue": make.queue(), "known_worker_sid": "task.agent.sid"})

    (step,) = ask(workflow, attributes={"agent": {"sid": ann.sid}})["steps"]

    assert named(step) == ["Ann"]
    assert reasons(step) == {"Bob": ["known_worker"]}
    assert step["known_worker"] == {"path": "task.agent.sid", "value": ann.sid, "by": "sid"}
    assert ask(workflow)["steps"][0]["order"] == []


@pytest.mark.parametrize("seed", range(6))
def test_the_router_offers_in_exactly_the_order_explained(seed: int) -> None:
    chance = random.Random(seed)
    queue = make.queue(
        target_workers=chance.choice(["1==1", "skills HAS 'a'"]), max_reserved_workers=chance.choice([1, 1, 3])
    )
    steps: list[dict[str, Any]] = [{"queue": queue}]
    if chance.random() < 0.7:
        steps[0]["order_by"] = chance.choice(["worker.level DESC", "worker.level ASC, worker.rank DESC"])
    if chance.random() < 0.5:
        steps[0]["expression"] = "worker.level >= task.need OR worker.skills HAS task.topic"
    workflow = make.workflow(*steps)
    for number in range(12):
        worker = make.worker(
            name=f"W{number}",
            activity_name=chance.choice(["Available", "Available", "Available", "Break"]),
            attributes={
                "skills": chance.sample(["a", "b", "c"], 2),
                **({"level": chance.randrange(4)} if chance.random() < 0.8 else {"level": "high"}),
                "rank": chance.randrange(3),
            },
            capacities={"chat": chance.choice([0, 1, 3])},
        )
        Worker.objects.filter(pk=worker.pk).update(idle_since=NOW - dt.timedelta(seconds=chance.randrange(90)))
    attributes = {"need": 2, "topic": "b"}

    told = ask(workflow, attributes=attributes)
    task = make.task(workflow=workflow, attributes=attributes)

    (step,) = told["steps"]
    assert offered_by_the_router(task) == named(step)
    silent = {one["name"] for one in step["agents"]}
    assert silent | set(named(step)) == set(Worker.objects.values_list("friendly_name", flat=True))
    assert all("later" not in codes for codes in reasons(step).values())


def test_a_task_that_is_there_is_explained_from_where_it_stands() -> None:
    queue, later = make.queue(name="First"), make.queue(name="Later")
    workflow = make.workflow({"queue": queue, "timeout": 30}, {"queue": later})
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")
    task = make.task(workflow=workflow)
    make.route()
    (offer,) = Reservation.objects.filter(task=task)
    reservations.reject(offer, by=offer.worker, now=NOW)
    task.refresh_from_db()

    told = explain.explain_task(task, now=NOW)

    first, second = told["steps"]
    assert offer.worker_id == ann.pk
    assert told["task"]["with"] == []
    assert second["then"] == "It waits here, for 1\xa0day at most; then it is canceled."
    assert (named(first), reasons(first)) == ([bob.friendly_name], {"Ann": ["declined"]})
    assert named(second) == ["Bob"]
    assert first["then"] == "If nobody has accepted 30 s after it entered the filter, it goes to target 2."
    late = explain.explain_task(task, now=NOW + dt.timedelta(seconds=29))
    assert late["steps"][0]["agents"][0]["reasons"][0]["text"] == "Declined it lately; is asked again in 1 s."


def test_who_is_busy_with_other_tasks_is_told() -> None:
    make.worker(name="Ann", capacities={"chat": 1})
    workflow = make.workflow({"queue": make.queue()})
    make.task(workflow=workflow)
    make.route()

    (step,) = ask(workflow)["steps"]

    assert reasons(step) == {"Ann": ["channel_capacity"]}
    assert step["agents"][0]["reasons"][0]["text"] == "No capacity on chat: 1 of 1 taken."


def test_a_transfer_looking_for_somebody_takes_nobody_away() -> None:
    ann = make.worker(name="Ann")
    queue = make.queue()
    workflow = make.workflow({"queue": queue})
    task = make.task(workflow=workflow)
    make.route()
    seat = reservations.accept(Reservation.objects.get(task=task), by=ann, now=NOW)
    make.worker(name="Bob", capacities={"chat": 1})
    transfers.start(seat, to=queue, mode="WARM", by=ann, now=NOW)

    (step,) = ask(workflow)["steps"]

    assert set(named(step)) == {"Ann", "Bob"}


@pytest.mark.parametrize("gives_way", [False, True])
def test_work_that_gives_way_takes_no_room_from_work_that_does_not(gives_way: bool) -> None:
    make.workspace().task_channels.filter(unique_name="chat").update(is_interruptible=gives_way)
    make.worker(name="Ann", capacity=30, capacities={"chat": 3, "voice": 1})
    workflow = make.workflow({"queue": make.queue()})
    make.task(workflow=workflow)
    make.route()

    (step,) = ask(workflow, "voice")["steps"]
    task = make.task(workflow=workflow, task_channel="voice")
    make.route()

    assert named(step) == [name for name, _status in make.offers(task)]
    assert reasons(step) == ({} if gives_way else {"Ann": ["total_capacity"]})


def test_asking_changes_nothing() -> None:
    worker = make.worker(name="Ann")
    workflow = make.workflow({"queue": make.queue()})
    task = make.task(workflow=workflow)
    before = (Event.objects.count(), Reservation.objects.count(), Task.objects.get(pk=task.pk).version)

    ask(workflow)
    explain.explain_task(task, now=NOW)

    assert (Event.objects.count(), Reservation.objects.count(), Task.objects.get(pk=task.pk).version) == before
    assert Worker.objects.get(pk=worker.pk).load == 0


def test_thousands_of_agents_are_explained_quickly_and_briefly() -> None:
    activity, workspace = make.activity(), make.workspace()
    Worker.objects.bulk_create(
        Worker(
            workspace=workspace,
            friendly_name=f"W{n:05}",
            activity=activity,
            attributes={"level": n % 7},
            created_at=NOW,
        )
        for n in range(3000)
    )
    Worker.objects.filter(friendly_name="W02999").update(attributes={"level": 1})
    workflow = make.workflow({"queue": make.queue(target_workers="level > 3")})
    make.route()  # gives everybody their channels
    started = time.process_time()

    told = ask(workflow, agent="w02999")

    assert time.process_time() - started < 5
    (step,) = told["steps"]
    assert (told["workers"], len(step["order"]), step["order_is_cut"]) == (3000, 50, True)
    assert "W02999" in reasons(step)
    assert len(json.dumps(told)) < 60_000


def test_a_task_that_is_over_or_a_channel_that_is_not_there_is_refused() -> None:
    workflow = make.workflow({"queue": make.queue()})
    task = make.task(workflow=workflow)
    Task.objects.filter(pk=task.pk).update(status="canceled", ended_at=NOW)

    with pytest.raises(Refused, match="is over"):
        explain.explain_task(task, now=NOW)
    with pytest.raises(Refused, match="no task channel fax"):
        ask(workflow, "fax")


@pytest.mark.parametrize(
    "text",
    [
        "a.b[2] == 'it\\'s' AND (b HAS 1 OR c NOT IN ['x', null, true])",
        "worker.routing.levels.988ENsk > -4.5",
        "1==0",
        "'a\\\\b' IN x OR y CONTAINS 'z' AND w <= 3",
    ],
)
def test_an_expression_told_is_the_expression(text: str) -> None:
    node = expression.compile(text).node

    assert expression.compile(wording.text(node)).node == node


# ---- the command


def test_the_command_explains_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    workflow = make.workflow({"queue": make.queue(name="Orders", target_workers="skills HAS 'orders'")}, name="Shop")
    make.worker(name="Ann", attributes={"skills": ["orders"]})
    bob = make.worker(name="Bob", attributes={"skills": ["orders"]})
    make.worker(name="Cid", attributes={"skills": []})
    presence.set_activity(bob, make.activity("Break"), by=None, now=NOW)

    call_command("route_explain", "--workflow", "Shop", "--attributes", '{"a": 1}', "--task-channel", "chat")

    assert capsys.readouterr().out == (
        "Workflow Shop, task channel chat, 3 agents\n"
        'Attributes {"a": 1}\n'
        "\n"
        "+ Filter 1 '': 1==1\n"
        "\n"
        "Filter 1, target 1: queue 'Orders' (skills HAS 'orders')\n"
        "  priority 0, others waiting in the queue: 0\n"
        "    1. Ann\n"
        "    -  Bob: Is in the activity Break, which is not available.\n"
        "    -  Cid: Is not in the queue.\n"
        "         skills HAS 'orders'  (skills is [])\n"
        "  not offered: activity 1, queue 1\n"
        "  It waits here until its time to live is over.\n"
    )
    call_command("route_explain", "--workflow", workflow.sid, "--json")
    assert json.loads(capsys.readouterr().out)["workers"] == 3


def test_the_command_says_what_is_wrong_with_the_question() -> None:
    make.workflow({"queue": make.queue()}, name="Shop")

    with pytest.raises(CommandError, match="--attributes is not JSON"):
        call_command("route_explain", "--workflow", "Shop", "--attributes", "{")
    with pytest.raises(CommandError, match="attributes are a JSON object"):
        call_command("route_explain", "--workflow", "Shop", "--attributes", "[]")
    with pytest.raises(CommandError, match="no task 'WT1'"):
        call_command("route_explain", "--task", "WT1")
