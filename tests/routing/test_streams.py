"""Applying a worker's events to an old snapshot gives a fresh one, for every event there is."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routing import events, queries
from routing.models import Reservation, Task, TaskChannel, Transfer, Worker
from routing.services import capacity, presence, reservations, seats, tasks, transfers
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

State = dict[str, Any]


def apply(state: State, event: State) -> State:
    """What a console does: replace what the event carries whole; a reservation that is over goes."""
    new = copy.deepcopy(state)
    assert event["seq"] == state["seq"] + 1
    new["seq"] = event["seq"]
    if "worker" in event["data"]:
        new["worker"] = event["data"]["worker"]
    if "reservation" in event["data"]:
        row = event["data"]["reservation"]
        others = [one for one in new["reservations"] if one["sid"] != row["sid"]]
        if row["status"] in Reservation.LIVE:
            places = [index for index, one in enumerate(new["reservations"]) if one["sid"] == row["sid"]]
            others.insert(places[0] if places else len(others), row)
        new["reservations"] = others
    return new


class Desk:
    """A worker with one chat accepted, one offered, and a colleague; and a router."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        make.workspace(reoffer_after=1000)
        self.worker = make.worker(name="Desk", attributes={"languages": ["ar"]}, now=now)
        self.router = make.route(now)
        self.held = self.offer()
        reservations.accept(self.held, by=self.worker, now=now)
        self.open = self.offer()
        self.router.tick(now)

    def offer(self) -> Reservation:
        task = make.task(conversation=make.conversation(), now=self.now)
        self.router.tick(self.now)
        return Reservation.objects.get(task=task, worker=self.worker)

    def task(self, reservation: Reservation) -> Task:
        return Task.objects.get(pk=reservation.task_id)

    def snapshot(self) -> State:
        return queries.worker_snapshot(Worker.objects.get(pk=self.worker.pk))


def rescinded(desk: Desk) -> None:
    other = make.worker(name="Other", now=desk.now)
    queue = make.queue(max_reserved_workers=2)
    task = make.task(workflow=make.workflow({"queue": queue}), now=desk.now)
    desk.router.tick(desk.now)
    reservations.accept(Reservation.objects.get(task=task, worker=other), by=other, now=desk.now)


def wrapped_up(desk: Desk) -> None:
    tasks.wrap_up(desk.task(desk.held), by=desk.worker, now=desk.now)


def completed(desk: Desk) -> None:
    tasks.complete(desk.task(desk.held), by=desk.worker, reason="resolved", now=desk.now)


def begun(desk: Desk, to: Worker | None = None) -> Transfer:
    """The desk hands its chat on to a colleague, who has been asked."""
    to = to or make.worker(name="Colleague", now=desk.now)
    made = transfers.start(desk.held, to=to, by=desk.worker, note="Please", now=desk.now)
    desk.router.tick(desk.now)
    return made


def answered(desk: Desk, how: str) -> Reservation:
    begun(desk)
    offer = Reservation.objects.get(task=desk.held.task, status="pending")
    getattr(reservations, how)(offer, by=offer.worker, now=desk.now)
    return offer


def missed(desk: Desk) -> None:
    begun(desk)
    desk.router.tick(desk.now + dt.timedelta(seconds=119))
    offer = Reservation.objects.get(task=desk.held.task, status="pending")
    reservations.expire(offer.pk, now=desk.now + dt.timedelta(seconds=120))


def attempted(desk: Desk) -> None:
    worker = make.worker(name="Colleague", attributes={"expert": True}, now=desk.now)
    transfers.start(desk.held, to=make.queue(target_workers="expert == true"), by=desk.worker, now=desk.now)
    desk.router.tick(desk.now)
    reservations.reject(Reservation.objects.get(worker=worker), by=worker, now=desk.now)


