"""Who has room and who comes first, where channels differ: weights, interruption, idleness by channel, age."""

from __future__ import annotations

from typing import Any

from routing.engine import workflow
from routing.engine.model import Move, WorkerSpec
from tests.routing.engine.test_matcher import Desk

ALL = {"queue": "all"}


class Office(Desk):
    """A desk that tells channels again, with their other properties."""

    def __init__(self, *targets: dict[str, Any], **options: Any) -> None:
        self.rules_of_channels = {name: options.pop(name, {}) for name in ("chat", "voice")}
        super().__init__(*targets, **options)
        for name, weight in (("chat", 10), ("voice", 30)):
            self.put_channel(name, name, weight, **self.rules_of_channels[name])


def test_three_chats_or_one_call_fill_an_agent() -> None:
    office = Office()
    office.worker("A", chats=3, capacity=30)
    for number in range(3):
        office.task(f"chat {number}", start=number)
    assert len(office.offers(5)) == 3

    office.task("call", start=6, channel="voice")
    assert office.offers(6) == []
    office.finished("chat 0", 7)
    assert office.offers(7) == []
    office.finished("chat 1", 8)
    office.finished("chat 2", 8)
    assert office.offers(8) == [("call", "A")]

    office.task("late chat", start=9)
    assert office.offers(9) == []


def test_a_call_interrupts_chats_where_they_can_be_but_chats_do_not_interrupt_a_call() -> None:
    office = Office(chat={"interruptible": True})
    office.worker("A", chats=3, capacity=30)
    for number in range(3):
        office.task(f"chat {number}", start=number)
    assert len(office.offers(5)) == 3

    office.task("call", start=6, channel="voice")
    assert office.offers(6) == [("call", "A")]
    office.finished("chat 0", 7)
    office.task("chat 3", start=8)
    assert office.offers(8) == []
    office.finished("call", 9)
    assert office.offers(9) == [("chat 3", "A")]


def test_who_comes_back_to_their_chats_is_offered_the_call_that_waits() -> None:
    office = Office(chat={"interruptible": True})
    office.worker("A", chats=3, capacity=30)
    for number in range(3):
        office.task(f"chat {number}", start=number)
    assert len(office.offers(5)) == 3
    office.worker("A", chats=3, capacity=30, available=False)
    office.task("call", start=6, channel="voice")
    assert office.offers(6) == []

    office.worker("A", chats=3, capacity=30)

    assert office.offers(7) == [("call", "A")]


def test_idleness_counts_by_channel_where_a_channel_says_so() -> None:
    offered = {}
    for is_optimized in (False, True):
        office = Office(voice={"optimized": is_optimized})
        for name, idle_on in (("A", 1.0), ("B", 2.0)):
            office.put_worker(
                WorkerSpec(
                    *(name, name, name, {}, "WA1", "Available", True, 100, idle_on),
                    {"chat": (3, True), "voice": (1, True)},
                    idle_on={"voice": idle_on},
                )
            )
        office.task("chat", start=3)
        (taken,) = (one for one in office.decide(3))
        office.accepted(taken.reservation, 4)  # type: ignore[union-attr]
        office.task("call", start=5, channel="voice")
        offered[is_optimized] = office.offers(5)

    assert offered == {False: [("call", "B")], True: [("call", "A")]}


def test_the_level_asked_for_sinks_while_a_task_waits() -> None:
    steps = [{"queue": "all", "expression": f"worker.levels.ar >= {level}", "timeout": 30} for level in (3, 2)]
    office = Office(*steps, {"queue": "all", "expression": "worker.levels.ar >= 1"})
    office.worker("Beginner", attributes={"levels": {"ar": 1}})
    office.task("t", start=0)

    assert office.offers(0) == []
    (move,) = office.decide(30)
    assert isinstance(move, Move)
    assert move.position == workflow.Position(0, 1)
    assert office.offers(60) == [("t", "Beginner")]


def test_a_task_that_ignores_capacity_reaches_its_worker_as_soon_as_they_exist() -> None:
    office = Office()
    office.task("t", direct=True, only_worker="A", ignore_capacity=True)
    assert office.offers(1) == []

    office.worker("A", chats=0, available=False)

    assert office.offers(2) == [("t", "A")]


def test_who_waited_as_long_as_anybody_may_comes_before_the_urgent() -> None:
    office = Office(overdue_after=60.0)
    office.worker("A")
    office.task("busy", start=0)
    office.decide(0)
    office.task("old", start=1)
    office.task("urgent", start=50, priority=9)
    office.decide(61)

    office.finished("busy", 62)

    assert office.offers(62) == [("old", "A")]


def test_before_that_the_urgent_comes_first() -> None:
    office = Office(overdue_after=60.0)
    office.worker("A")
    office.task("busy", start=0)
    office.decide(0)
    office.task("old", start=1)
    office.task("urgent", start=50, priority=9)
    office.decide(60.5)

    office.finished("busy", 60.5)

    assert office.offers(60.5) == [("urgent", "A")]


def test_a_capacity_that_changes_with_something_else_is_looked_at_by_who_asks_for_it() -> None:
    office = Office({"queue": "all", "expression": "worker.channel.chat.configured_capacity > task.level"})
    office.worker("A", chats=0, attributes={"team": "x"})
    office.task("t", start=0, attributes={"level": 0})
    assert office.offers(1) == []

    office.worker("A", chats=1, attributes={"team": "y"})

    assert office.offers(2) == [("t", "A")]
