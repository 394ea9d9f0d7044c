from __future__ import annotations

import pytest
from celery import shared_task
from django.db import transaction

from contactcenter.lib import push
from tests.support.jobs import JobQueue


@pytest.mark.django_db
def test_callbacks_run_when_the_outermost_block_of_the_code_under_test_ends() -> None:
    ran: list[str] = []

    with transaction.atomic():
        with transaction.atomic():
            transaction.on_commit(lambda: ran.append("inner"))
        assert ran == []

    assert ran == ["inner"]


@pytest.mark.django_db
def test_callbacks_of_a_block_that_fails_never_run() -> None:
    ran: list[str] = []

    def fail() -> None:
        with transaction.atomic():
            transaction.on_commit(lambda: ran.append("never"))
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        fail()
    transaction.on_commit(lambda: ran.append("outside"))

    assert ran == ["outside"]


@shared_task(queue="low")
def _again(*, times: int, **_: object) -> None:
    if times:
        _again.delay(times=times - 1)


def test_drain_runs_what_jobs_queue_in_turn(drain: JobQueue) -> None:
    _again.delay(times=2)

    assert drain(queue="inbound") == 0
    assert drain() == 3
    assert drain.names() == []


def test_pushes_are_recorded(pushes: list[tuple[str, dict[str, object]]]) -> None:
    push.send("supervisors", {"type": "hello"})

    assert pushes == [("supervisors", {"type": "hello"})]
