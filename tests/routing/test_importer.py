"""Workflow documents from elsewhere: what is tolerated, what is made, what is refused, and what comes out again."""

from __future__ import annotations

import copy
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing import importer, review
from routing.engine import workflow as documents
from routing.importer import Report
from routing.models import Change, Task, TaskQueue, Workflow, Workspace
from routing.services import setup
from tests.factories import routing as make
from tests.factories.routing import NOW

pytestmark = pytest.mark.django_db

ORDERS, RETURNS = f"WQ{'a1' * 16}", f"WQ{'b2' * 16}"


def queue_of(task: Task) -> str:
    return "" if task.queue is None else task.queue.sid


def document(*targets: dict[str, Any], expression: str = "topic == 'orders'", **routing: Any) -> dict[str, Any]:
    steps = list(targets) or [{"queue": ORDERS}]
    return {"task_routing": {"filters": [{"expression": expression, "targets": steps}], **routing}}


def load(source: Any, **options: Any) -> Report:
    return importer.load(source, workspace=make.workspace(), name=options.pop("name", "Shop"), now=NOW, **options)


def remarks(report: Report) -> list[tuple[str, str]]:
    """(level, path) of what was found, without what goes without saying."""
    dull = ("There is none:", "The queue ")
    return [(one.level, one.path) for one in report.findings if not one.message.startswith(dull)]


def test_queues_nobody_has_are_made_under_their_own_sids_and_the_document_stays_word_for_word() -> None:
    source = document({"queue": ORDERS, "timeout": "30", "priority": "5"}, {}, default_filter={"queue": RETURNS})

    report = load(json.dumps(source))

    assert report.outcome == "created"
    assert [(use.reference, use.sid, use.how) for use in report.queues] == [
        (ORDERS, ORDERS, "created"),
        (RETURNS, RETURNS, "created"),
    ]
    workflow = Workflow.objects.get(friendly_name="Shop")
    assert workflow.configuration == source
    assert importer.export(workflow) == source
    made = TaskQueue.objects.get(pk=uuid.UUID(hex=ORDERS[2:]))
    assert (made.friendly_name, made.target_workers) == (ORDERS, "1==1")


def test_a_document_imported_runs_tasks() -> None:
    make.workspace()
    load(document({"queue": ORDERS, "priority": "7", "timeout": "30"}, default_filter={"queue": RETURNS}))
    workflow = Workflow.objects.get(friendly_name="Shop")
    make.worker(name="Ann")

    matched = make.task(workflow=workflow, attributes={"topic": "orders"})
    other = make.task(workflow=workflow, attributes={"topic": "weather"})
    make.route()

    assert (queue_of(matched), matched.priority) == (ORDERS, 7)
    assert queue_of(other) == RETURNS
    assert make.offers(matched) == [("Ann", "pending")]


def test_names_become_the_sids_of_queues_that_are_here() -> None:
    queue = make.queue(name="Orders")

    report = load(document({"queue": "orders"}))

    assert [(use.how, use.sid) for use in report.queues] == [("name", queue.sid)]
    assert report.configuration["task_routing"]["filters"][0]["targets"][0]["queue"] == queue.sid
    assert TaskQueue.objects.filter(friendly_name__iexact="orders").count() == 1


def test_a_queue_here_may_stand_for_one_there() -> None:
    queue = make.queue(name="Bestellungen")

    report = load(document(), queues={ORDERS: "Bestellungen"})

    assert report.configuration["task_routing"]["filters"][0]["targets"][0]["queue"] == queue.sid
    assert [use.how for use in report.queues] == ["given"]


def test_a_sid_another_workspace_has_gets_a_queue_of_our_own() -> None:
    other = Workspace.objects.create(friendly_name="Other", created_at=NOW)
    TaskQueue.objects.create(id=uuid.UUID(hex=ORDERS[2:]), workspace=other, friendly_name="Theirs", created_at=NOW)

    report = load(document())

    made = TaskQueue.objects.get(workspace=make.workspace(), friendly_name=ORDERS)
    assert made.sid != ORDERS
    assert report.configuration["task_routing"]["filters"][0]["targets"][0]["queue"] == made.sid


