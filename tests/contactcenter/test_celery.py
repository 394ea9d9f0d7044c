from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import pytest
import redis
from celery.contrib.django.task import DjangoTask
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from kombu.exceptions import OperationalError

from contactcenter import beat, celery, timers
from contactcenter.lib import hints
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _no_pause() -> None:
    celery.HintTask._paused_until = 0.0


def test_publishing_a_job_never_fails_and_pauses_while_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the suite records jobs; this one publishes
    tried = []

    def away(self: object, *args: object, **options: object) -> None:
        tried.append(time.monotonic())
        raise OperationalError("broker away")

    monkeypatch.setattr(DjangoTask, "apply_async", away)
    job = next(iter(celery.app.tasks.values()))

    assert celery.HintTask.apply_async(job, kwargs={}) is None
    assert celery.HintTask.apply_async(job, kwargs={}) is None
    assert len(tried) == 1

    celery.HintTask._paused_until = 0.0
    assert celery.HintTask.apply_async(job, kwargs={}) is None
    assert len(tried) == 2


@pytest.mark.redis
def test_a_delayed_job_is_run_by_a_worker_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ran: list[dict[str, object]] = []
    app = celery.make_app("contactcenter-delayed")

    @app.task(name="tests.delayed", queue=f"delayed-{uuid.uuid4().hex}")
    def job(**arguments: object) -> None:
        ran.append(arguments)

    app.finalize()
    with start_worker(app, pool="threads", queues=[job.queue], perform_ping_check=False):
        job.delay(lane="a:b", count=3, text="\u0645\u0631\u062d\u0628\u0627")
        job.delay(lane="second")
        until(lambda: len(ran) >= 2)

    assert ran == [{"lane": "a:b", "count": 3, "text": "\u0645\u0631\u062d\u0628\u0627"}, {"lane": "second"}]


def _pop(client: redis.Redis, queue: str) -> Any:
    message = client.rpop(queue)
    assert isinstance(message, bytes)
    return json.loads(message)


@pytest.mark.redis
def test_celery_itself_writes_the_same_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    client = redis.Redis.from_url(settings.REDIS_URL)
    app = celery.make_app("contactcenter-same")

    @app.task(name="tests.same", queue=f"same-{uuid.uuid4().hex}")
    def job(**arguments: object) -> None: ...

    app.finalize()
    job.apply_async(kwargs={"lane": "a"})
    theirs = _pop(client, job.queue)
    job.delay(lane="a")
    hints.flush(5)
    ours = _pop(client, job.queue)

    unique = {"id", "root_id", "kwargsrepr"}
    assert ours.keys() == theirs.keys()
    assert {key: value for key, value in ours["headers"].items() if key not in unique} == {
        key: value for key, value in theirs["headers"].items() if key not in unique
    }
    assert json.loads(base64.b64decode(ours["body"])) == json.loads(base64.b64decode(theirs["body"]))
    assert ours["properties"].keys() == theirs["properties"].keys()
    assert ours["properties"]["delivery_info"] == theirs["properties"]["delivery_info"]


def test_every_timer_rings_a_job_that_exists() -> None:
    celery.app.loader.import_default_modules()

    unknown = set(timers.schedule()) - set(celery.app.tasks)

    assert unknown == set()


def test_the_timer_thread_runs_a_job_again_and_again_and_survives_its_failures() -> None:
    runs: list[float] = []

    @celery.app.task(name="tests.ticking")
    def ticking() -> None:
        runs.append(time.monotonic())
        raise RuntimeError("a sweep that fails")

    running = timers.Timers(celery.app, {"tests.ticking": 0.05})
    running.start()
    until(lambda: len(runs) >= 3, 10)
    running.stop()

    assert len(runs) >= 3


def test_of_two_beats_only_the_one_with_the_lease_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    rang: list[str] = []

    def ring(self: beat.LeasedScheduler, *args: object, **options: object) -> float:
        rang.append(self.holder)
        return 5.0

    monkeypatch.setattr("celery.beat.Scheduler.tick", ring)
    first, second = (beat.LeasedScheduler(celery.app, lazy=True) for _ in range(2))
    first.holder, second.holder = "first", "second"
    monkeypatch.setattr(beat.LeasedScheduler, "_leads", lambda self: self.holder == "first")

    assert [scheduler.tick() for scheduler in (first, second)] == [1.0, 1.0]
    assert rang == ["first"]
