"""The Celery app: queues inbound, outbound, media and low; JSON only, no result backend.

A job names its own queue: ``@shared_task(queue="inbound")``. Jobs are hints (see docs/architecture.md): losing one
costs at most the two seconds until a sweep finds the work.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import time
import uuid
from typing import Any

import structlog
from celery import Celery, Task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from contactcenter import timers
from contactcenter.lib import hints

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

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Queue it. Over Redis the message is written by hand and handed to the process's sender thread: Celery's own
        way costs a millisecond, three times for each message of a customer, and waits for Redis."""
        if settings.REDIS_URL and not args:
            hints.send(("LPUSH", self.queue, _message(self, kwargs)))
            return None
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        if time.monotonic() < HintTask._paused_until:
            return None
        try:
            return super().apply_async(args, kwargs, **options)
        except (OperationalError, OSError) as error:
            HintTask._paused_until = time.monotonic() + PAUSE
            log.warning("job.unpublished", job=self.name, error=type(error).__name__)
            return None


def _message(job: Task, kwargs: dict[str, Any]) -> bytes:
    """A job's message as kombu's Redis transport keeps it (a list of JSON, the body in base64), in Celery's message
    protocol 2: https://docs.celeryq.dev/en/stable/internals/protocol.html"""
    key = str(uuid.uuid4())
    headers = {**_headers(job), "id": key, "root_id": key}
    properties = {
        "correlation_id": key,
        "reply_to": "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": job.queue},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": key,
    }
    body = json.dumps([[], kwargs, _EMBED]).encode()
    message = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
    return json.dumps(message).encode()


_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@functools.cache
def _headers(job: Task) -> dict[str, Any]:
    """The headers Celery itself gives a message of this job."""
    headers: dict[str, Any] = job.app.amqp.create_task_message("", job.name, (), {}, ignore_result=True).headers
    return {**headers, "kwargsrepr": ""}


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
