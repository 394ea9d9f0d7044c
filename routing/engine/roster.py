"""The workers: what they are, what they hold, and who has room, in the order of their idleness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routing.engine.clockwork import Clockwork
from routing.engine.eligibility import Eligibility
from routing.engine.idle import IdleOrder
from routing.engine.lanes import WIDE, Lanes
from routing.engine.model import WorkerSpec
from routing.engine.state import Hold, Queue, Task, Worker
from routing.engine.syntax import Node
from routing.engine.values import Id
from routing.engine.workflow import Target


class Roster:
    """Workers, channels, queues and reservations. ``Book`` adds the tasks that wait."""

    def __init__(self, *, new_id: Callable[[], Id]) -> None:
        self.new_id = new_id
        self.eligibility = Eligibility()
        self.lanes = Lanes()
        self.clock = Clockwork()
        self.channels: dict[Id, int] = {}
        self.channel_ids: list[Id] = []
        self.channel_names: dict[str, int] = {}
        self.weights: list[int] = []
        #: by channel: does its work give way to that of the others; does idleness count there by itself
        self.interruptible: list[bool] = []
        self.optimized: list[bool] = []
        #: by channel: the workers with room for one more, in the order of their idleness
        self.idle: list[IdleOrder] = []
        self.queues: dict[Id, Queue] = {}
        self.workers: dict[Id, Worker] = {}
        self.slots: list[Worker | None] = [None]
        self.holds: dict[Id, Hold] = {}
        self._free_slots: list[int] = []
        self._dirty_workers: dict[Worker, None] = {}
        #: tasks that wait although they ignore capacity: whoever changes may be the one
        self._forced: dict[Task, None] = {}
        self._dirty_tasks: dict[Task, None] = {}

    def put_channel(
        self, channel_id: Id, unique_name: str, weight: int, *, interruptible: bool = False, optimized: bool = False
    ) -> None:
        """A task channel; before workers and tasks that use it.

        ``interruptible``: its tasks take room from each other, and none from tasks of channels that are not.
        ``optimized``: there the longest idle is who had no task of this channel for the longest.
        """
        if channel_id in self.channels:
            index = self.channels[channel_id]
            self.weights[index], self.interruptible[index], self.optimized[index] = weight, interruptible, optimized
            return
        self.channels[channel_id] = self.channel_names[unique_name] = len(self.weights)
        self.channel_ids.append(channel_id)
        self.weights.append(weight)
        self.interruptible.append(interruptible)
        self.optimized.append(optimized)
        self.idle.append(IdleOrder())
        self.lanes.add_channel()

    def put_queue(
        self, queue_id: Id, node: Node, *, max_reserved: int = 1, newest_first: bool = False, about: Any = None
    ) -> None:
        """A queue; before tasks that wait in it."""
        self.queues[queue_id] = Queue(queue_id, node, max_reserved, newest_first, about, Target(queue_id))

    # ---- workers -------------------------------------------------------------------------------------------------

    def put_worker(self, spec: WorkerSpec) -> None:
        """A worker is like this now."""
        worker = self.workers.get(spec.id)
        if worker is None:
            worker = self._new_worker(spec.id)
        names = {
            "@sid": spec.sid,
            "@friendly_name": spec.name,
            "@activity_sid": spec.activity_sid,
            "@activity_name": spec.activity_name,
        }
        scope = {**spec.attributes, **names}
        known = dict(worker.scope)
        known.pop("@channel", None)
        worker.available, worker.activity_sid = spec.available, spec.activity_sid
        worker.capacity, worker.idle_since = spec.capacity, spec.idle_since
        worker.about = spec.about
        for channel_id, index in self.channels.items():
            worker.caps[index], worker.is_open[index] = spec.channels.get(channel_id, (0, False))
            if self.optimized[index]:
                worker.idle_on[index] = spec.idle_on.get(channel_id, spec.idle_since)
        if scope != known:
            worker.scope = {**scope, "@channel": worker.counters}
            self.eligibility.put_worker(worker.slot, worker.scope)
            if not self.lanes.wide and len(self.eligibility.classes[worker.slot]) > WIDE:
                self.lanes.widen()
        if self.eligibility.volatile:  # counters are read live: they never look different from before
            self.eligibility.ask_volatile(worker.slot, worker.scope)
        self._dirty_workers[worker] = None
        if self._forced:
            self._dirty_tasks.update(self._forced)

    def drop_worker(self, worker_id: Id) -> None:
        """A worker is gone, with the reservations they had. Unknown ones change nothing."""
        worker = self.workers.pop(worker_id, None)
        if worker is None:
            return
        for hold in [hold for hold in self.holds.values() if hold.worker is worker]:
            self._end(hold)
        worker.available = False
        self._sync(worker)
        self._dirty_workers.pop(worker, None)
        self.eligibility.drop_worker(worker.slot)
        self.slots[worker.slot] = None
        self._free_slots.append(worker.slot)

    def _new_worker(self, worker_id: Id) -> Worker:
        slot = self._free_slots.pop() if self._free_slots else len(self.slots)
        worker = self.workers[worker_id] = Worker(worker_id, slot, self.channel_names)
        if slot == len(self.slots):
            self.slots.append(worker)
            for idle in self.idle:
                idle.grow(slot)
        self.slots[slot] = worker
        for table in (worker.caps, worker.loads, worker.accepted):
            table.extend([0] * len(self.channels))
        worker.is_open.extend([False] * len(self.channels))
        worker.idle_on.extend([0.0] * len(self.channels))
        return worker

    def _sync(self, worker: Worker) -> None:
        """Bring what searches look at in line with the worker's own numbers."""
        slot, loads, caps, is_open, weights = worker.slot, worker.loads, worker.caps, worker.is_open, self.weights
        available, free = worker.available, worker.capacity - worker.load
        for channel, idle in enumerate(self.idle):
            room = free if self.interruptible[channel] else free + worker.soft
            has = available and loads[channel] < caps[channel] and is_open[channel] and weights[channel] <= room
            key = idle.keys[slot]
            if has:
                since = worker.idle_on[channel] if self.optimized[channel] else worker.idle_since
                if key < 0:
                    idle.insert(slot, since)
                elif key >> 24 != int(since * 1e6):
                    idle.remove(slot)
                    idle.insert(slot, since)
            elif key >= 0:
                idle.remove(slot)

    def _touch(self, worker: Worker) -> None:
        """The worker's load changed: look for work, and ask the classes that count it."""
        self._dirty_workers[worker] = None
        if self.eligibility.volatile:
            self.eligibility.ask_volatile(worker.slot, worker.scope)

    # ---- reservations --------------------------------------------------------------------------------------------

    def _take(self, hold: Hold) -> None:
        worker = hold.worker
        hold.task.holds[hold.id] = self.holds[hold.id] = hold
        worker.loads[hold.channel] += hold.units
        worker.load += hold.weight
        if self.interruptible[hold.channel]:
            hold.soft = hold.weight
            worker.soft += hold.weight
        worker.pending += 1
        if self.eligibility.volatile:
            self._touch(worker)

    def _accept(self, hold: Hold) -> None:
        if hold.accepted:
            return
        hold.accepted = True
        worker = hold.worker
        worker.pending -= 1
        worker.accepted[hold.channel] += 1
        self.clock.cancel(hold)
        if self.eligibility.volatile:
            self._touch(worker)
        elif worker not in self._dirty_workers:
            self._sync(worker)  # no more room than before, only idle since another time

    def _end(self, hold: Hold) -> None:
        worker = hold.worker
        del hold.task.holds[hold.id], self.holds[hold.id]
        worker.loads[hold.channel] -= hold.units
        worker.load -= hold.weight
        worker.soft -= hold.soft
        if hold.accepted:
            worker.accepted[hold.channel] -= 1
        else:
            worker.pending -= 1
            self.clock.cancel(hold)
        self._dirty_workers[worker] = None
        if self.eligibility.volatile:
            self.eligibility.ask_volatile(worker.slot, worker.scope)

    def _is_idle_from(self, worker: Worker, channel: int, now: float) -> None:
        """An assignment began or ended."""
        worker.idle_since = now
        if self.optimized[channel]:
            worker.idle_on[channel] = now
