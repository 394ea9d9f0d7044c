"""Who is idle the longest: over all task channels, or on one of them by itself where the channel says so."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from django.test import Client

from conversations.services import api_keys
from routing.models import Reservation, Task, TaskChannel, Worker
from routing.services import clocksteps, dispatch, presence, reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

NOW = make.NOW


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def optimize(name: str, value: str = "true") -> None:
    """Said over the API, as a program does."""
    channel = TaskChannel.objects.select_related("workspace").get(unique_name=name)
    key, secret = api_keys.create(name="Test", scopes=["routing"], now=NOW)
    text = base64.b64encode(f"{key.sid}:{secret}".encode()).decode()
    answer = Client(headers={"Authorization": f"Basic {text}"}).post(
        f"/taskrouter/v1/Workspaces/{channel.workspace.sid}/TaskChannels/{channel.sid}",
        f"ChannelOptimizedRouting={value}",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["channel_optimized_routing"] is (value == "true")


class Office:
    """Ada, then Bob, available since the start."""

    def __init__(self) -> None:
        make.workspace(reoffer_after=10_000)
        self.workers = {name: make.worker(name=name, now=NOW) for name in ("Ada", "Bob")}
        self.router: dispatch.Router = make.route(NOW)

    def offered(self, channel: str, at: float) -> Reservation:
        task = make.task(task_channel=channel, now=after(at))
        self.router.tick(after(at))
        return Reservation.objects.select_related("worker", "task").get(task=task)

    def to(self, channel: str, at: float) -> str:
        """Whom a new task is offered to, which is then withdrawn."""
        reservation = self.offered(channel, at)
        tasks.cancel(reservation.task, reason="", now=after(at))
        return reservation.worker.friendly_name

    def work(self, channel: str, at: float, until: float) -> str:
        """Who does a task."""
        reservation = self.offered(channel, at)
        reservations.accept(reservation, by=reservation.worker, now=after(at))
        tasks.complete(Task.objects.get(pk=reservation.task_id), by=reservation.worker, now=after(until))
        return reservation.worker.friendly_name


def worked(office: Office) -> None:
    """Ada chatted, then Bob wrote an email: of both, Ada is idle longer; of chat, Bob is."""
    assert office.work("chat", 10, 20) == "Ada"
    assert office.work("email", 30, 40) == "Bob"


def test_over_all_channels_unless_a_channel_says_otherwise() -> None:
    office = Office()
    worked(office)

    assert office.to("chat", 50) == "Ada"


def test_on_a_channel_of_its_own_only_its_own_work_counts() -> None:
    office = Office()
    optimize("chat")
    worked(office)

    assert office.to("chat", 50) == "Bob"
    assert office.to("email", 51) == "Ada"  # the other channels are as ever
    office.router = make.route(after(53))  # another process knows it from the rows
    assert office.to("chat", 54) == "Bob"


def test_turned_on_later_it_counts_what_was_done_before_and_off_it_does_not() -> None:
    office = Office()
    worked(office)

    optimize("chat")
    assert office.to("chat", 50) == "Bob"
    optimize("chat", "false")
    assert office.to("chat", 51) == "Ada"


def test_taking_a_task_counts_as_much_as_ending_it() -> None:
    office = Office()
    optimize("chat")
    held = office.offered("chat", 10)
    reservations.accept(held, by=held.worker, now=after(10))
    assert held.worker.friendly_name == "Ada"

    assert office.to("chat", 20) == "Bob"
    assert office.work("chat", 30, 40) == "Bob"
    assert office.to("chat", 50) == "Ada"


def test_who_declines_is_as_idle_as_before() -> None:
    office = Office()
    optimize("chat")
    offer = office.offered("chat", 10)
    reservations.reject(offer, by=offer.worker, now=after(11))

    assert office.to("chat", 20) == offer.worker.friendly_name == "Ada"


@pytest.mark.parametrize("how", ["a break", "silence"])
def test_who_comes_back_begins_anew_on_every_channel(how: str) -> None:
    office = Office()
    for channel in ("chat", "email"):
        optimize(channel)
    assert [office.work("chat", at, at + 1) for at in (10, 12, 14)] == ["Ada", "Bob", "Ada"]
    assert office.to("chat", 20) == "Bob"
    if how == "a break":
        bob = office.workers["Bob"]
        presence.set_activity(bob, make.activity("Break"), by=None, now=after(30))
        presence.set_activity(bob, make.activity(), by=None, now=after(40))
    else:
        offer = office.offered("sms", 30)
        assert offer.worker.friendly_name == "Bob"
        assert reservations.expire(offer.pk, now=after(160))
        tasks.cancel(offer.task, reason="", now=after(160))

    assert office.to("chat", 200) == "Ada"
    assert office.to("email", 201) == "Ada"


def test_a_clock_that_was_ahead_is_forgotten_on_every_channel() -> None:
    office = Office()
    worked(office)
    before: Any = Worker.objects.get(friendly_name="Ada").idle_on

    assert clocksteps.mend(after(12)) == 2

    ada = Worker.objects.get(friendly_name="Ada")
    assert ada.idle_since == after(12)
    assert before == {"*": NOW.timestamp(), _chat().hex: after(20).timestamp()}
    assert ada.idle_on == {"*": NOW.timestamp(), _chat().hex: after(12).timestamp()}


def _chat() -> Any:
    return TaskChannel.objects.get(unique_name="chat").pk
