"""The matcher's rules one by one, where a random story seldom leads."""

from __future__ import annotations

import itertools
from typing import Any

from routing.engine import expression, workflow
from routing.engine.matcher import MAX_ASSIGNMENTS, Matcher
from routing.engine.model import (
    TOO_MANY_ASSIGNMENTS,
    WORKFLOW_SKIPPED,
    Cancel,
    Expire,
    Held,
    Move,
    Offer,
    TaskSpec,
    WorkerSpec,
    WrapUpOver,
)
from routing.engine.workflow import Position


class Desk(Matcher):
    """A matcher with queues "all" and "odd", and short ways to tell it things."""

    def __init__(self, *targets: dict[str, Any], **options: Any) -> None:
        ids = itertools.count(1)
        super().__init__(new_id=lambda: next(ids), **options)
        self.put_channel("chat", "chat", 10)
        self.put_channel("voice", "voice", 30)
        self.put_queue("all", expression.compile("1==1").node)
        self.put_queue("odd", expression.compile("odd == true").node)
        self.put_queue("newest", expression.compile("1==1").node, newest_first=True)
        document = {
            "task_routing": {"filters": [{"expression": "1==1", "targets": list(targets) or [{"queue": "all"}]}]}
        }
        self.put_workflow("W", workflow.parse(document, lambda name: name if name in self.queues else None), 60.0)

    def worker(self, name: str, *, chats: int = 1, idle: float = 0.0, **changes: Any) -> None:
        attributes = changes.pop("attributes", {})
        self.put_worker(
            WorkerSpec(
                id=name,
                sid=name,
                name=name,
                attributes=attributes,
                activity_sid="WA1",
                activity_name="Available",
                available=changes.pop("available", True),
                capacity=changes.pop("capacity", 100),
                idle_since=idle,
                channels={"chat": (chats, True), "voice": (1, True)},
            )
        )

    def task(self, name: str, *, start: float = 0.0, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "queue": "all",
            "channel": "chat",
            "workflow": "W",
            "start": start,
            "entered": start,
            "position": Position(0, 0),
        }
        self.put_task(TaskSpec(id=name, **{**fields, **changes}))

    def offers(self, now: float) -> list[tuple[Any, Any]]:
        return [(one.task, one.worker) for one in self.decide(now) if isinstance(one, Offer)]


def test_a_new_urgent_task_comes_before_an_old_one_for_a_worker_who_just_came() -> None:
    desk = Desk()
    desk.task("old", start=0)
    assert desk.offers(1) == []

    desk.worker("A")
    desk.task("urgent", start=5, priority=1)

    assert desk.offers(5) == [("urgent", "A")]


def test_of_those_who_declined_long_ago_the_earliest_is_asked_first() -> None:
    desk = Desk()
    desk.worker("A", idle=2)
    desk.worker("B", idle=1)

    desk.task("t", declined={"A": 10.0, "B": 20.0})
    assert desk.offers(39) == []
    desk.worker("A", idle=2, available=False)
    assert desk.offers(45) == []
    desk.task("u", declined={"A": 10.0, "B": 20.0}, channel="voice")
    desk.worker("A", idle=2)

    assert desk.offers(55) == [("t", "A"), ("u", "A")]


def test_somebody_new_comes_before_those_who_declined() -> None:
    desk = Desk()
    desk.worker("A")
    desk.task("t", declined={"A": 10.0})
    desk.decide(39)
    desk.worker("New", idle=39)

    assert desk.offers(41) == [("t", "New")]


def test_what_one_declined_does_not_keep_them_from_the_next_in_line() -> None:
    desk = Desk()
    desk.task("first", start=0, declined={"A": 0.5})
    desk.task("second", start=1, declined={"A": 0.6})
    desk.task("third", start=2)
    desk.task("fourth", start=3)
    desk.decide(4)

    desk.worker("A", chats=2)  # one worker alone goes past what they declined
    assert desk.offers(5) == [("third", "A"), ("fourth", "A")]


