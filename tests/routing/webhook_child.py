"""Run by ``test_webhooks`` as a process of its own, to be killed: ``prepare URL``, then ``send SECONDS``."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def main(what: str, *arguments: str) -> None:
    from django.core.management import call_command

    from conversations.services import api_keys
    from routing.models import Delivery
    from routing.services import fold, setup, tasks, webhooks

    if what == "prepare":
        call_command("migrate", verbosity=0)
    workspace = setup.ensure_default_workspace(NOW)
    if what == "prepare":
        api_keys.create(name="Shop", scopes=["routing"], now=NOW)
        while fold.fold(NOW):
            pass
        workspace.event_callback_url = arguments[0]
        workspace.save()
        tasks.create(attributes={}, task_channel="chat", now=NOW)
        while fold.fold(NOW):
            pass
    else:
        (Path(os.environ["DATA_DIR"]) / "pid").write_text(str(os.getpid()))
        webhooks.send(workspace.pk, now=NOW + dt.timedelta(seconds=float(arguments[0])))
        print(f"{Delivery.objects.count()} left")


if __name__ == "__main__":
    import django

    django.setup()
    main(*sys.argv[1:])
