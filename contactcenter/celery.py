"""The Celery app: queues inbound, outbound, media and low; JSON only, no result backend.

A job names its own queue: ``@shared_task(queue="inbound")``. Jobs are hints (see docs/architecture.md): losing one
costs at most the two seconds until a sweep finds the work.
"""

from __future__ import annotations

import os
import time
from typing import Any

import structlog
from celery import Celery
from celery.contrib.django.task import DjangoTask
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from contactcenter import timers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcenter.settings")  # for the ``celery`` program

TRANSPORT_ALIASES["embedded"] = "contactcenter.lib.memory_broker:Transport"
for _scheme in ("redis", "rediss"):
    TRANSPORT_ALIASES[_scheme] = "contactcenter.lib.redis_broker:Transport"

log = structlog.get_logger(__name__)

#: How long no publishing is tried after it failed. Without it every request would wait for a broker that hangs.
PAUSE = 1.0


class HintTask(DjangoTask):
    """A job whose publishing never fails: the broker may be away, the caller's row is committed all the same."""

    _paused_until = 0.0

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        if time.monotonic() < HintTask._paused_until:
            return None
        try:
            return super().apply_async(args, kwargs, **options)
        except (OperationalError, OSError) as error:
            HintTask._paused_until = time.monotonic() + PAUSE
            log.warning("job.unpublished", job=self.name, error=type(error).__name__)
            return None


def make_app(name: str) -> Celery:
    """A Celery app on our settings. Embedded mode has several: workers of one app share its choice of queues."""
    made = Celery(name, task_cls=HintTask)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.autodiscover_tasks(timers.APPS, related_name="jobs")
    return made


app = make_app("contactcenter")
app.set_default()


@app.on_after_finalize.connect
def _fill_schedule(sender: Celery, **_: Any) -> None:
    # Read by ``celery beat``. A sweep that waited longer than its interval is dropped: the next one does its work.
    sender.conf.beat_schedule = {
        job: {"task": job, "schedule": seconds, "options": {"expires": max(2 * seconds, 5)}}
        for job, seconds in timers.schedule().items()
    }
