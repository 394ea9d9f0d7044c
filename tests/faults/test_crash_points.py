"""kill -9 at every numbered step between the provider's request and the agent's screen, and back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from channels_adapters.simulator.base import Persona
from contactcenter.bench.cluster import Role
from contactcenter.lib import crash
from tests.faults.conftest import House
from tests.faults.console import Console
from tests.support.waiting import until

pytestmark = pytest.mark.faults

#: Which process passes a point.
WHERE = {
    "inbound.before_commit": "web",
    "inbound.committed": "web",
    "lane.claimed": "worker",
    "message.stored": "worker",
    "flow.advanced": "worker",
    "task.created": "worker",
    "lane.done": "worker",
    "router.decided": "route",
    "router.committed": "route",
    "accept.committed": "web",
    "send.committed": "web",
    "delivery.claimed": "sender",
    "delivery.sent": "sender",
    "delivery.recorded": "sender",
}
#: Nobody can know whether the request went out: it is said so, and it is not sent a second time by itself.
AMBIGUOUS = {"delivery.claimed"}

OF_PERSON = """
    FROM conversations_conversation c JOIN conversations_identity i ON i.id = c.identity_id
    {join} WHERE i.address = %s {where}
"""
INBOUND = "SELECT m.text" + OF_PERSON.format(
    join="JOIN conversations_message m ON m.conversation_id = c.id", where="AND m.direction = 'in' ORDER BY m.seq"
)
UNSETTLED = "SELECT count(*)" + OF_PERSON.format(
    join="JOIN conversations_transmission t ON t.conversation_id = c.id", where="AND t.status IN ('queued', 'sending')"
)
IDS = "SELECT c.id" + OF_PERSON.format(join="", where="")
CONVERSATIONS = "SELECT count(*)" + OF_PERSON.format(join="", where="")
TASKS = "SELECT k.status" + OF_PERSON.format(join="JOIN routing_task k ON k.conversation_id = c.id", where="")
ACCEPTED = "SELECT count(*)" + OF_PERSON.format(
    join="JOIN routing_task k ON k.conversation_id = c.id JOIN routing_reservation r ON r.task_id = k.id",
    where="AND r.status = 'accepted'",
)
UNDONE = "SELECT count(*) FROM conversations_inboundevent WHERE status NOT IN ('done', 'ignored')"
LOAD = """
    SELECT w.load = (SELECT coalesce(sum(r.weight), 0) FROM routing_reservation r
                     WHERE r.worker_id = w.id AND r.status IN ('pending', 'accepted', 'wrapping'))
    FROM routing_worker w
"""


def test_every_point_has_its_process() -> None:
    assert set(WHERE) == set(crash.POINTS)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("point", crash.POINTS)
def test_nothing_is_lost_or_doubled_when_a_process_dies_at(point: str, house: House) -> None:
    customer = house.provider.person(f"Lina {point}")
    agents = [house.console(number) for number in range(len(house.cookies))]
    doomed = house.doom(WHERE[point], point)
    nurse = threading.Thread(target=_start_again, args=(house, doomed))
    nurse.start()
    try:
        for text in ("one", "two", "three"):
            house.provider.write(customer, text)
        agent, offer = _offered(house, agents, customer)
        accepted = agent.ask({"type": "reservation.accept", "reservation": offer["sid"]})
        assert accepted["type"] == "ok", accepted
        conversation = offer["conversation"]["sid"]
        agent.wait_for(lambda console: conversation in console.held())
        agent.follow(conversation)
        agent.wait_for(lambda console: console.texts(conversation) == ["one", "two", "three"])
        send = {"type": "message.send", "conversation": conversation, "key": "k1", "text": "four"}
        sent = agent.ask({**send, "seen_seq": 99})
        assert sent["type"] == "ok", sent

        agent.wait_for(lambda console: console.texts(conversation) == ["one", "two", "three", "four"])
        house.eventually(INBOUND, [("one",), ("two",), ("three",)], customer.address)
        house.eventually(UNSETTLED, [(0,)], customer.address, seconds=90)
        house.eventually(UNDONE, [(0,)])
    finally:
        nurse.join()
        for agent in agents:
            agent.close()

    received = [text for text in house.provider.received(customer) if text == "four"]  # not the queue's notices
    assert received in ([[], ["four"]] if point in AMBIGUOUS else [["four"]])
    assert house.rows(CONVERSATIONS, customer.address) == [(1,)]
    assert house.rows(TASKS, customer.address) == [("assigned",)]
    assert house.rows(ACCEPTED, customer.address) == [(1,)]
    assert set(house.rows(LOAD)) == {(True,)}


def _start_again(house: House, doomed: Role) -> None:
    """Once the process has died of its point, start its successor."""
    until(lambda: not doomed.is_alive, 120, why=lambda: f"{doomed.name} did not get to its point")
    assert doomed.process.returncode == -9, f"{doomed.name} did not get to its point"
    house.raise_the_dead()


def _offered(house: House, agents: list[Console], customer: Persona) -> tuple[Console, dict[str, Any]]:
    """(console, reservation): who was offered this customer."""

    def ask() -> tuple[Console, dict[str, Any]] | None:
        sids = {f"CH{row_id.hex}" for (row_id,) in house.rows(IDS, customer.address)}
        for agent in agents:
            for reservation in (agent.worker or {"reservations": []})["reservations"]:
                if reservation["status"] == "pending" and reservation["conversation"]["sid"] in sids:
                    return agent, reservation
        return None

    def why() -> str:
        return f"nobody was offered {customer.name}: {[agent.worker for agent in agents]}"

    found = until(ask, 60, every=0.1, why=why)
    assert found is not None
    return found
