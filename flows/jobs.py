"""The flows app's Celery jobs: its sweeps."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from contactcenter.lib import clock

#: job name -> seconds between two runs
SCHEDULE = {"flows.jobs.resume_due": 1.0, "flows.jobs.queue_notices": 1.0}


@shared_task(queue="inbound")
def resume_due(**_: Any) -> None:
    """Executions whose time to wait is over."""
    from flows.services import executions

    executions.resume_due(clock.now())


@shared_task(queue="low")
def queue_notices(**_: Any) -> None:
    """Every waiting customer's place in the queue."""
    from flows.services import notices

    notices.sweep(clock.now())
