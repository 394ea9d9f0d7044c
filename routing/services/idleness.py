"""Since when a worker is idle: over all task channels, and on each of them for those that count by themselves
(``channel_optimized_routing``). Kept on the worker's row, which is written anyway when a task begins or ends."""

from __future__ import annotations

from routing.models import Task, Worker
from routing.services.ledger import Ledger

#: In ``Worker.idle_on``: all channels that are not named.
OTHERS = "*"


def note_work(worker: Worker, task: Task, ledger: Ledger) -> None:
    """The (locked) worker's work on a task began or ended now: on its channel they are idle from now on."""
    at = worker.idle_since.timestamp()
    worker.idle_on = {OTHERS: at, **worker.idle_on, task.task_channel_id.hex: ledger.now.timestamp()}
    worker.idle_since = ledger.now
    ledger.keep(worker, "idle_since", "idle_on")


def begin_anew(worker: Worker, ledger: Ledger) -> None:
    """The (locked) worker became available, or let an offer run out: on every channel they are idle from now on."""
    worker.idle_since, worker.idle_on = ledger.now, {}
    ledger.keep(worker, "idle_since", "idle_on")
