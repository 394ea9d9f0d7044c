"""The flows app's Celery jobs: the sweeps, and one hint."""

from __future__ import annotations

import uuid
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


@shared_task(queue="low")
def refresh_queue(*, queue_id: str, **_: Any) -> None:
    """One queue changed: its waiting customers' places, without waiting for the sweep."""
    from flows.services import notices

    notices.sweep(clock.now(), queue_id=uuid.UUID(queue_id))
