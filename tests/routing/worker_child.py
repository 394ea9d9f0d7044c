"""Run by ``test_worker`` as a process of its own beside routers: makes tasks and says how long their offers took.

``python -m tests.routing.worker_child prepare`` makes a workspace and a worker; ``... offer N`` makes N tasks one
after the other and prints the seconds each waited from its commit to its reservation, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time


def prepare() -> None:
    from contactcenter.lib import clock
    from routing.models import Activity
    from routing.services import setup

    workspace = setup.ensure_default_workspace(clock.now())
    available = Activity.objects.get(workspace=workspace, friendly_name="Available")
    setup.create_worker(
        workspace=workspace,
        friendly_name="Agent",
        activity=available,
        capacities={"chat": 50},
        capacity=10_000,
        now=clock.now(),
    )


def offer(count: int) -> None:
    from contactcenter.lib import clock
    from routing.models import Reservation
    from routing.services import tasks

    waits = []
    for _ in range(count):
        task = tasks.create(attributes={}, task_channel="chat", now=clock.now())
        committed = time.monotonic()
        while not Reservation.objects.filter(task=task).exists():
            if time.monotonic() - committed > 30:
                raise SystemExit("no offer within 30 s")
            time.sleep(0.005)  # what is measured is a few milliseconds; the deadline stands above
        waits.append(time.monotonic() - committed)
        tasks.cancel(task, reason="enough", now=clock.now())
    print(json.dumps(waits))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcenter.settings")
    import django

    django.setup()
    prepare() if sys.argv[1] == "prepare" else offer(int(sys.argv[2]))
