"""What the router knows: a matcher for each workspace, as read from the rows."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import time
import uuid
from collections.abc import Iterator

import structlog

from contactcenter.lib import ids
from routing.engine.matcher import Matcher
from routing.models import TaskQueue, Workspace
from routing.services import capacity, clocksteps, facts, setup

log = structlog.get_logger(__name__)

#: Waiting tasks a new leader reads before it assigns anything, and those it reads at a time afterwards.
FIRST, PAGE = 200, 5_000


class Memory:
    """``rebuild``, then ``apply`` whatever changed, and ``read_on`` while something is ``unread``."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.matchers: dict[uuid.UUID, Matcher] = {}
        #: queues that ask nobody
        self.auto_accept: set[uuid.UUID] = set()
        #: tasks that wait and have not been read yet, those served first last
        self.unread: list[uuid.UUID] = []

    @property
    def is_settled(self) -> bool:
        """Whether everything that follows from what was read is decided."""
        return all(matcher.is_settled for matcher in self.matchers.values())

    def next_due(self) -> float | None:
        """When the next deadline passes (epoch seconds)."""
        dues = [due for matcher in self.matchers.values() if (due := matcher.next_due()) is not None]
        return min(dues, default=None)

    def apply(self, task_ids: set[uuid.UUID], worker_ids: set[uuid.UUID], rebuild: bool, now: dt.datetime) -> None:
        if rebuild:
            self.rebuild(now)
        if worker_ids:
            self.put_workers(worker_ids)
        if task_ids:
            self.put_tasks(task_ids)

    def put_workers(self, worker_ids: set[uuid.UUID]) -> None:
        gone = set(worker_ids)
        for workspace_id, spec in facts.workers(worker_ids):
            gone.discard(spec.id)
            if workspace_id in self.matchers:
                self.matchers[workspace_id].put_worker(spec)
        for matcher in self.matchers.values():
            for worker_id in gone:
                matcher.drop_worker(worker_id)

    def put_tasks(self, task_ids: set[uuid.UUID]) -> None:
        specs = list(facts.tasks(task_ids))
        over = {*task_ids, *map(facts.Seat, task_ids)} - {spec.id for _, spec in specs}
        # First: a second seat that was taken gives its reservation to the task itself.
        for matcher in self.matchers.values():
            for task_id in over:
                matcher.drop_task(task_id)
        for workspace_id, spec in specs:
            if workspace_id in self.matchers:
                self.matchers[workspace_id].put_task(spec)

    def read_on(self, now: dt.datetime, count: int | None = None) -> None:
        """Read the next of those that wait. In the order they are served in, so what is not read yet comes later.

        At the end the workers' loads are set right, should one be wrong; whose was leaves news.
        """
        page = self.unread[-(count or PAGE) :]
        del self.unread[-(count or PAGE) :]
        for workspace_id, task in facts.tasks(page):
            if workspace_id in self.matchers:
                self.matchers[workspace_id].put_task(task, settled=True)
        for matcher in self.matchers.values():
            matcher.look_again()
        if not self.unread:
            gc.freeze()
            capacity.recount(now=now)

    def rebuild(self, now: dt.datetime) -> None:
        """Read everything, but of the tasks that wait only those served first: a new leader assigns at once, and keeps
        its lease. The others follow, some with every tick. What changes meanwhile leaves news and is read again."""
        # What is read stays: the garbage collector need not walk through a hundred thousand tasks again and again.
        gc.unfreeze()
        with uncollected():
            try:
                self._read_everything(now)
            finally:
                gc.freeze()

    def _read_everything(self, now: dt.datetime) -> None:
        started = time.monotonic()
        clocksteps.mend(now)
        self.matchers = {}
        for workspace in Workspace.objects.order_by("id"):
            setup.ensure_all_channels(workspace)
            matcher = Matcher(
                new_id=ids.new_id,
                reoffer_after=float(workspace.reoffer_after),
                newest_queues_first=workspace.prioritize_queue_order == "LIFO",
                overdue_after=float(workspace.overdue_after) or None,
            )
            matcher.decide(now.timestamp())  # it knows the time from here on
            facts.configure(matcher, workspace)
            self.matchers[workspace.pk] = matcher
        for workspace_id, worker in facts.workers():
            self.matchers[workspace_id].put_worker(worker)
        for workspace_id, task in facts.taken():
            self.matchers[workspace_id].put_task(task, settled=True)
        self.unread = facts.waiting()
        self.unread.reverse()
        self.read_on(now, FIRST)
        self.auto_accept = set(TaskQueue.objects.filter(auto_accept=True).values_list("id", flat=True))
        counts = {"workers": 0, "tasks": 0, "unread": len(self.unread)}
        for matcher in self.matchers.values():
            counts["workers"] += len(matcher.workers)
            counts["tasks"] += len(matcher.tasks)
        log.info("router.rebuilt", seconds=round(time.monotonic() - started, 3), **counts)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection in this block: it would take a tenth of a busy router's time, and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
