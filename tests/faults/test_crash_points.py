"""kill -9 at every numbered step between the provider's request and the agent's screen, and back."""

from __future__ import annotations

import threading
import time

import pytest

from contactcenter.lib import crash
from tests.faults.conftest import House

pytestmark = pytest.mark.faults

INBOUND = "SELECT seq, text FROM conversations_message WHERE direction = 'in' ORDER BY seq"
#: Where a send may have been cut between the provider's acceptance and our note of it.
AMBIGUOUS = {"delivery.claimed"}


def revive(house: House, until: threading.Event) -> list[str]:
    """Start again whoever dies, until told to stop; who did."""
    died: list[str] = []
    while not until.is_set():
        died += house.raise_the_dead()
        time.sleep(0.1)
    return died


@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", crash.POINTS)
def test_nothing_is_lost_or_doubled_when_a_process_dies_at(point: str, house: House) -> None:
    house.open(crash_at=point)
    done, died = threading.Event(), []
    guardian = threading.Thread(target=lambda: died.extend(revive(house, done)))
    guardian.start()
    try:
        customer = house.provider.person("Lina")
        agent = house.console()
        for text in ("one", "two", "three"):
            house.provider.write(customer, text)

        offer = agent.wait_for(lambda console: console.offer())
        accepted = agent.ask({"type": "reservation.accept", "reservation": offer["sid"]})
        assert accepted["type"] == "ok", accepted
        [conversation] = agent.wait_for(lambda console: console.held())
        agent.follow(conversation)
        sent = agent.ask(
            {"type": "message.send", "conversation": conversation, "key": "k1", "text": "four", "seen_seq": 3}
        )
        assert sent["type"] == "ok", sent

        agent.wait_for(lambda console: console.texts(conversation) == ["one", "two", "three", "four"])
        house.eventually(INBOUND, [(1, "one"), (2, "two"), (3, "three")])
        settled = "SELECT count(*) FROM conversations_transmission WHERE status IN ('queued', 'sending')"
        house.eventually(settled, [(0,)])
    finally:
        done.set()
        guardian.join()

    assert died, f"nobody reached {point}"
    received = house.provider.received(customer)
    if point in AMBIGUOUS:
        # Nobody can know whether the request went out: it is said so, and it is not sent a second time by itself.
        assert received in ([], ["four"])
    else:
        assert received == ["four"]
    assert house.rows("SELECT count(*) FROM conversations_conversation") == [(1,)]
    assert house.rows("SELECT status FROM routing_task") == [("assigned",)]
    assert house.rows("SELECT count(*) FROM routing_reservation WHERE status = 'accepted'") == [(1,)]
    assert house.rows("SELECT max(load) FROM routing_workerchannel") == [(1,)]
    assert house.rows("SELECT count(*) FROM conversations_inboundevent WHERE status NOT IN ('done', 'ignored')") == [
        (0,)
    ]
