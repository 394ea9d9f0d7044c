"""The router's work: apply the news, decide, commit, tell. One instance per leading process, in one thread.

While it leads, memory is ahead of the rows by at most the batch being written. Anything unexpected (a refused batch, a
lost lease, a database error) is answered by reading rows again: those concerned, or everything.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import cast

import structlog
from django.db import IntegrityError, transaction

from contactcenter.lib import crash
from contactcenter.lib.errors import Refused
from routing import doorbell, sql
from routing.engine.matcher import Matcher
from routing.engine.model import Cancel, Decision, Expire, Move, Offer, WrapUpOver
from routing.models import Reservation, Task, Worker
from routing.services import batch, capacity, clocksteps, facts, leases, ledger, reservations, tasks, transfers
from routing.services.memory import Memory, uncollected

log = structlog.get_logger(__name__)

LEASE = "router"
#: Seconds a silent leader keeps the lease; a successor waits that long.
LEASE_TTL = 4.0
#: How often a leader with nothing to do renews it within that time, at least.
RENEWALS = 5
#: Tasks whose decisions are committed together: longer batches are faster, shorter ones are seen sooner. A round's
#: first is short, so that the database soon has something to do; each is at most twice as long as the one before.
FIRST, BATCH = 100, 600
#: Pieces of news taken in one go.
NEWS = 1_000
#: Refused batches in a row after which everything is read again.
PATIENCE = 5


#: What can be written together: of which matcher and workspace, and the decisions.
Decided = tuple[Matcher, uuid.UUID, list[Offer | Move]]


class LeaseLost(Exception):
    """Somebody else leads; what is in memory is worth nothing now."""


class Router:
    """``lead``, then ``tick`` whenever it is rung, and at ``next_due`` at the latest."""

    def __init__(self, holder: str, *, ttl: float = LEASE_TTL) -> None:
        self.holder = holder
        self.ttl = ttl
        self.epoch: int | None = None
        self.memory = Memory()
        self._renewed = 0.0
        self._refusals = 0
        self._latest = 0.0
        #: decisions of the next batch
        self._at_most = FIRST
        #: planned while the one before is written
        self._ahead: batch.Batch | None = None
        #: committed, and nobody has been told yet
        self._untold: batch.Batch | None = None
        #: in which term of somebody else memory was read, to be ready when it ends
        self._ready: leases.Term | None = None

    @property
    def leads(self) -> bool:
        return self.epoch is not None

    def lead(self, now: dt.datetime) -> bool:
        """Take the lease, or renew it; read everything when it is newly taken. Whether this router leads now."""
        with transaction.atomic():
            found = leases.look(LEASE)
            epoch = leases.acquire(LEASE, self.holder, self.ttl)
        self._renewed = time.monotonic()
        if epoch is None:
            self._stand_by(found, now)
        elif epoch != self.epoch:
            # The same term still: its holder has written nothing since, and all that others changed left news.
            if found is None or self._ready is None or self._ready != found[0]:
                self.forget()
                self.memory.rebuild(now)
            self.epoch, self._ready = epoch, None
            log.info("router.leads", holder=self.holder, epoch=epoch)
        return self.leads

    def _stand_by(self, found: tuple[leases.Term, float] | None, now: dt.datetime) -> None:
        """Somebody else leads. Who has not renewed the lease for half its time is probably gone: read everything now,
        to assign at once when it ends. Should they come back, that was for nothing."""
        silent = found[0] if found is not None and found[1] <= self.ttl / 2 else None
        if self.leads or silent != self._ready:
            self.forget()
            if silent is not None:
                self.memory.rebuild(now)
                self._ready = silent

    def forget(self) -> None:
        """Stop leading: drop everything in memory. The lease is left to expire."""
        if self.epoch is not None:
            log.info("router.stops", holder=self.holder, epoch=self.epoch)
        self.epoch = self._ready = self._ahead = None
        self.memory.forget()

    def retire(self) -> None:
        """Stop leading and give the lease back, so that a successor takes over at once."""
        if self.epoch is not None:
            leases.release(LEASE, self.holder, self.epoch)
        self.forget()

    def next_due(self) -> float | None:
        """When the next deadline passes (epoch seconds); at once, while there is something left to read."""
        if not self.leads:
            return None
        return 0.0 if self.memory.unread else self.memory.next_due()

    def tick(self, now: dt.datetime, *, rung: bool = True) -> int:
        """Apply all news, commit all decisions, until nothing is left. How many offers were made.

        ``rung`` says there is news, so it need not be asked for first. Raises ``LeaseLost`` when somebody else leads
        meanwhile. After any exception this router leads no longer.
        """
        made = 0
        try:
            with doorbell.silenced(), uncollected():
                if self.leads and now.timestamp() < self._latest - clocksteps.SLACK:
                    self.memory.rebuild(now)
                self._latest = now.timestamp()
                if rung:
                    made += self._round(now)
                if self.memory.unread:
                    self.memory.read_on(now)
                while self._has_work(now):
                    made += self._round(now)
                if time.monotonic() - self._renewed > self.ttl / RENEWALS:
                    with transaction.atomic():
                        self._fence()
        except BaseException:
            self.forget()
            raise
        return made

    def _has_work(self, now: dt.datetime) -> bool:
        due = self.memory.next_due()
        return (due is not None and due <= now.timestamp()) or not self.memory.is_settled or _has_news()

    def _round(self, now: dt.datetime) -> int:
        """News in, decisions out. How many offers were committed."""
        made = 0
        queues: set[uuid.UUID] = set()
        orders: list[Decision] = []
        current: batch.Batch | None = None
        self._at_most = min(FIRST, BATCH)
        try:
            with transaction.atomic():
                self._fence()
                self.memory.apply(*self._take_news(), now)
                current = self._plan(self._decide(orders, now), now)
                crash.point("router.decided")
                self._write(current, orders, now)
            while current is not None:
                crash.point("router.committed")
                self._untold = current
                queues |= current.queues()
                made += self._accept_all(current, now)
                current = self._ahead
                if current is not None:
                    with transaction.atomic():
                        self._fence()
                        self._write(current, orders, now)
            self._refusals = 0
        except (batch.Stale, IntegrityError) as refusal:
            self._repair([one for one in (current, self._ahead) if one is not None], refusal, now)
        finally:
            self._tell()
        ledger.announce([], [], queues)
        for order in orders:
            self._carry_out(order, now)
        return made

    def _decide(self, orders: list[Decision], now: dt.datetime) -> Decided | None:
        """Decide what can be written together; decisions of other kinds join the ``orders``."""
        for workspace_id, matcher in self.memory.matchers.items():
            while True:
                mine: list[Offer | Move] = []
                for one in matcher.decide(now.timestamp(), self._at_most):
                    if isinstance(one, (Offer, Move)) and not _is_of_seat(one):
                        mine.append(one)
                    else:
                        orders.append(one)
                if mine:
                    self._at_most = min(2 * self._at_most, BATCH)
                    return matcher, workspace_id, mine
                if matcher.is_settled:
                    break
        return None

    def _plan(self, decided: Decided | None, now: dt.datetime) -> batch.Batch | None:
        return None if decided is None else batch.Batch(*decided, now)

    def _write(self, current: batch.Batch | None, orders: list[Decision], now: dt.datetime) -> None:
        """Write a batch. While the database works on it, tell of the one before, and decide and plan the next.

        What is sent while the database is behind with what was sent before fills the socket, and then sending waits.
        So the events, which are most of it, go when half of that is done.
        """
        self._ahead = None
        if current is None:
            return
        current.lock()
        with sql.pipelined():
            current.send()
            self._tell()
            decided = self._decide(orders, now)
            try:
                current.send_events()
            finally:  # what is decided must be known, even to forget it
                self._ahead = self._plan(decided, now)
            current.settle()
        current.finish()

    # ---- the parts of a round ------------------------------------------------------------------------------------

    def _fence(self) -> None:
        """Renew the lease in the batch's own transaction: a router that lost it commits nothing."""
        if self.epoch is None or not leases.hold(LEASE, self.holder, self.epoch, self.ttl):
            raise LeaseLost
        self._renewed = time.monotonic()

    def _take_news(self) -> tuple[set[uuid.UUID], set[uuid.UUID], bool]:
        """(tasks, workers, has the configuration changed): what others changed. It is gone when this commits."""
        rows = sql.execute(
            "DELETE FROM routing_change WHERE id IN (SELECT id FROM routing_change ORDER BY id LIMIT %s)"
            " RETURNING kind, subject",
            [NEWS],
        )
        news: dict[str, set[uuid.UUID]] = {}
        for kind, subject in rows:
            news.setdefault(kind, set()).add(sql.read_id(subject))
        return news.pop("task", set()), news.pop("worker", set()), bool(news)

    def _tell(self) -> None:
        """Tell of a batch that is committed, once."""
        told, self._untold = self._untold, None
        if told is not None:
            ledger.announce(told.frames(), told.changed(), ())

    def _accept_all(self, current: batch.Batch, now: dt.datetime) -> int:
        """Accept what was offered by queues that ask nobody. How many offers the batch held."""
        for draft, offer, _ in current.created:
            if draft.task.queue in self.memory.auto_accept:
                self._accept(offer, now)
        return len(current.created)

    def _accept(self, offer: Offer, now: dt.datetime) -> None:
        try:
            reservations.accept(Reservation.objects.get(pk=offer.reservation), by=Worker(pk=offer.worker), now=now)
        except Refused as refusal:  # it ended in this moment
            log.info("router.auto_accept_refused", code=refusal.code)

    def _carry_out(self, order: Decision, now: dt.datetime) -> None:
        """What the clock decided is done through the same door people use; the row decides whether it still applies."""
        try:
            if isinstance(order, Expire):
                reservations.expire(order.reservation, now=now)
            elif isinstance(order, WrapUpOver):
                tasks.end_wrap_up(order.task, now=now)
            elif isinstance(order, Offer):
                self._offer_seat(order, now)
            elif isinstance(order.task, facts.Seat):
                transfers.expire(order.task.task, now=now)
            elif isinstance(order, Cancel):
                known = next((task for m in self.memory.matchers.values() if (task := m.tasks.get(order.task))), None)
                tasks.cancel(
                    Task(pk=order.task), reason=order.reason, now=now, if_version=known.version if known else None
                )
        except (Refused, Task.DoesNotExist) as refusal:
            log.info("router.order_refused", order=type(order).__name__, reason=type(refusal).__name__)

    def _offer_seat(self, offer: Offer, now: dt.datetime) -> None:
        """Second seats are rare: each is offered by itself, through the door that checks it."""
        with transaction.atomic():
            self._fence()
            made = transfers.offer(
                cast(facts.Seat, offer.task).task,
                Worker(pk=offer.worker),
                reservation_id=offer.reservation,
                units=offer.units,
                weight=offer.weight,
                due_at=facts.moment(offer.due),
                now=now,
            )
        if made and made.to_queue_id in self.memory.auto_accept:
            self._accept(offer, now)

    # ---- reading again -------------------------------------------------------------------------------------------

    def _repair(self, unwritten: list[batch.Batch], refusal: Exception, now: dt.datetime) -> None:
        """A batch was refused: forget its decisions by reading their rows again."""
        self._refusals += 1
        stale = refusal if isinstance(refusal, batch.Stale) else batch.Stale()
        log.info("router.refused", tasks=len(stale.tasks), workers=len(stale.workers), times=self._refusals)
        if self._refusals > PATIENCE:
            self._refusals = 0
            capacity.recount(now=now)
            self.memory.rebuild(now)
            return
        task_ids = stale.tasks | {task.id for one in unwritten for task in one.tasks}
        worker_ids = stale.workers | {offer.worker for one in unwritten for _, offer, _ in one.created}
        for matcher in self.memory.matchers.values():
            task_ids |= {hold.task.id for hold in matcher.holds.values() if hold.worker.id in stale.workers}
        live = Reservation.objects.filter(worker__in=stale.workers, status__in=Reservation.LIVE)
        task_ids |= set(live.values_list("task_id", flat=True))
        self.memory.put_workers(worker_ids)
        self.memory.put_tasks(task_ids)


def _is_of_seat(decision: Offer | Move) -> bool:
    return decision.task.__class__ is facts.Seat


def _has_news() -> bool:
    return bool(sql.execute("SELECT 1 FROM routing_change LIMIT 1", []))
