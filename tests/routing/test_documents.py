"""Documents in the shapes people really deploy, imported and run unmodified: where their tasks go, step by step."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from contactcenter.lib.errors import Refused
from routing import importer
from routing.models import Task, TaskQueue, Workflow
from routing.services import dispatch, tasks
from tests.factories import routing as make
from tests.factories.routing import NOW

pytestmark = pytest.mark.django_db

SALES, SUPPORT, ANYONE = (f"WQ{digit * 32}" for digit in "123")


def imported(**routing: Any) -> Workflow:
    document = {"task_routing": routing}
    report = importer.load(document, workspace=make.workspace(), name="Imported", now=NOW)
    assert report.errors == []
    workflow = Workflow.objects.get(friendly_name="Imported")
    assert workflow.configuration == document
    return workflow


def means(sid: str, target_workers: str) -> None:
    """Say whom an imported queue is for."""
    queue = TaskQueue.find_by_sid(sid)
    assert queue is not None
    TaskQueue.objects.filter(pk=queue.pk).update(target_workers=target_workers)


def at(router: dispatch.Router, seconds: float) -> None:
    router.tick(NOW + dt.timedelta(seconds=seconds))


def stands(task: Task) -> tuple[str, int, int, int]:
    """Queue, filter, target and priority as of now."""
    task.refresh_from_db()
    return task.queue.sid if task.queue else "", task.filter_index, task.target_index, task.priority


def test_everything_into_one_queue() -> None:
    workflow = imported(filters=[{"expression": "1==1", "targets": [{"queue": ANYONE, "priority": 0}]}])
    make.worker(name="Ann")

    task = make.task(workflow=workflow)
    make.route()

    assert stands(task) == (ANYONE, 0, 0, 0)
    assert make.offers(task) == [("Ann", "pending")]


def test_only_a_default_filter_and_an_empty_list_of_filters() -> None:
    workflow = imported(filters=[], default_filter={"queue": ANYONE})

    assert stands(make.task(workflow=workflow, attributes={"a": 1})) == (ANYONE, -1, -1, 0)


def test_nobody_is_connected_with_themselves_and_who_may_not_be_asked_is_not() -> None:
    workflow = imported(
        filters=[
            {
                "filter_friendly_name": "not to themselves",
                "expression": "1==1",
                "targets": [
                    {
                        "queue": SALES,
                        "expression": "(task.from!=worker.contact_uri) and (worker.sid NOT IN task.never)",
                        "skip_if": "1==1",
                    },
                    {"queue": SUPPORT},
                ],
            }
        ],
        default_filter={"queue": SALES},
    )
    ann = make.worker(name="Ann", attributes={"contact_uri": "ann"})
    make.worker(name="Bob", attributes={"contact_uri": "bob"})

    to_bob = make.task(workflow=workflow, attributes={"from": "ann"})
    make.route()
    never_ann = make.task(workflow=workflow, attributes={"from": "bob", "never": [ann.sid]})
    make.route()

    assert make.offers(to_bob) == [("Bob", "pending")]
    assert stands(to_bob) == (SALES, 0, 0, 0)
    # Nobody is left for the first step, so it is skipped at once: anybody does.
    assert stands(never_ann) == (SUPPORT, 0, 1, 0)


def test_a_conversation_is_handed_to_one_agent_or_to_a_queue_but_not_to_who_is_on_it() -> None:
    workflow = imported(
        filters=[
            {
                "filter_friendly_name": "To an agent",
                "expression": "handTo == 'agent'",
                "targets": [{"queue": ANYONE, "known_worker_sid": "task.agentSid"}],
            },
            {
                "filter_friendly_name": "To sales",
                "expression": "handToQueue == 'Sales'",
                "targets": [{"queue": SALES, "expression": "worker.sid NOT IN task.onIt"}],
            },
        ]
    )
    ann, bob = make.worker(name="Ann"), make.worker(name="Bob")

    known = make.task(workflow=workflow, attributes={"handTo": "agent", "agentSid": bob.sid})
    others = make.task(workflow=workflow, attributes={"handToQueue": "Sales", "onIt": [bob.sid]})
    all_of_them = make.task(workflow=workflow, attributes={"handToQueue": "Sales"})
    unknown = make.task(workflow=workflow, attributes={"handTo": "agent"})
    make.route()

    assert make.offers(known) == [("Bob", "pending")]
    assert make.offers(others) == [("Ann", "pending")]
    assert [name for name, _ in make.offers(all_of_them)] in (["Ann"], ["Bob"])
    assert make.offers(unknown) == []
    assert ann.sid != bob.sid
    with pytest.raises(Refused, match="No filter of the workflow matches"):
        make.task(workflow=workflow, attributes={"handTo": "queue"})


def test_back_to_whom_it_was_with_for_half_a_minute_and_then_to_anybody_of_the_queue() -> None:
    workflow = imported(
        filters=[
            {
                "expression": 'parked.queue == "Support"',
                "targets": [
                    {"queue": SUPPORT, "known_worker_sid": "task.parked.agent.sid", "timeout": 30},
                    {},
                ],
            },
            {"expression": 'wanted == "support"', "targets": [{"queue": SUPPORT}]},
        ],
        default_filter={"queue": ANYONE},
    )
    ann = make.worker(name="Ann", activity_name="Break")
    make.worker(name="Bob")
    attributes = {"parked": {"queue": "Support", "agent": {"sid": ann.sid}}}

    task = make.task(workflow=workflow, attributes=attributes)
    router = make.route()
    at(router, 29)
    assert (stands(task), make.offers(task)) == ((SUPPORT, 0, 0, 0), [])
    at(router, 30)

    assert (stands(task), make.offers(task)) == ((SUPPORT, 0, 1, 0), [("Bob", "pending")])
    assert stands(make.task(workflow=workflow, attributes={"wanted": "support"}))[:2] == (SUPPORT, 1)
    assert stands(make.task(workflow=workflow, attributes={}))[:2] == (ANYONE, -1)


def test_numbers_as_strings_count_and_timeouts_add_up() -> None:
    workflow = imported(
        filters=[
            {
                "expression": 'product=="Lamp"',
                "targets": [
                    {"queue": SALES, "priority": 5, "timeout": 30},
                    {"queue": ANYONE, "expression": "1==1", "priority": "1", "timeout": "30"},
                ],
            }
        ],
        default_filter={"queue": ANYONE},
    )
    means(SALES, "1==0")
    means(ANYONE, "1==0")

    task = make.task(workflow=workflow, attributes={"product": "Lamp"})
    router = make.route()
    assert stands(task) == (SALES, 0, 0, 5)
    at(router, 30)
    assert stands(task) == (ANYONE, 0, 1, 1)
    at(router, 59)
    assert stands(task) == (ANYONE, 0, 1, 1)
    at(router, 60)

    task.refresh_from_db()
    # The default filter is not for who has been through a filter.
    assert (task.status, task.reason) == ("canceled", "Task canceled on Workflow timeout.")


def test_outbound_work_goes_to_who_placed_it_before_everything_else() -> None:
    workflow = imported(
        filters=[
            {
                "expression": "placedBy != null",
                "targets": [{"queue": ANYONE, "expression": "task.placedBy==worker.contact_uri", "priority": 1000}],
            }
        ]
    )
    make.worker(name="Ann", attributes={"contact_uri": "ann"})
    make.worker(name="Bob", attributes={"contact_uri": "bob"})

    task = make.task(workflow=workflow, attributes={"placedBy": "bob"})
    make.route()

    assert (stands(task), make.offers(task)) == ((ANYONE, 0, 0, 1000), [("Bob", "pending")])


def test_the_best_are_asked_first_and_demands_relax_as_a_task_waits() -> None:
    workflow = imported(
        filters=[
            {
                "expression": "language != null",
                "targets": [
                    {
                        "queue": ANYONE,
                        "expression": "worker.levels.de8 >= 8",
                        "order_by": "worker.levels.de8 DESC",
                        "timeout": 20,
                    },
                    {"expression": "worker.levels.de8 >= 4", "timeout": 20},
                    {},
                ],
            }
        ]
    )
    make.worker(name="Beginner", attributes={"levels": {"de8": 2}}, capacities={"chat": 1})
    make.worker(name="Fair", attributes={"levels": {"de8": 5}}, capacities={"chat": 1}, activity_name="Break")

    task = make.task(workflow=workflow, attributes={"language": "de"})
    router = make.route()
    at(router, 39)
    assert make.offers(task) == []
    at(router, 40)

    assert (stands(task)[2], make.offers(task)) == (2, [("Beginner", "pending")])


def test_a_constant_that_never_matches_with_a_timeout_delays() -> None:
    workflow = imported(
        filters=[
            {
                "expression": "1==1",
                "targets": [{"queue": ANYONE, "expression": "1==0", "timeout": 10}, {"queue": ANYONE}],
            }
        ]
    )
    make.worker(name="Ann")

    task = make.task(workflow=workflow)
    router = make.route()
    at(router, 9)
    assert make.offers(task) == []
    at(router, 10)

    assert make.offers(task) == [("Ann", "pending")]


def test_new_attributes_lead_to_another_filter() -> None:
    workflow = imported(
        filters=[{"expression": "topic == 'sales'", "targets": [{"queue": SALES}]}], default_filter={"queue": ANYONE}
    )
    task = make.task(workflow=workflow, attributes={})

    tasks.update(task, attributes={"topic": "sales"}, now=NOW)

    assert stands(task) == (SALES, 0, 0, 0)
