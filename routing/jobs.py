"""The routing app's Celery jobs: the sweeps. (The router itself is no job: see ``routing.worker``.)"""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task


@shared_task(queue="low")
def sweep_presence(**_: Any) -> None:
    """Agents whose sockets are gone: offline, then their conversations back to the queue."""
    from contactcenter.lib import clock
    from routing.services import presence

    presence.sweep(now=clock.now())


@shared_task(queue="low")
def sweep_tasks(**_: Any) -> None:
    """Tasks of closed conversations, and tasks whose worker was deleted."""
    from contactcenter.lib import clock
    from routing.services import upkeep

    upkeep.sweep(now=clock.now())


@shared_task(queue="low")
def enter_anew(*, workflow: str, **_: Any) -> None:
    """Waiting tasks of a workflow whose document changed look for their place in it again."""
    from contactcenter.lib import clock
    from routing.services import upkeep

    upkeep.enter_anew(uuid.UUID(workflow), now=clock.now())


@shared_task(queue="low")
def sweep_events(**_: Any) -> None:
    """What happened is counted and handed to callbacks and webhooks, for a second at most; then those are rung."""
    import time

    from contactcenter.lib import clock
    from routing.services import callbacks, fold, webhooks

    until = time.monotonic() + 1
    while fold.fold(clock.now()) and time.monotonic() < until:
        pass
    callbacks.ring(clock.now())
    webhooks.ring(clock.now())


@shared_task(queue="outbound", expires=10)
def send_callbacks(*, workflow: str, **_: Any) -> None:
    """A workflow's server is asked about its offers, for a while."""
    from contactcenter.lib import clock
    from routing.services import callbacks

    callbacks.send(uuid.UUID(workflow), now=clock.now())


@shared_task(queue="outbound", expires=30)
def send_webhooks(*, workspace: str, **_: Any) -> None:
    """A workspace's events to its callback URL, for a while."""
    from contactcenter.lib import clock
    from routing.services import webhooks

    webhooks.send(uuid.UUID(workspace), now=clock.now())


@shared_task(queue="low")
def sweep_old_events(**_: Any) -> None:
    """Events and figures that have been kept long enough; webhooks that could not be sent for days."""
    import time

    from contactcenter.lib import clock
    from routing.services import fold, webhooks

    until = time.monotonic() + 5
    while fold.forget(clock.now()) >= fold.DELETED and time.monotonic() < until:
        pass
    while webhooks.give_up_old(clock.now()) >= webhooks.CHUNK and time.monotonic() < until:
        pass


#: job name -> seconds between two runs
SCHEDULE = {
    "routing.jobs.sweep_presence": 1.0,
    "routing.jobs.sweep_tasks": 10.0,
    "routing.jobs.sweep_events": 1.0,
    "routing.jobs.sweep_old_events": 60.0,
}