def asked_to_join(desk: Desk, joins: bool) -> None:
    """The desk is the colleague."""
    other = make.worker(name="Giver", now=desk.now - dt.timedelta(days=1))
    task = make.task(conversation=make.conversation(), now=desk.now)
    desk.router.tick(desk.now)
    held = Reservation.objects.get(task=task, worker=other)
    reservations.accept(held, by=other, now=desk.now)
    transfers.start(held, to=desk.worker, by=other, now=desk.now)
    desk.router.tick(desk.now)
    if joins:
        offer = Reservation.objects.get(task=task, worker=desk.worker)
        reservations.accept(offer, by=desk.worker, now=desk.now)
        seats.leave(task, by=other, now=desk.now)


STORIES: dict[str, Callable[[Desk], object]] = {
    "reservation.created": lambda desk: desk.offer(),
    "reservation.accepted": lambda desk: reservations.accept(desk.open, by=desk.worker, now=desk.now),
    "reservation.rejected": lambda desk: reservations.reject(desk.open, by=desk.worker, now=desk.now),
    "reservation.timeout": lambda desk: reservations.expire(desk.open.pk, now=desk.now + dt.timedelta(seconds=120)),
    "reservation.rescinded": rescinded,
    "reservation.canceled": lambda desk: tasks.cancel(desk.task(desk.open), reason="left", now=desk.now),
    "reservation.failed": lambda desk: reservations.note_failure(
        desk.open.pk, code=40001, reason="The answer is not JSON.", now=desk.now
    ),
    "reservation.wrapup": wrapped_up,
    "reservation.completed": completed,
    "task.transfer-initiated": begun,
    "task.transfer-completed": lambda desk: answered(desk, "accept"),
    "task.transfer-failed": lambda desk: answered(desk, "reject"),
    "task.transfer-failed by time": missed,
    "task.transfer-attempt-failed": attempted,
    "task.transfer-canceled": lambda desk: transfers.cancel(begun(desk), by=desk.worker, now=desk.now),
    "reservation.created to join": lambda desk: asked_to_join(desk, joins=False),
    "task.updated": lambda desk: asked_to_join(desk, joins=True),
    "worker.activity.update": lambda desk: presence.set_activity(
        desk.worker, make.activity("Break"), by=None, now=desk.now
    ),
    "worker.attributes.update": lambda desk: presence.update_attributes(desk.worker, {"level": 3}, now=desk.now),
    "worker.capacity.update": lambda desk: capacity.set_channel(
        desk.worker, TaskChannel.objects.get(unique_name="chat"), capacity=1, now=desk.now
    ),
    "worker.channel.availability.update": lambda desk: capacity.set_channel(
        desk.worker, TaskChannel.objects.get(unique_name="chat"), capacity=3, is_available=False, now=desk.now
    ),
    "worker.created": lambda desk: None,
}


@pytest.mark.parametrize("type", sorted(STORIES))
def test_old_snapshot_and_events_make_a_fresh_snapshot(type: str, now: dt.datetime) -> None:
    desk = Desk(now)
    old = desk.snapshot()
    pushed: list[State] = []

    def receive(frames: list[tuple[object, State]], **_: object) -> None:
        pushed.extend(make.sent(frame) for worker_id, frame in frames if worker_id == desk.worker.pk)

    events.worker_events_recorded.connect(receive)
    try:
        STORIES[type](desk)
        desk.router.tick(now)
    finally:
        events.worker_events_recorded.disconnect(receive)

    replayed = make.stream(desk.worker, after=old["seq"])
    assert type == "worker.created" or type.split()[0] in [event["event"] for event in replayed]
    state = old
    for event in replayed:
        state = apply(state, event)
    assert state == desk.snapshot()
    assert pushed == replayed


def test_every_event_of_a_worker_has_such_a_story(now: dt.datetime) -> None:
    """What the services record about workers is in the list above: a new type must be added there."""
    sources = [path.read_text() for path in (Path(queries.__file__).parent / "services").glob("*.py")]
    named = {type for text in sources for type in re.findall(r'"((?:reservation|worker)\.[a-z.]+)"', text)}

    assert named - {"worker.deleted"} <= set(STORIES)  # who was deleted has no stream any more