def test_several_workers_at_once_also_go_past_what_each_declined() -> None:
    desk = Desk()
    desk.task("first", start=0, declined={"A": 0.5, "B": 0.5})
    desk.task("second", start=1, declined={"A": 0.6})
    desk.task("third", start=2)
    desk.decide(4)

    desk.worker("A", idle=1)
    desk.worker("B", idle=2)

    assert desk.offers(5) == [("second", "B"), ("third", "A")]


def test_each_of_many_tasks_goes_to_whoever_is_idle_the_longest() -> None:
    desk = Desk()
    for number in range(40):
        desk.task(f"t{number:02}", start=number)
    for number in range(40):
        desk.worker(f"w{number:02}", idle=float(number))

    assert desk.offers(100) == [(f"t{number:02}", f"w{number:02}") for number in range(40)]


def test_after_a_long_absence_every_step_is_tried_once() -> None:
    desk = Desk({"queue": "odd", "timeout": 10}, {"queue": "all", "timeout": 10}, {"queue": "odd", "timeout": 10})
    desk.worker("A")
    desk.task("t", queue="odd")

    decisions = desk.decide(1000)

    assert [type(one).__name__ for one in decisions] == ["Move", "Offer"]
    assert (decisions[0].position, decisions[1].worker) == (Position(0, 1), "A")  # type: ignore[union-attr]


def test_steps_nobody_can_serve_are_gone_through_to_the_end_at_once() -> None:
    desk = Desk({"queue": "odd", "skip_if": "1==1"}, {"queue": "odd", "skip_if": "workers.available == 0"})
    desk.task("t", queue="odd")

    move, cancel = desk.decide(1)

    assert isinstance(move, Move)
    assert cancel == Cancel("t", WORKFLOW_SKIPPED)


def test_skip_if_counts_by_activity() -> None:
    desk = Desk({"queue": "odd", "skip_if": "workers.WA1 == 0 AND workers.unavailable == 1"}, {"queue": "all"})
    desk.worker("A", attributes={"odd": True}, available=False)
    desk.task("t", queue="odd")
    assert desk.decide(1) == []  # WA1 is counted whatever it means

    desk.worker("B", attributes={"odd": True}, chats=0)
    assert desk.decide(2) == []


def test_a_worker_moved_by_their_own_counters_gets_what_they_now_fit() -> None:
    desk = Desk({"queue": "all", "expression": "worker.channel.chat.assigned_tasks > 0"})
    desk.worker("A", chats=2)
    desk.task("waits")
    assert desk.offers(1) == []

    desk.put_task(
        TaskSpec("held", queue="all", channel="chat", state="held", reservations=(Held("r", "A", True, None, 1, 10),))
    )

    assert desk.offers(2) == [("waits", "A")]


def test_a_share_of_capacity_may_be_asked_for() -> None:
    desk = Desk({"queue": "all", "expression": "worker.channel.chat.available_capacity_percentage > 50"})
    desk.worker("A", chats=3)
    for name in ("one", "two", "three"):
        desk.task(name)

    assert desk.offers(1) == [("one", "A"), ("two", "A")]  # 100 %, 66 %; then 33 %


def test_a_task_that_ignores_capacity_goes_to_a_full_and_absent_worker() -> None:
    desk = Desk()
    desk.worker("A", chats=0, available=False)

    desk.task("t", ignore_capacity=True, direct=True, only_worker="A")

    assert desk.offers(1) == [("t", "A")]


def test_a_task_sent_to_one_worker_waits_for_them() -> None:
    desk = Desk()
    desk.worker("A")
    desk.worker("B", available=False)
    desk.task("t", direct=True, only_worker="B")
    assert desk.offers(1) == []

    desk.worker("B")

    assert desk.offers(2) == [("t", "B")]


