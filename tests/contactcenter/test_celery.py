from __future__ import annotations

import time

import pytest
from celery.contrib.django.task import DjangoTask
from kombu.exceptions import OperationalError

from contactcenter import beat, celery, timers


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
    deadline = time.monotonic() + 10
    while len(runs) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
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
