"""Redis emptied, PostgreSQL restarted, processes killed, all in the middle of the work."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

import httpx
import pytest

from channels_adapters.simulator.base import Persona
from contactcenter.bench import site
from tests.faults.conftest import House

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PEOPLE = 12
TEXTS = 5
THEIRS = """
    FROM conversations_conversation c JOIN conversations_identity i ON i.id = c.identity_id
    {join} WHERE i.address = ANY(%s) {where}
"""
MESSAGES = "SELECT count(*)" + THEIRS.format(
    join="JOIN conversations_message m ON m.conversation_id = c.id", where="AND m.direction = 'in'"
)
IN_ORDER = "SELECT array_agg(m.text ORDER BY m.seq)" + THEIRS.format(
    join="JOIN conversations_message m ON m.conversation_id = c.id", where="AND m.direction = 'in' GROUP BY c.id"
)
TASKS = "SELECT count(*)" + THEIRS.format(
    join="JOIN routing_task k ON k.conversation_id = c.id",
    where="AND k.status IN ('pending', 'reserved', 'assigned')",
)
OFFERS = "SELECT count(DISTINCT k.id), count(*)" + THEIRS.format(
    join="JOIN routing_task k ON k.conversation_id = c.id JOIN routing_reservation r ON r.task_id = k.id",
    where="AND r.status = 'pending'",
)
OF_AGENT0 = """
    SELECT count(*) FROM routing_reservation r JOIN routing_worker w ON w.id = r.worker_id
    WHERE w.friendly_name = 'agent0' AND r.status IN ('pending', 'accepted', 'wrapping')
"""


def everybody_writes(house: House, hurt: Callable[[], None]) -> list[str]:
    """Every person writes their texts one after another, all people at once; ``hurt()`` comes in the middle.

    Returns the people's addresses.
    """
    people = [house.provider.person(f"Person {number}") for number in range(PEOPLE)]
    before = len(house.provider.accepted)

    def write_all(person: Persona) -> None:
        for number in range(TEXTS):
            house.provider.write(person, f"{number}")

    with concurrent.futures.ThreadPoolExecutor(PEOPLE) as pool:
        writing = [pool.submit(write_all, person) for person in people]
        while len(house.provider.accepted) - before < PEOPLE * TEXTS // 3:
            concurrent.futures.wait(writing, timeout=0.05)
        hurt()
        for one in writing:
            one.result()
    return [person.address for person in people]


def everything_arrived(house: House, people: list[str]) -> None:
    house.eventually(MESSAGES, [(PEOPLE * TEXTS,)], people)
    assert house.rows(IN_ORDER, people) == [([str(number) for number in range(TEXTS)],)] * PEOPLE
    house.eventually(TASKS, [(PEOPLE,)], people)
    house.eventually(OFFERS, [(PEOPLE, PEOPLE)], people)


def test_redis_is_emptied_in_the_middle(house: House) -> None:
    agent = house.console()

    people = everybody_writes(house, house.stack.redis.flush)

    everything_arrived(house, people)
    [(mine,)] = house.rows(OF_AGENT0)
    agent.wait_for(lambda console: len(console.worker["reservations"]) == mine)


def test_redis_is_killed_and_comes_back_empty(house: House) -> None:
    people = everybody_writes(house, house.stack.redis.restart)

    everything_arrived(house, people)


def test_postgresql_is_restarted_in_the_middle(house: House) -> None:
    agent = house.console()

    people = everybody_writes(house, house.stack.postgres.restart)

    everything_arrived(house, people)
    [(mine,)] = house.rows(OF_AGENT0)
    agent.wait_for(lambda console: len(console.worker["reservations"]) == mine)


def test_every_process_is_killed_in_the_middle(house: House) -> None:
    def kill_all() -> None:
        for role in house.cluster.roles:
            role.kill()
        house.raise_the_dead()

    people = everybody_writes(house, kill_all)

    everything_arrived(house, people)


def test_the_same_webhook_fifty_times_at_once_is_one_message(house: House) -> None:
    person = "9100000000000001"
    body, headers = site.webhook("only once", psid=person, mid="m_once")

    def post(_: int) -> int:
        url = house.cluster.url + house.hook
        return httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = set(pool.map(post, range(50)))

    assert statuses == {200}
    house.eventually(TASKS, [(1,)], [person])
    assert house.rows(IN_ORDER, [person]) == [(["only once"],)]


def test_two_hundred_messages_of_one_person_keep_their_order_over_several_workers(house: House) -> None:
    for _ in range(2):
        house.cluster.start("worker")
    person, texts = "9100000000000002", [str(number) for number in range(200)]

    with httpx.Client(trust_env=False, timeout=60) as client:
        for number, text in enumerate(texts):
            body, headers = site.webhook(text, psid=person, at_ms=1_780_000_000_000 + number)
            assert client.post(house.cluster.url + house.hook, content=body, headers=headers).status_code == 200

    house.eventually(MESSAGES, [(200,)], [person])
    assert house.rows(IN_ORDER, [person]) == [(texts,)]


def test_while_the_database_is_away_the_provider_is_told_to_come_back(house: House) -> None:
    person = "9100000000000003"
    body, headers = site.webhook("later", psid=person, mid="m_later")
    url = house.cluster.url + house.hook
    house.stack.postgres.stop()

    away = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code
    house.stack.postgres.start()
    house.provider._post(url, body, headers)

    assert away == 503
    house.eventually(MESSAGES, [(1,)], [person])
