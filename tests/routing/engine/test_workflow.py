"""Workflow documents: what is read, what is tolerated, what is refused, and where tasks go."""

from __future__ import annotations

from typing import Any

import pytest

from routing.engine import workflow
from routing.engine.workflow import DEFAULT, OrderKey, Position, WorkflowError

QUEUES = {"WQ1": "one", "WQ2": "two", "Support": "one"}


def read(document: Any, *, lenient: bool = False) -> workflow.Workflow:
    return workflow.parse(document, QUEUES.get, lenient=lenient)


def routing(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"task_routing": {"filters": list(filters), **more}}


def test_every_key_of_a_target_is_read() -> None:
    target = {
        "queue": "WQ1",
        "expression": "worker.level >= task.level",
        "priority": "10",
        "timeout": "300",
        "order_by": "worker.a DESC, b.c ASC, worker.channel.chat.assigned_tasks",
        "skip_if": "workers.available == 0",
        "known_worker_friendly_name": "task.agent.name",
    }
    document = routing({"filter_friendly_name": "VIP", "expression": "vip == true", "targets": [target]})

    (filter,) = read(document).filters
    (step,) = filter.targets

    assert filter.name == "VIP"
    assert (step.queue, step.priority, step.until) == ("one", 10, 300)
    assert step.order_by == (
        OrderKey(("a",), True),
        OrderKey(("b", "c"), False),
        OrderKey(("@channel", "chat", "assigned_tasks"), False),
    )
    assert (step.known_worker, step.known_by) == (("agent", "name"), "@friendly_name")
    assert step.skip_if is not None
    assert step.skip_if.matches({"workers": {"available": 0}})


def test_later_targets_inherit_the_queue_and_nothing_else() -> None:
    first = {"queue": "WQ2", "priority": 3, "timeout": 10, "order_by": "worker.a DESC", "expression": "worker.a == 1"}
    document = routing({"expression": "1==1", "targets": [first, {}, {"queue": "Support", "timeout": 20}]})

    _, second, third = read(document).filters[0].targets

    assert second == workflow.Target("two")
    assert (third.queue, third.until) == ("one", 30)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "configuration"),
        ({}, "task_routing"),
        ({"task_routing": []}, "task_routing"),
        ({"task_routing": {"filters": {}}}, "task_routing.filters"),
        (routing("x"), "task_routing.filters[0]"),  # type: ignore[arg-type]
        (routing({"expression": "1==1"}), "task_routing.filters[0].targets"),
        (routing({"expression": "1==1", "targets": [{}]}), "task_routing.filters[0].targets[0].queue"),
        (routing({"expression": "1==1", "targets": [{"queue": "WQ9"}]}), "task_routing.filters[0].targets[0].queue"),
        (routing({"expression": "a =", "targets": [{"queue": "WQ1"}]}), "task_routing.filters[0].expression"),
        (routing({"targets": [{"queue": "WQ1"}]}), "task_routing.filters[0].expression"),
        *[
            (
                routing({"expression": "1==1", "targets": [{"queue": "WQ1", key: value}]}),
                f"task_routing.filters[0].targets[0].{key}",
            )
            for key, value in {
                "priority": "high",
                "timeout": 0,
                "order_by": "worker.a SIDEWAYS",
                "skip_if": "workers.available",
                "known_worker_sid": "WK123",
            }.items()
        ],
        (routing(default_filter="WQ1"), "task_routing.default_filter"),
        (routing(default_filter={"queue": "nowhere"}), "task_routing.default_filter.queue"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_key(document: Any, path: str) -> None:
    with pytest.raises(WorkflowError) as refused:
        read(document)

    assert refused.value.path == path


def test_a_document_in_use_goes_on_with_what_is_readable() -> None:
    document = routing(
        {"expression": "a == 1", "targets": [{"queue": "gone"}]},
        {"expression": "b == 1 OR b ==", "targets": [{"queue": "WQ1", "timeout": "soon", "unknown": 1}, {}]},
        default_filter={"queue": "WQ2", "priority": 5},
    )

    parsed = read(document, lenient=True)

    assert parsed.enter({"a": 1}) == DEFAULT
    assert parsed.enter({"b": 1}) == Position(1, 0)
    assert parsed.filters[1].targets == (workflow.Target("one"), workflow.Target("one"))
    assert [warning.split(": ")[0] for warning in parsed.warnings] == [
        "task_routing.filters[0].targets[0].queue",
        "task_routing.filters[1].expression",
        "task_routing.filters[1].targets[0].timeout",
        "task_routing.default_filter.priority",
    ]


def test_filters_without_their_frame_and_a_misplaced_default_are_said_so() -> None:
    assert read({"filters": [{"expression": "1==1", "targets": [{"queue": "WQ1"}]}]}).warnings
    assert read({**routing(), "default_filter": {"queue": "WQ1"}}).default is None


def test_the_first_filter_that_matches_is_taken_then_the_default() -> None:
    one, two = ({"expression": f"n >= {n}", "targets": [{"queue": "WQ1"}]} for n in (5, 1))
    parsed = read(routing(one, two, default_filter={"queue": "WQ2"}))

    assert [parsed.enter({"n": n}) for n in (9, 3, 0)] == [Position(0, 0), Position(1, 0), DEFAULT]
    assert read(routing(one)).enter({"n": 0}) is None


def test_after_the_last_target_come_later_filters_and_the_default_only_for_the_skipped() -> None:
    steps = [{"queue": "WQ1", "timeout": 5}, {"timeout": 5}]
    one = {"expression": "1==1", "targets": steps}
    two = {"expression": "b == 1", "targets": steps}
    parsed = read(routing(one, two, default_filter={"queue": "WQ2"}))

    assert parsed.after(Position(0, 0), {}, skipped=False) == Position(0, 1)
    assert parsed.after(Position(0, 1), {"b": 1}, skipped=False) == Position(1, 0)
    assert parsed.after(Position(0, 1), {}, skipped=False) is None
    assert parsed.after(Position(0, 1), {}, skipped=True) == DEFAULT
    assert parsed.after(DEFAULT, {}, skipped=True) is None


def test_a_position_the_document_no_longer_has_is_no_target() -> None:
    parsed = read(routing({"expression": "1==1", "targets": [{"queue": "WQ1"}]}))

    assert parsed.target(Position(0, 5)) is None
    assert parsed.target(Position(5, 0)) is None
    assert parsed.target(DEFAULT) is None
