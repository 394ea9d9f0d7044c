"""The router's side of a transfer: it offers a second seat only if everything is as it believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from contactcenter.lib import ids
from routing.models import Change, Reservation, TaskChannel, TaskQueue, Transfer, Worker
from routing.services import capacity, presence, reservations, tasks, transfers
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


class Scene:
    """A transfer to Basil that the router is about to offer him; Chloe is there, too."""

    def __init__(self, now: dt.datetime, *, to_queue: bool = False) -> None:
        self.now = now
        self.amira = make.worker(name="Amira", now=now)
        self.task = make.task(now=now)
        make.route(now)
        self.held = Reservation.objects.get(task=self.task)
        reservations.accept(self.held, by=self.amira, now=now)
        self.basil, self.chloe = make.worker(name="Basil", now=now), make.worker(name="Chloe", now=now)
        to: Worker | TaskQueue = make.queue() if to_queue else self.basil
        self.transfer = transfers.start(self.held, to=to, by=self.amira, now=now)

    def offer(self, to: Worker | None = None) -> Transfer | None:
        return transfers.offer(
            self.task.pk,
            to or self.basil,
            reservation_id=ids.new_id(),
            units=1,
            weight=10,
            due_at=self.now + dt.timedelta(seconds=120),
            now=self.now,
        )


def goes_on_a_break(scene: Scene) -> None:
    presence.set_activity(scene.basil, make.activity("Break"), by=None, now=scene.now)


def loses_the_channels_room(scene: Scene) -> None:
    chat = TaskChannel.objects.get(unique_name="chat")
    capacity.set_channel(scene.basil, chat, capacity=0, now=scene.now)


def closes_the_channel(scene: Scene) -> None:
    chat = TaskChannel.objects.get(unique_name="chat")
    capacity.set_channel(scene.basil, chat, capacity=3, is_available=False, now=scene.now)


def loses_the_total(scene: Scene) -> None:
    capacity.set_total(scene.basil, capacity=9, now=scene.now)


def is_gone(scene: Scene) -> None:
    scene.transfer.to_worker = None
    Worker.objects.filter(pk=scene.basil.pk).delete()


def is_canceled(scene: Scene) -> None:
    transfers.cancel(scene.transfer, by=scene.amira, now=scene.now)


def is_completed(scene: Scene) -> None:
    tasks.complete(scene.task, by=scene.amira, now=scene.now)


def was_offered_already(scene: Scene) -> None:
    assert scene.offer() is not None


@pytest.mark.parametrize(
    "meanwhile",
    [
        *(goes_on_a_break, loses_the_channels_room, closes_the_channel, loses_the_total),
        *(is_gone, is_canceled, is_completed, was_offered_already),
    ],
)
def test_what_has_changed_meanwhile_is_read_again_instead(now: dt.datetime, meanwhile: Callable[[Scene], None]) -> None:
    scene = Scene(now)
    meanwhile(scene)
    Change.objects.all().delete()
    before = Reservation.objects.count()

    assert scene.offer(Worker(pk=scene.basil.pk) if meanwhile is not is_gone else Worker(pk=ids.new_id())) is None

    assert Reservation.objects.count() == before
    assert Change.objects.filter(kind="task", subject=scene.task.pk).exists()
    assert capacity.recount(now=now) == 0


def test_nobody_but_who_was_asked_is_offered_it_and_never_the_giver(now: dt.datetime) -> None:
    scene = Scene(now)

    assert scene.offer(scene.chloe) is None
    assert scene.offer(scene.amira) is None
    assert scene.offer() == scene.transfer


def test_a_queue_asks_no_more_at_once_than_it_may(now: dt.datetime) -> None:
    scene = Scene(now, to_queue=True)

    assert scene.offer(scene.chloe) == scene.transfer
    assert scene.offer() is None
