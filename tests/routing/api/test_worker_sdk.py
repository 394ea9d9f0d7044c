"""The npm worker SDK, unmodified, over our event bridge."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant
from twilio.rest import Client

from contactcenter.bench.cluster import ROOT, Cluster
from contactcenter.bench.servers import Stack
from contactcenter.lib import bootstrap
from tests.routing.api.conftest import Site
from tests.routing.api.test_sdk import Desk
from tests.support.waiting import until

SCRIPT = Path(__file__).with_name("worker_sdk.mjs")


class Sdk:
    """One SDK in a Node process: commands in, what it says out."""

    def __init__(self, token: str, url: str, *options: str) -> None:
        node, _folder = bootstrap.node()
        self.said: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._process = subprocess.Popen(
            [node, str(SCRIPT), token, f"{url}/taskrouter/v1/wschannels", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def hear(self, what: str, seconds: float = 20.0, **facts: Any) -> dict[str, Any]:
        """The next thing said that is ``what`` and has these facts."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                said = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not heard: {what}; heard: {self.said}") from None
            assert said is not None, f"the SDK ended; heard: {self.said}"
            self.said.append(said)
            if said.items() >= {"what": what, **facts}.items():
                return said

    def do(self, command: str, **facts: Any) -> None:
        """A command, and its success."""
        self.send(command, **facts)
        self.hear("done", do=command)

    def send(self, command: str, **facts: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": command, **facts}) + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)


@contextlib.contextmanager
def sdk_of(site: Site, desk: Desk, worker: Any, *options: str, ttl: int = 600) -> Iterator[Sdk]:
    """The SDK with a token made by the official server library."""
    token = AccessToken(site.account, site.key, site.secret, ttl=ttl)
    token.add_grant(TaskRouterGrant(workspace_sid=desk.workspace.sid, worker_sid=worker.sid, role="worker"))
    sdk = Sdk(token.to_jwt(), site.url, *options)
    try:
        yield sdk
    finally:
        sdk.end()


def test_a_shift_over_the_worker_sdk(site: Site, client: Client) -> None:
    desk = Desk(client, "Bridge")
    with sdk_of(site, desk, desk.ann) as sdk:
        ready = sdk.hear("ready")
        assert (ready["name"], ready["activity"]) == ("Ann", "Offline")
        assert ready["attributes"] == {"skills": ["billing"], "level": 3}
        assert ["chat", 1] in ready["channels"]

        sdk.do("activity", name="Available")
        assert desk.ann.fetch().activity_name == "Available"
        task = desk.task(order=1)
        offer = sdk.hear("reservationCreated")
        assert (offer["task"], offer["queue"], offer["timeout"]) == (task.sid, "Billing", 300)
        sdk.do("reject", sid=offer["sid"])
        assert task.fetch().assignment_status == "pending"
        task.update(assignment_status="canceled", reason="test")

        task = desk.task(order=2)
        offer = sdk.hear("reservationCreated")
        sdk.send("accept", sid=offer["sid"])
        assert sdk.hear("reservation.accepted")["status"] == "accepted"
        assert task.fetch().assignment_status == "assigned"
        sdk.do("taskAttributes", sid=offer["sid"], attributes={"kind": "bill", "order": 3})
        assert json.loads(task.fetch().attributes) == {"kind": "bill", "order": 3}
        sdk.send("wrap", sid=offer["sid"])
        assert sdk.hear("reservation.wrapup")["sid"] == offer["sid"]
        sdk.send("complete", sid=offer["sid"], reason="paid")
        assert sdk.hear("reservation.completed")["status"] == "completed"
        assert task.fetch().reason == "paid"


def test_what_happens_elsewhere_reaches_the_sdk(site: Site, client: Client) -> None:
    desk = Desk(client, "Elsewhere")
    with sdk_of(site, desk, desk.ann) as sdk:
        sdk.hear("ready")
        desk.ann.update(activity_sid=desk.available.sid)
        assert sdk.hear("activityUpdated")["activity"] == "Available"
        desk.ann.update(attributes='{"skills": ["billing"], "level": 9}')
        assert sdk.hear("attributesUpdated")["attributes"]["level"] == 9
        desk.ann.worker_channels("chat").update(capacity=4)
        assert sdk.hear("capacityUpdated") == {"what": "capacityUpdated", "channel": "chat", "capacity": 4}
        desk.ann.worker_channels("chat").update(available=False)
        assert sdk.hear("availabilityUpdated")["available"] is False
        desk.ann.worker_channels("chat").update(available=True)
        task = desk.task()
        offer = sdk.hear("reservationCreated")
        task.update(attributes='{"kind": "bill", "hurry": true}')
        assert sdk.hear("task.updated")["attributes"]["hurry"] is True
        task.update(assignment_status="canceled", reason="hung up")
        assert sdk.hear("reservation.canceled")["sid"] == offer["sid"]


def test_a_warm_transfer_over_the_worker_sdk(site: Site, client: Client) -> None:
    desk = Desk(client, "Handing on")
    bob = desk.workspace.workers.create(friendly_name="Bob", attributes='{"skills": []}')
    with sdk_of(site, desk, desk.ann) as ann, sdk_of(site, desk, bob) as colleague:
        ann.hear("ready")
        colleague.hear("ready")
        ann.do("activity", name="Available")
        colleague.do("activity", name="Available")
        task = desk.task()
        mine = ann.hear("reservationCreated")["sid"]
        ann.do("accept", sid=mine)
        ann.do("transfer", sid=mine, to=bob.sid, mode="WARM")
        offered = colleague.hear("reservationCreated")
        assert (offered["task"], offered["incoming"]) == (task.sid, "WARM")
        colleague.do("accept", sid=offered["sid"])
        assert ann.hear("transfer.completed")["status"] == "completed"
        statuses = {row.worker_name: row.reservation_status for row in task.reservations.list()}
        assert statuses == {"Ann": "accepted", "Bob": "accepted"}


def test_a_transfer_can_be_taken_back(site: Site, client: Client) -> None:
    desk = Desk(client, "Taking back")
    bob = desk.workspace.workers.create(
        friendly_name="Bob", attributes='{"skills": []}', activity_sid=desk.available.sid
    )
    with sdk_of(site, desk, desk.ann) as ann:
        ann.hear("ready")
        ann.do("activity", name="Available")
        task = desk.task()
        mine = ann.hear("reservationCreated")["sid"]
        ann.do("accept", sid=mine)
        ann.do("transfer", sid=mine, to=bob.sid, mode="COLD")
        if "task.transferInitiated" not in [said["what"] for said in ann.said]:
            ann.hear("task.transferInitiated")  # its transfer is who tells what becomes of it
        until(lambda: len(task.reservations.list()) == 2)
        ann.send("cancelTransfer", sid=mine)
        assert ann.hear("transfer.canceled")["status"] == "canceled"
        statuses = {row.worker_name: row.reservation_status for row in task.reservations.list()}
        assert statuses == {"Ann": "accepted", "Bob": "canceled"}


def test_a_token_of_a_command_opens_the_bridge_and_a_forged_one_does_not(site: Site, client: Client) -> None:
    desk = Desk(client, "Tokens")
    token = site.manage("create_worker_token", desk.ann.sid).strip()
    sdk = Sdk(token, site.url)
    try:
        assert sdk.hear("ready")["name"] == "Ann"
    finally:
        sdk.end()
    forged = Sdk(f"{token[:-6]}AAAAAA", site.url)
    try:
        forged.hear("error")
        assert [said["what"] for said in forged.said if said["what"] == "ready"] == []
        # A token is as good as a password: it stands in no log.
        assert token not in site.output()
    finally:
        forged.end()


def test_a_new_session_closes_the_others_when_it_says_so(site: Site, client: Client) -> None:
    desk = Desk(client, "Sessions")
    with sdk_of(site, desk, desk.ann) as first:
        first.hear("ready")
        with sdk_of(site, desk, desk.ann, "--close-others", ttl=601) as second:
            second.hear("ready")
            assert "4409" in first.hear("disconnected")["message"]
            first.hear("error")  # it tries to come back, and is refused


@pytest.mark.faults
def test_the_bridge_works_where_web_and_router_are_processes_of_their_own(own_stack: Stack, tmp_path: Path) -> None:
    with Cluster(own_stack.database_url, own_stack.redis_url, tmp_path, LOG_LEVEL="WARNING") as cluster:

        def manage(*arguments: str) -> str:
            command = [sys.executable, "manage.py", *arguments]
            done = subprocess.run(command, cwd=ROOT, env=cluster.environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout

        manage("migrate", "-v", "0")
        cluster.start("route")
        web = cluster.start("web")
        site = Site(cluster.url, manage, lambda: "\n".join(web.lines))
        desk = Desk(site.client(), "Cluster")
        with sdk_of(site, desk, desk.ann) as sdk:
            sdk.hear("ready", seconds=60)
            sdk.do("activity", name="Available")
            task = desk.task()
            offer = sdk.hear("reservationCreated", seconds=60)
            sdk.send("accept", sid=offer["sid"])
            sdk.hear("reservation.accepted")
            assert task.fetch().assignment_status == "assigned"
