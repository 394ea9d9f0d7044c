"""Run by tests as a process of its own, to be killed: ``prepare URL``, ``send SECONDS`` (webhooks); ``offer URL``,
``ask SECONDS`` (assignment callbacks)."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def main(what: str, *arguments: str) -> None:
    from django.core.management import call_command

    from conversations.services import api_keys
    from routing.models import Activity, Callback, Delivery, Event, Workflow
    from routing.services import callbacks, dispatch, fold, setup, tasks, webhooks

    if what in ("prepare", "offer"):
        call_command("migrate", verbosity=0)
    workspace = setup.ensure_default_workspace(NOW)
    if what in ("prepare", "offer"):
        api_keys.create(name="Shop", scopes=["routing"], now=NOW)
        while fold.fold(NOW):
            pass
        if what == "prepare":
            workspace.event_callback_url = arguments[0]
            workspace.save()
        else:
            Workflow.objects.update(assignment_callback_url=arguments[0])
            available = Activity.objects.get(friendly_name="Available")
            setup.create_worker(workspace=workspace, friendly_name="Ada", activity=available, now=NOW)
        tasks.create(attributes={}, task_channel="chat", now=NOW)
        if what == "offer":
            router = dispatch.Router("child")
            assert router.lead(NOW)
            assert router.tick(NOW) == 1
        while fold.fold(NOW):
            pass
        return
    (Path(os.environ["DATA_DIR"]) / "pid").write_text(str(os.getpid()))
    now = NOW + dt.timedelta(seconds=float(arguments[0]))
    if what == "send":
        webhooks.send(workspace.pk, now=now)
        print(f"{Delivery.objects.count()} left")
    else:
        callbacks.send(Workflow.objects.get().pk, now=now)
        accepted = Event.objects.filter(type="reservation.accepted").count()
        print(f"{Callback.objects.count()} left, {accepted} accepted")


if __name__ == "__main__":
    import django

    django.setup()
    main(*sys.argv[1:])
