"""Processes of ours for the crash tests, forked from one that has Django loaded: ``python -m ... <folder>``.

Reads one JSON object a line (``step``, ``line``, ``crash_at``), runs the step in a fork, and answers with its status.

prepare   tables and lines               intake   the provider's request comes in
work      what the hints lead to         recover  what the sweeps lead to, leases having run out

``crash_at`` ends the fork as kill -9 would. Hints are kept in its memory, so a crash loses them. The provider's own
ledger is a file in the folder: every request that reached it, in order.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any
from unittest import mock

TEXTS = ["first", "second", "third"]


def main(folder: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "contactcenter.settings"
    import django

    django.setup()
    from conversations import events
    from tests.factories import adapters

    adapters.install()
    events.message_received.receivers = []
    events.message_received.connect(_welcome)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(folder, **order)
        _pid, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(folder: Path, *, step: str, line: str, crash_at: str) -> None:
    """One process's life. Never returns."""
    try:
        _live(folder, step=step, line=line, crash_at=crash_at)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _live(folder: Path, *, step: str, line: str, crash_at: str) -> None:
    from channels_adapters.contract import OutboundMessage, SendReceipt
    from contactcenter.celery import HintTask
    from contactcenter.lib import crash
    from tests.factories import adapters

    crash._name, _, count = crash_at.partition(":")
    crash._left = int(count or 1)
    hints: list[tuple[Any, dict[str, Any]]] = []

    def queue(self: Any, **kwargs: Any) -> None:
        hints.append((self, kwargs))

    def take(address: str, message: OutboundMessage) -> SendReceipt:
        with (folder / "provider").open("a") as ledger:
            ledger.write(json.dumps([message.ref, message.text]) + "\n")
        return SendReceipt(f"p-{message.ref}")

    mock.patch.object(HintTask, "delay", queue).start()
    mock.patch.object(adapters.provider, "take", take).start()
    if step == "intake":
        _intake(line)
        return
    {"prepare": _prepare, "work": _work, "recover": _recover}[step]()
    for task, kwargs in hints:  # grows while it runs
        task.run(**kwargs)


def _prepare() -> None:
    from django.core.management import call_command

    from tests.factories import conversations as make

    call_command("migrate", verbosity=0)
    for kind in ("echo", "idempotent"):
        make.channel(type=kind, address=kind)


def _intake(address: str) -> None:
    from contactcenter.lib import clock
    from conversations.models import Channel
    from conversations.services import inbound
    from tests.factories import conversations as make

    line = Channel.objects.select_related("connection").get(address=address)
    events = [make.inbound(line, external_id=f"m-{text}", text=text) for text in TEXTS]
    answer = inbound.accept(line.connection, make.request(*events), now=clock.now())
    assert answer.status == 200


def _work() -> None:
    """The hints of what was committed just now."""
    from conversations import jobs
    from conversations.models import InboundEvent

    for lane in InboundEvent.objects.values_list("lane", flat=True).distinct():
        jobs.drain_lane.delay(lane=lane)


def _recover() -> None:
    from contactcenter.lib import clock
    from conversations.services import delivery, inbound

    ahead, today = delivery.LEASE + dt.timedelta(seconds=2), clock.now
    clock.now = lambda: today() + ahead
    inbound.sweep(now=clock.now())
    delivery.sweep(clock.now())


def _welcome(message_id: Any, conversation_id: Any, now: dt.datetime, **_: Any) -> None:
    """A flow's stand-in: answers every message once, in a transaction of its own."""
    from conversations.models import Conversation, Message
    from conversations.services import messages

    conversation = Conversation.objects.get(pk=conversation_id)
    messages.send(
        conversation,
        text=f"re: {Message.objects.get(pk=message_id).text}",
        key=f"welcome:{message_id}",
        author="bot",
        owner_version=conversation.owner_version,
        now=now,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
