"""Who belongs to a queue, counted by an index: the same as asking every worker."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from routing import members
from routing.models import TaskQueue
from tests.factories import routing as make

EXPRESSIONS = [
    *("1==1", "1==0", "", "level > 2", "skills HAS 'a'", "skills HAS 'a' AND level != 3", "level == null"),
    *("'b' IN skills OR level >= 4", "name NOT IN ['w1', 'w2']", "o.k CONTAINS 'x'", "a == 'b', 'c'"),
]


def people(number: int) -> list[tuple[dict[str, Any], str]]:
    found = []
    for n in range(number):
        attributes: dict[str, Any] = {"skills": ["a", "b", "c"][: n % 4], "name": f"w{n}", "o": {"k": "xyz"[: n % 3]}}
        if n % 5:
            attributes["level"] = n % 6
        found.append((attributes, "on" if n % 3 else "off"))
    return found


def test_counting_by_index_is_asking_everybody() -> None:
    crowd = people(60)
    queues = [TaskQueue(friendly_name=text, target_workers=text) for text in EXPRESSIONS]

    counted = members.count_by_queue(crowd, queues)

    for queue in queues:
        test = members.target(queue.target_workers).matches
        assert counted[queue.pk] == Counter(kind for attributes, kind in crowd if test(attributes)), queue


@pytest.mark.django_db
def test_members_are_listed_with_whether_they_are_available() -> None:
    ann = make.worker(name="Ann", attributes={"skills": ["a"]})
    bob = make.worker(name="Bob", attributes={"skills": ["a"]}, activity_name="Break")
    make.worker(name="Cid", attributes={"skills": ["b"]})
    queue, empty = make.queue(target_workers="skills HAS 'a'"), make.queue(target_workers="")

    found = members.by_queue(queue.workspace_id, [queue, empty])

    assert found == {queue.pk: {ann.pk: True, bob.pk: False}, empty.pk: {}}


def test_thousands_of_queues_and_workers_are_counted_in_bounded_time() -> None:
    crowd = people(5000)
    queues = [TaskQueue(target_workers=f"level == {n % 7} AND skills HAS 's{n}'") for n in range(1000)]
    started = time.process_time()

    members.count_by_queue(crowd, queues)

    assert time.process_time() - started < 2
