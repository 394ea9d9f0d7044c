"""The matcher's parts, each against the obvious way to do the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.clockwork import Clockwork
from routing.engine.eligibility import SPARE, Eligibility
from routing.engine.expression import compile
from routing.engine.idle import IdleOrder
from routing.engine.lanes import NOTHING, TICKET_MASK, Lanes, pack

# ---- clockwork


class Bell:
    """Somebody with a deadline."""

    def __init__(self) -> None:
        self.alarm: float | None = None


def test_alarms_go_off_in_order_and_canceled_ones_never() -> None:
    clock = Clockwork()
    first, second, third = Bell(), Bell(), Bell()
    clock.set(third, 3.0)
    clock.set(second, 2.0)
    clock.set(first, 1.0)
    clock.cancel(second)
    clock.cancel(second)

    assert (clock.next_due(), len(clock)) == (1.0, 2)
    assert clock.pop_due(2.5) == [first]
    assert clock.pop_due(3.0) == [third]
    assert (clock.next_due(), len(clock)) == (None, 0)


def test_an_alarm_set_anew_goes_off_once_at_its_last_time() -> None:
    clock, bell = Clockwork(), Bell()
    for due in (2.0, 5.0, 2.0, 4.0):
        clock.set(bell, due)

    assert (clock.pop_due(3.0), len(clock), clock.next_due()) == ([], 1, 4.0)
    assert clock.pop_due(9.0) == [bell]
    assert (bell.alarm, len(clock)) == (None, 0)


def test_canceled_alarms_do_not_pile_up() -> None:
    clock = Clockwork()
    clock.set(Bell(), 1e9)
    for number in range(10_000):
        bell = Bell()
        clock.set(bell, 1e6 + number)
        clock.cancel(bell)

    assert sum(map(len, clock._buckets.values())) < 200


# ---- idle order


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5), st.booleans()), max_size=60))
def test_the_idle_list_is_always_sorted_by_time_then_slot(steps: list[tuple[int, int, bool]]) -> None:
    order = IdleOrder()
    order.grow(12)
    expected: dict[int, int] = {}
    for slot, since, leaves in steps:
        if slot in expected:
            order.remove(slot)
            del expected[slot]
        if not leaves:
            order.insert(slot, float(since))
            expected[slot] = since

    walked, slot = [], order.after[0]
    while slot:
        walked.append(slot)
        slot = order.after[slot]
    assert walked == sorted(expected, key=lambda one: (expected[one], one))
    assert order.size == len(expected)
    assert all((order.keys[one] >= 0) == (one in expected) for one in range(1, 13))


# ---- lanes


def test_keys_order_by_priority_then_age_and_newest_first_where_asked() -> None:
    fifo: dict[str, Any] = {"last": False, "newest_first": False}
    old, new = pack(**fifo, priority=0, start=1.0, ticket=2), pack(**fifo, priority=0, start=2.0, ticket=1)
    urgent = pack(**fifo, priority=1, start=3.0, ticket=3)
    assert sorted([new, old, urgent]) == [urgent, old, new]

    newest = [pack(last=True, newest_first=True, priority=9, start=start, ticket=1) for start in (1.0, 2.0)]
    assert sorted([*newest, new]) == [new, newest[1], newest[0]]
    assert max(newest) < NOTHING


keys = st.integers(0, 30)


@pytest.mark.parametrize("wide", [False, True])
@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 2), keys), max_size=80),
    classes=st.sets(st.integers(0, 2), min_size=1),
    barred=st.sets(keys, max_size=10),
)
def test_lanes_know_the_best_waiting_task(
    wide: bool, steps: list[tuple[int, int]], classes: set[int], barred: set[int]
) -> None:
    lanes = Lanes()
    lanes.add_channel()
    lanes.grow(2)
    if wide:
        lanes.widen()
    waiting: set[tuple[int, int]] = set()
    for klass, number in steps:
        key = number << 40 | number
        if (klass, key) in waiting:
            lanes.remove(0, klass, key)
            waiting.discard((klass, key))
        elif all(key != other for _, other in waiting):
            lanes.push(0, klass, key)
            waiting.add((klass, key))

    mine = sorted(key for klass, key in waiting if klass in classes)
    allowed = [key for key in mine if key & TICKET_MASK not in barred]
    first = lanes.first_of(0, classes) if wide else min(lanes.heads[0][klass] for klass in classes)
    assert first == (mine[0] if mine else NOTHING)
    assert lanes.first_except(0, sorted(classes), barred) == (allowed[0] if allowed else NOTHING)
    assert lanes.count() == len(waiting)
    assert lanes.filled == [len({klass for klass, _ in waiting})]
    assert sorted(key for klass in range(3) for key in lanes.keys(0, klass)) == sorted(key for _, key in waiting)


def test_dead_entries_do_not_pile_up() -> None:
    lanes = Lanes()
    lanes.add_channel()
    lanes.grow(0)
    for key in range(10_000):
        lanes.push(0, 0, key)
    for key in range(1, 10_000):
        lanes.remove(0, 0, key)

    assert len(lanes._heaps[0][0]) < 100
    assert lanes.heads[0][0] == 0


# ---- eligibility


def test_equal_expressions_are_one_class_and_unused_ones_are_given_up() -> None:
    eligibility = Eligibility()
    eligibility.put_worker(1, {"level": 3})
    eligibility.put_worker(2, {"level": 1})

    one = eligibility.hold(compile("level >= 2 AND 1==1").node)
    assert eligibility.hold(compile("(level >= 2)").node) == one
    assert eligibility.members[one] == 1 << 1

    eligibility.put_worker(2, {"level": 2})
    assert (eligibility.members[one], eligibility.classes[2]) == (0b110, [one])
    eligibility.drop_worker(1)
    assert (eligibility.members[one], eligibility.classes[1]) == (0b100, [])

    eligibility.release(one)
    eligibility.release(one)
    for number in range(SPARE):
        eligibility.release(eligibility.hold(compile(f"level == {number + 10}").node))
    assert one not in eligibility.class_sets[2]
    assert len(eligibility.members) <= SPARE + 2
    again = eligibility.hold(compile("level >= 2").node)
    assert eligibility.members[again] == 0b100


def test_flags_follow_the_members() -> None:
    eligibility = Eligibility()
    klass = eligibility.hold(compile("a == 1").node)
    eligibility.put_worker(1, {"a": 1})
    assert list(eligibility.flags(klass)[:3]) == [0, 1, 0]

    eligibility.put_worker(1, {"a": 2})
    for slot in range(2, 200):
        eligibility.put_worker(slot, {"a": 1})

    assert sum(eligibility.flags(klass)) == 198
    assert eligibility.flags(klass)[1] == 0