def test_check_reports_the_same_and_changes_nothing() -> None:
    make.workspace()
    before = (Workflow.objects.count(), TaskQueue.objects.count(), Change.objects.count())

    checked = load(document(), check=True)

    assert (Workflow.objects.count(), TaskQueue.objects.count(), Change.objects.count()) == before
    assert not checked.applied
    applied = load(document())
    assert checked.findings == applied.findings
    assert (checked.outcome, applied.outcome, applied.applied) == ("created", "created", True)


def test_importing_again_changes_nothing_and_a_changed_document_replaces_it() -> None:
    first = load(document())

    again = load(document())
    changed = load(document({"queue": RETURNS}))

    assert (again.outcome, again.applied, again.workflow_sid) == ("unchanged", False, first.workflow_sid)
    assert (changed.outcome, changed.workflow_sid) == ("updated", first.workflow_sid)
    assert Workflow.objects.get(friendly_name="Shop").version == 1


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (document({"queue": ORDERS, "priority": "3"}), [("note", "targets[0].priority")]),
        (document({"queue": ORDERS, "timeout": "30"}), [("note", "targets[0].timeout")]),
        (document({"queue": ORDERS, "timeout": 30.0}), [("note", "targets[0].timeout")]),
        (document({"queue": ORDERS, "timeout": 0}), [("warning", "targets[0].timeout")]),
        (document({"queue": ORDERS}, {}), [("note", "targets[1]")]),
        (document({"queue": ORDERS, "colour": "red"}), [("note", "targets[0].colour")]),
        (document(description="x"), [("note", "task_routing.description")]),
        (document(default_filter={"queue": ORDERS, "timeout": 3}), [("note", "default_filter.timeout")]),
        ({**document(), "default_filter": {"queue": ORDERS}}, [("warning", "default_filter")]),
        (document()["task_routing"], [("note", "filters")]),
        (
            {
                "task_routing": {
                    "filters": [{"friendlyName": "A", "expression": "1==1", "targets": [{"queue": ORDERS}]}]
                }
            },
            [("note", "filters[0].friendlyName")],
        ),
        (document(expression="a == 'x' OR a == 'y', 'z'"), [("warning", "filters[0].expression")]),
        (document(expression="*(a == 1)"), [("warning", "filters[0].expression")]),
        (document(expression="task.a == 1"), [("warning", "filters[0].expression")]),
        (document({"queue": ORDERS, "expression": "skills HAS 'x'"}), [("warning", "targets[0].expression")]),
        (document({"queue": ORDERS, "expression": "wworker.a == 1"}), [("warning", "targets[0].expression")]),
        (document({"queue": ORDERS, "skip_if": "worker.a == 1"}), [("warning", "targets[0].skip_if")]),
        (
            document({"queue": ORDERS, "known_worker_sid": f"WK{'c3' * 16}"}),
            [("warning", "targets[0].known_worker_sid")],
        ),
        (document({"queue": ORDERS, "order_by": "worker.a DESC, b!"}), [("warning", "targets[0].order_by")]),
        (
            document({"queue": ORDERS, "expression": f"worker.sid == 'WK{'c3' * 16}'"}),
            [("warning", "targets[0].expression")],
        ),
        (document({"queue": ORDERS, "skip_if": f"workers.WA{'c3' * 16} == 0"}), [("warning", "targets[0].skip_if")]),
        ({"friendly_name": "F", "configuration": json.dumps(document())}, [("note", "configuration")]),
    ],
)
def test_what_real_documents_do_is_tolerated_and_told(source: Any, found: list[tuple[str, str]]) -> None:
    report = load(source)

    assert report.outcome == "created"
    assert [(level, path) for level, path in remarks(report)] == [
        (level, path) for (level, end), (_, path) in zip(found, remarks(report), strict=True) if path.endswith(end)
    ]


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("{", "", "This is not JSON: line 1, column 2"),
        ('{"a": NaN}', "", "This is not JSON: NaN is no number JSON knows."),
        ("[" * 100_000, "", "This is not JSON: too deeply nested."),
        (" " * (documents.MAX_BYTES + 1), "", "A workflow document has at most 1038576 bytes."),
        ("[]", "", "A workflow document is a JSON object."),
        ({}, "task_routing", "It is missing, or is not an object."),
        ({"task_routing": []}, "task_routing", "It is missing, or is not an object."),
        ({"task_routing": {"filters": {}}}, "task_routing.filters", "It must be a list."),
        ({"task_routing": {"filters": [3]}}, "task_routing.filters[0]", "It must be an object."),
        (document({}), "task_routing.filters[0].targets[0].queue", "The first target must name a queue."),
        (document({"queue": ["x"]}), "task_routing.filters[0].targets[0].queue", "It must be a queue's id or name."),
        (document({"queue": "x" * 65}), "task_routing.filters[0].targets[0].queue", "A queue's name has at most 64"),
        (document(expression=7), "task_routing.filters[0].expression", "It must be an expression."),  # type: ignore[arg-type]
        (document({"queue": ORDERS, "timeout": -1}), "task_routing.filters[0].targets[0].timeout", "from 1 to 1209600"),
        (
            document({"queue": ORDERS, "priority": "high"}),
            "task_routing.filters[0].targets[0].priority",
            "whole number",
        ),
        (document({"queue": ORDERS, "priority": True}), "task_routing.filters[0].targets[0].priority", "whole number"),
        (
            document({"queue": ORDERS, "known_worker_sid": "task.a", "known_worker_friendly_name": "task.b"}),
            "task_routing.filters[0].targets[0].known_worker_friendly_name",
            "Give either",
        ),
        (document(default_filter={"timeout": 3}), "task_routing.default_filter.queue", "must name a queue"),
        ({"configuration": "{"}, "configuration", "This is not JSON"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(source: Any, path: str, said: str) -> None:
    report = load(source)

    assert (report.outcome, report.applied) == ("", False)
    assert report.errors[0].path == path
    assert said in report.errors[0].message
    assert not Workflow.objects.filter(friendly_name="Shop").exists()
    assert not TaskQueue.objects.filter(friendly_name=ORDERS).exists()


def test_the_review_and_the_engine_agree_on_what_can_be_used() -> None:
    values: list[Any] = ["1", " 2 ", "-1", 3.0, 3.5, True, None, "", "x", [], 2**31]
    for raw in values:
        source = document({"queue": ORDERS, "priority": raw})
        try:
            documents.parse(source, lambda name: name)
            usable = True
        except documents.WorkflowError:
            usable = False

        assert (not load(source, check=True).errors) is usable, raw


def test_the_malformed_tail_never_matches_and_its_place_is_told() -> None:
    make.workspace()
    report = load(document(expression="a == 'x' OR a == 'y', 'z'", default_filter={"queue": RETURNS}))
    workflow = Workflow.objects.get(friendly_name="Shop")

    here = make.task(workflow=workflow, attributes={"a": "y"})
    there = make.task(workflow=workflow, attributes={"a": "z"})

    assert queue_of(here) == ORDERS
    assert queue_of(there) == RETURNS
    (told,) = [one for one in report.findings if one.path.endswith("expression")]
    assert "At position 20: expected AND, OR or the end, found ','" in told.message


def test_an_export_with_its_queues_makes_them_elsewhere() -> None:
    queue = make.queue(name="Orders", target_workers="skills HAS 'orders'", task_order="LIFO", max_reserved_workers=3)
    load(document({"queue": "Orders"}))
    exported = importer.export(Workflow.objects.get(friendly_name="Shop"), with_queues=True)
    Workflow.objects.filter(friendly_name="Shop").delete()
    row_id = queue.pk
    queue.delete()

    report = importer.load(copy.deepcopy(exported), workspace=make.workspace(), name="Shop", now=NOW)

    made = TaskQueue.objects.get(pk=row_id)
    assert (made.friendly_name, made.target_workers) == ("Orders", "skills HAS 'orders'")
    assert (made.task_order, made.max_reserved_workers) == ("LIFO", 3)
    assert report.configuration == importer.export(Workflow.objects.get(friendly_name="Shop"))
    assert exported == importer.export(Workflow.objects.get(friendly_name="Shop"), with_queues=True)


EMPTY_TARGETS = {"filters": [{"expression": "1==1", "targets": [{"queue": ORDERS}, *[{}] * 300_000]}]}
MANY_CLAUSES = {
    "filters": [
        {"expression": " OR ".join(f"a{f}.b{n} == 'x{n}'" for n in range(900)), "targets": [{"queue": ORDERS}]}
        for f in range(50)
    ]
}


@pytest.mark.parametrize(
    ("routing", "outcome"),
    [
        (EMPTY_TARGETS, "created"),
        (MANY_CLAUSES, "created"),
        ({"filters": [], **{f"k{n}": 1 for n in range(90_000)}}, "created"),
        ({"filters": [{"expression": "1==1", "targets": [{"queue": f"q{n}"} for n in range(50_000)]}]}, ""),
    ],
    ids=["targets", "clauses", "keys", "queues"],
)
def test_the_largest_documents_are_answered_in_bounded_time(routing: dict[str, Any], outcome: str) -> None:
    text = json.dumps({"task_routing": routing}, separators=(",", ":"))
    assert len(text) > 800_000 or outcome == "created"
    started = time.process_time()

    report = load(text, check=True)

    assert time.process_time() - started < 10
    assert report.outcome == outcome
    assert len(report.findings) <= 2 * review.MAX_FINDINGS


def test_the_command_imports_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document({"queue": ORDERS, "timeout": "30"}, {})))

    call_command("import_workflow", str(file))

    said = capsys.readouterr().out
    assert "workflow 'shop' created" in said
    assert f"queue    {ORDERS}: created, for 1==1" in said
    assert "task_routing.filters[0].targets[0].timeout: '30' is read as 30." in said
    call_command("export_workflow", "shop")
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text())


