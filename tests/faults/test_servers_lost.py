"""Redis emptied, PostgreSQL restarted, processes killed, all in the middle of the work."""

from __future__ import annotations

import concurrent.futures
import json

import httpx
import pytest

from contactcenter.bench import site
from tests.faults.conftest import House

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PEOPLE = 12
TEXTS = 5
LIVE_TASKS = "SELECT count(*) FROM routing_task WHERE status IN ('pending', 'reserved', 'assigned')"
ORDER = """
    SELECT i.display_name, array_agg(m.text ORDER BY m.seq)
    FROM conversations_message m
    JOIN conversations_conversation c ON c.id = m.conversation_id
    JOIN conversations_identity i ON i.id = c.identity_id
    WHERE m.direction = 'in' GROUP BY c.id, i.display_name
"""

OFFERS_OF_AGENT0 = """
    SELECT count(*) FROM routing_reservation r
    JOIN routing_worker w ON w.id = r.worker_id WHERE w.friendly_name = 'agent0'
"""


def everybody_writes(house: House, hurt: object) -> None:
    """Every person writes their texts one after another, all people at once; ``hurt()`` comes half-way."""
    people = [house.provider.person(f"Person {number}") for number in range(PEOPLE)]

    def write_all(person: object) -> None:
        for number in range(TEXTS):
            house.provider.write(person, f"{number}")  # type: ignore[arg-type]

    with concurrent.futures.ThreadPoolExecutor(PEOPLE) as pool:
        writing = [pool.submit(write_all, person) for person in people]
        while len(house.provider.accepted) < PEOPLE * TEXTS // 3:
            concurrent.futures.wait(writing, timeout=0.05)
        hurt()  # type: ignore[operator]
        for one in writing:
            one.result()


def everything_arrived(house: House) -> None:
    house.eventually("SELECT count(*) FROM conversations_message WHERE direction = 'in'", [(PEOPLE * TEXTS,)])
    texts = [texts for _, texts in house.rows(ORDER)]
    assert texts == [[str(number) for number in range(TEXTS)]] * PEOPLE
    house.eventually(LIVE_TASKS, [(PEOPLE,)])
    house.eventually("SELECT count(*) FROM routing_reservation WHERE status = 'pending'", [(PEOPLE,)])
    assert house.rows("SELECT task_id FROM routing_reservation GROUP BY task_id HAVING count(*) > 1") == []


def test_redis_is_emptied_in_the_middle(house: House) -> None:
    house.open()
    agent = house.console()

    everybody_writes(house, house.stack.redis.flush)

    everything_arrived(house)
    mine = house.rows(OFFERS_OF_AGENT0)
    agent.wait_for(lambda console: len(console.worker["reservations"]) == mine[0][0])


def test_redis_is_killed_and_comes_back_empty(house: House) -> None:
    house.open()

    everybody_writes(house, house.stack.redis.restart)

    everything_arrived(house)


def test_postgresql_is_restarted_in_the_middle(house: House) -> None:
    house.open()
    agent = house.console()

    everybody_writes(house, house.stack.postgres.restart)

    everything_arrived(house)
    mine = house.rows(OFFERS_OF_AGENT0)
    agent.wait_for(lambda console: len(console.worker["reservations"]) == mine[0][0])


def test_every_process_is_killed_in_the_middle(house: House) -> None:
    house.open()

    def kill_all() -> None:
        for role in house.cluster.roles:
            role.kill()
        house.raise_the_dead()

    everybody_writes(house, kill_all)

    everything_arrived(house)


def test_the_same_webhook_fifty_times_at_once_is_one_message(house: House) -> None:
    house.open()
    body, headers = site.webhook("only once", psid="9100000000000001", mid="m_once")

    def post(_: int) -> int:
        url = house.cluster.url + house.hook
        return httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False).status_code

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = set(pool.map(post, range(50)))

    assert statuses == {200}
    house.eventually(LIVE_TASKS, [(1,)])
    assert house.rows("SELECT text FROM conversations_message WHERE direction = 'in'") == [("only once",)]
    assert house.rows("SELECT count(*) FROM conversations_conversation") == [(1,)]


def test_two_hundred_messages_of_one_person_keep_their_order_over_several_workers(house: House) -> None:
    house.open(roles=("web", "worker", "worker", "worker", "worker", "route", "beat"))
    texts = [str(number) for number in range(200)]

    with httpx.Client(trust_env=False, timeout=30) as client:
        for number, text in enumerate(texts):
            body, headers = site.webhook(text, psid="9100000000000002", at_ms=1_780_000_000_000 + number)
            assert client.post(house.cluster.url + house.hook, content=body, headers=headers).status_code == 200

    house.eventually("SELECT count(*) FROM conversations_message WHERE direction = 'in'", [(200,)])
    stored = [
        text for (text,) in house.rows("SELECT text FROM conversations_message WHERE direction = 'in' ORDER BY seq")
    ]
    assert stored == texts
    assert json.dumps(house.rows("SELECT min(seq), max(seq) FROM conversations_message")) == "[[1, 200]]"


def test_while_the_database_is_away_the_provider_is_told_to_come_back(house: House) -> None:
    house.open(roles=("web",))
    body, headers = site.webhook("later", psid="9100000000000003", mid="m_later")
    url = house.cluster.url + house.hook
    house.stack.postgres.stop()

    away = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code
    house.stack.postgres.start()
    house.provider._post(url, body, headers)

    assert away == 503
    assert house.rows("SELECT count(*) FROM conversations_payload") == [(1,)]
