"""Counting while things happen, on a real PostgreSQL: nothing is counted twice, missed, or delivered out of order."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from conversations.services import api_keys
from routing import statistics
from routing.models import Delivery, Event, EventBatch, Worker
from routing.services import fold, presence, tasks, webhooks
from tests.factories import routing as make
from tests.support.receiver import Got, WebhookReceiver

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NOW = make.NOW
TASKS = 40


def run(*doings: Callable[[], object]) -> None:
    """All at once, each on a connection of its own, until all have ended."""
    bugs: list[BaseException] = []

    def do(doing: Callable[[], object]) -> None:
        try:
            doing()
        except BaseException as bug:
            bugs.append(bug)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert not bugs, bugs
    assert not any(thread.is_alive() for thread in threads)


def test_two_folders_and_readers_beside_writers_count_everything_once() -> None:
    workspace = make.workspace()
    worker = make.worker(now=NOW)
    writers = 3
    done = threading.Event()
    left = [writers]
    lock = threading.Lock()
    seen: list[int] = []

    def write(number: int) -> None:
        try:
            for step in range(TASKS):
                at = NOW + dt.timedelta(seconds=number + step * 20)
                tasks.cancel(make.task(now=at), reason="", now=at + dt.timedelta(seconds=3))
                if number == 0:
                    name = "Break" if step % 2 else "Available"
                    presence.set_activity(Worker.objects.get(pk=worker.pk), make.activity(name), by=None, now=at)
        finally:
            with lock:
                left[0] -= 1
                if left[0] == 0:
                    done.set()

    def count() -> None:
        while not done.is_set():
            fold.fold(NOW)

    def read() -> None:
        end = NOW + dt.timedelta(hours=2)
        while not done.is_set():
            before = Event.objects.filter(type="task.canceled").count()
            found = statistics.cumulative(workspace, start=NOW, end=end, now=NOW)["tasks_canceled"]
            after = Event.objects.filter(type="task.canceled").count()
            assert before <= found <= after, (before, found, after)
            seen.append(found)

    run(*(lambda number=number: write(number) for number in range(writers)), count, count, read)

    assert fold.recount(NOW + dt.timedelta(hours=1), check=True) == []
    while fold.fold(NOW):
        pass
    assert not EventBatch.objects.exists()
    assert fold.recount(NOW + dt.timedelta(hours=1), check=True) == []
    figures = statistics.cumulative(workspace, start=NOW, end=NOW + dt.timedelta(hours=2), now=NOW)
    assert figures["tasks_canceled"] == writers * TASKS
    assert len(seen) > 3
    assert seen == sorted(seen)


def test_several_senders_and_folders_keep_every_tasks_order(settings: Any) -> None:
    with WebhookReceiver().running() as receiver:
        settings.EGRESS_ALLOW_PRIVATE = [receiver.host]
        api_keys.create(name="Shop", scopes=["routing"], now=NOW)
        workspace = make.workspace(event_callback_url=receiver.url)
        failed: set[str] = set()

        def answer(got: Got) -> int:
            sid = got.form["Sid"]
            if hash(sid) % 5 == 0 and sid not in failed:
                failed.add(sid)
                return 400
            return 204

        receiver.answer = answer
        written = threading.Event()

        def write() -> None:
            try:
                made = [make.task(now=NOW) for _ in range(25)]
                for task in made:
                    tasks.update(task, priority=3, now=NOW)
                for task in made:
                    tasks.cancel(task, reason="", now=NOW)
            finally:
                written.set()

        def work() -> None:
            now = NOW
            while not written.is_set() or EventBatch.objects.exists() or Delivery.objects.exists():
                fold.fold(now)
                webhooks.send(workspace.pk, now=now)
                now += dt.timedelta(seconds=3)

        run(write, work, work, work)

    arrived: dict[str, list[str]] = {}
    for got in receiver.got:
        if "TaskSid" in got.form:
            sids = arrived.setdefault(got.form["TaskSid"], [])
            sids.append(got.form["Sid"])
    assert len(arrived) == 25
    for task_sid, sids in arrived.items():
        events = Event.objects.filter(task=tasks.Task.id_from_sid(task_sid)).order_by("task_seq")  # type: ignore[attr-defined]
        assert list(dict.fromkeys(sids)) == [event.sid for event in events]
    assert failed