@pytest.mark.parametrize("again", [False, True])
def test_tasks_that_wait_enter_a_replaced_workflow_anew_when_told_to(tmp_path: Path, again: bool) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document()))
    call_command("import_workflow", str(file))
    task = make.task(workflow=Workflow.objects.get(friendly_name="shop"), attributes={"topic": "orders"})
    file.write_text(json.dumps(document({"queue": RETURNS})))

    call_command("import_workflow", str(file), *(["--re-evaluate"] if again else []))

    task.refresh_from_db()
    assert queue_of(task) == (RETURNS if again else ORDERS)


def test_the_command_checks_without_a_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document()))

    call_command("import_workflow", str(file), "--check", "--json")

    (told,) = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["applied"], told["workflow"]["name"]) == ("created", False, "shop")
    assert Workspace.objects.count() == Workflow.objects.count() == TaskQueue.objects.count() == 0


def test_the_command_exits_with_1_where_a_document_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(document()))
    bad.write_text('{"task_routing": {"filters": [{}]}}')

    with pytest.raises(SystemExit) as ended:
        call_command("import_workflow", str(good), str(bad), str(tmp_path / "none.json"))

    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "bad.json: cannot be used, nothing of it was imported" in said.err
    assert "task_routing.filters[0].expression: It must be an expression." in said.err
    assert "The file cannot be read" in said.err
    assert Workflow.objects.filter(friendly_name="good").exists()


def test_the_commands_say_what_there_is_when_asked_for_something_else() -> None:
    setup.ensure_default_workspace(NOW)

    with pytest.raises(CommandError, match=r"no workflow 'shop'\. There are: Default\."):
        call_command("export_workflow", "shop")
    with pytest.raises(CommandError, match="no workspace 'Mars'"):
        call_command("export_workflow", "Default", "--workspace", "Mars")