def test_a_weighted_total_limits_what_channels_allow() -> None:
    desk = Desk()
    desk.worker("A", chats=5, capacity=30)
    desk.task("call", channel="voice", start=1)
    desk.task("chat", start=2)
    assert desk.offers(3) == [("call", "A")]

    desk.worker("B", chats=5, capacity=30)
    for number in range(4):
        desk.task(f"c{number}", start=4 + number)

    assert desk.offers(9) == [("chat", "B"), ("c0", "B"), ("c1", "B")]


def test_queues_of_the_kind_named_are_drained_first() -> None:
    for newest_first, expected in (
        (False, ["old", "new", "newest", "newer"]),
        (True, ["newest", "newer", "old", "new"]),
    ):
        desk = Desk(newest_queues_first=newest_first)
        desk.task("old", start=1)
        desk.task("new", start=4)
        desk.task("newer", start=2, queue="newest", direct=True, priority=9)
        desk.task("newest", start=3, queue="newest", direct=True)
        desk.decide(5)
        desk.worker("A", chats=4)

        assert [task for task, _ in desk.offers(6)] == expected


def test_a_task_offered_too_often_is_given_up() -> None:
    desk = Desk()
    desk.worker("A")

    desk.task("t", assignments=MAX_ASSIGNMENTS)

    assert desk.decide(1) == [Cancel("t", TOO_MANY_ASSIGNMENTS)]


def test_deadlines_of_offers_and_wrap_ups() -> None:
    desk = Desk()
    desk.worker("A", chats=2)
    held = Held("r", "A", True, None, 1, 10)
    desk.put_task(TaskSpec("w", "all", "chat", state="held", wrap_due=50.0, reservations=(held,)))
    desk.task("t")
    (offer,) = desk.decide(0)
    assert isinstance(offer, Offer)
    assert (offer.due, desk.next_due()) == (60.0, 50.0)

    assert desk.decide(50) == [WrapUpOver("w")]
    assert desk.decide(59.9) == []
    assert desk.decide(60) == [Expire(offer.reservation)]


def test_an_offer_whose_end_was_not_recorded_is_asked_for_again() -> None:
    desk = Desk()
    desk.worker("A")
    desk.task("t")
    (offer,) = desk.decide(0)
    assert isinstance(offer, Offer)
    desk.decide(60)

    row = Held(offer.reservation, "A", False, 60.0, 1, 10)
    desk.task("t", state="offered", reservations=(row,))

    assert desk.decide(61) == [Expire(offer.reservation)]


def test_telling_the_same_twice_changes_nothing() -> None:
    desk = Desk()
    desk.worker("A", chats=2)
    desk.task("t")
    (offer,) = desk.decide(0)
    assert isinstance(offer, Offer)
    row = Held(offer.reservation, "A", True, None, 1, 10)

    for now in (1, 2):
        desk.worker("A", chats=2)
        desk.task("t", state="held", reservations=(row,))
        assert desk.decide(now) == []

    worker = desk.workers["A"]
    assert (worker.load, worker.loads, worker.pending, worker.accepted) == (10, [1, 0], 0, [1, 0])


def test_a_refused_offer_is_forgotten_by_telling_what_the_rows_say() -> None:
    """The router decided, the database refused: the task is canceled there, the worker on a break."""
    desk = Desk()
    desk.worker("A")
    desk.task("t")
    desk.decide(0)

    desk.worker("A", available=False)
    desk.drop_task("t")

    assert desk.decide(1) == []
    assert (desk.workers["A"].load, desk.holds, len(desk.clock)) == (0, {}, 0)


def test_unknown_things_may_be_dropped() -> None:
    desk = Desk()
    desk.drop_task("nothing")
    desk.drop_worker("nobody")

    assert desk.decide(1) == []


def test_a_worker_who_is_gone_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.worker("A")
    desk.task("t")
    desk.decide(0)
    desk.drop_worker("A")
    desk.worker("B")
    desk.task("next", start=1)

    assert desk.offers(2) == [("next", "B")]
    assert desk.slots[1] is desk.workers["B"]
