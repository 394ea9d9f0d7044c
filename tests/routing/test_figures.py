"""Figures kept in rows are those a recount of the events gives: always, at once, for any stretch of time."""

from __future__ import annotations

import datetime as dt
import io
import random
import uuid
from collections.abc import Iterable

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contactcenter.lib import clock
from contactcenter.lib.errors import Refused
from routing import jobs, statistics
from routing.models import Event, EventBatch, Reservation, Stay, Tally, Task, TaskChannel, WorkerTally
from routing.services import fold, outbox, presence, reservations, tasks
from routing.statistics import counting, reading
from routing.statistics.counting import Counted, Figures
from routing.statistics.reading import Scope
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

NOW = make.NOW
IDS = [uuid.UUID(int=number) for number in range(1, 12)]
SHOP, QUEUES, WORKFLOWS, CHANNELS, WORKERS = IDS[0], IDS[1:4], IDS[4:6], IDS[6:8], IDS[8:11]
#: A failing example is shrunk by hand: each try writes some dozen rows.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def fold_all(now: dt.datetime = NOW) -> None:
    while fold.fold(now):
        pass


def naive(scope: Scope, start: dt.datetime, end: dt.datetime) -> dict[uuid.UUID, Figures]:
    """Every event, one after the other."""
    found: dict[uuid.UUID, Figures] = {}
    for row in Event.objects.values_list(*Counted._fields):
        event = Counted(*row)
        if start <= event.created_at < end:
            for key, figures in counting.of_tasks(event):
                if scope.holds(key):
                    found.setdefault(key.queue_id, Figures()).add(figures)
    return found


def naive_of_workers(start: dt.datetime, end: dt.datetime) -> dict[uuid.UUID, Figures]:
    found: dict[uuid.UUID, Figures] = {}
    for row in Event.objects.filter(workspace=SHOP).values_list(*Counted._fields):
        event = Counted(*row)
        figures = counting.of_worker(event)
        if figures and event.worker_id and start <= event.created_at < end:
            found.setdefault(event.worker_id, Figures()).add(figures)
    return found


def figures_of(found: dict[uuid.UUID, Figures]) -> dict[uuid.UUID, Figures]:
    return {queue_id: figures for queue_id, figures in found.items() if figures != Figures()}


moments = st.integers(0, 3 * 24 * 3600 * 1000).map(
    lambda ms: NOW - dt.timedelta(days=3) + dt.timedelta(milliseconds=ms)
)
#: Times people ask for, and the edges where rows begin.
edges = st.one_of(moments, moments.map(lambda at: at.replace(second=0, microsecond=0)), st.just(NOW))


@st.composite
def events(draw: st.DrawFn) -> Event:
    type = draw(st.sampled_from([*counting.COUNTERS, "task.updated"]))
    at = draw(moments)
    facts: dict[str, object] = {}
    if type in ("reservation.accepted", "task.canceled"):
        facts = {"waited": draw(st.integers(0, 400_000)), "queued": draw(st.integers(0, 400_000))}
    if type.startswith(("task-queue.", "workflow.entered")) and draw(st.booleans()):
        facts["from"] = draw(st.sampled_from(QUEUES)).hex
    workspace_id = draw(st.sampled_from([SHOP, SHOP, SHOP, IDS[1]]))
    has_worker = workspace_id == SHOP and type.startswith("reservation.")
    return Event(
        workspace_id=workspace_id,
        created_at=at,
        type=type,
        queue_id=draw(st.sampled_from([None, *QUEUES])),
        workflow_id=draw(st.sampled_from([None, *WORKFLOWS])),
        task_channel_id=draw(st.sampled_from(CHANNELS)),
        worker_id=draw(st.sampled_from(WORKERS)) if has_worker else None,
        facts=facts or None,
    )


def write(rows: Iterable[Event]) -> None:
    written = list(rows)
    with transaction.atomic():
        Event.objects.bulk_create(written)
        outbox.put([event.pk.hex for event in written], NOW)


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.tuples(st.lists(events(), max_size=6), st.booleans()), max_size=10),
    windows=st.lists(st.tuples(edges, edges), min_size=3, max_size=3),
    scope=st.builds(
        Scope,
        workspace_id=st.just(SHOP),
        queue_id=st.sampled_from([None, *QUEUES]),
        workflow_id=st.sampled_from([None, *WORKFLOWS]),
        task_channel_id=st.sampled_from([None, *CHANNELS]),
    ),
)
def test_figures_are_those_of_a_recount_whatever_is_folded_already(
    batches: list[tuple[list[Event], bool]], windows: list[tuple[dt.datetime, dt.datetime]], scope: Scope
) -> None:
    with transaction.atomic():
        for model in (Event, EventBatch, Tally, WorkerTally, Stay):
            model._default_manager.all().delete()
        for rows, is_folded in batches:
            write(rows)
            if is_folded:
                fold.fold(NOW)
        for one, other in windows:
            start, end = sorted((one, other))
            assert figures_of(reading.by_queue(scope, start=start, end=end, now=NOW)) == naive(scope, start, end)
            of_workers = reading.by_worker(SHOP, None, task_channel_id=None, start=start, end=end, now=NOW)
            assert figures_of(of_workers) == naive_of_workers(start, end)
        fold_all()
        assert fold.recount(NOW, check=True) == []


def test_only_a_move_counts_for_the_queue_it_left() -> None:
    """What is read from the events asks for the other queues' moves alone."""
    ours, theirs = QUEUES[:2]

    def queues(type: str) -> set[uuid.UUID]:
        place = (SHOP, ours, WORKFLOWS[0], CHANNELS[0])
        event = Counted(IDS[0], NOW, type, *place, None, None, {"from": theirs.hex}, None)
        return {key.queue_id for key, _ in counting.of_tasks(event)}

    assert queues("task-queue.moved") == {ours, theirs}
    assert all(theirs not in queues(type) for type in counting.COUNTERS if type != "task-queue.moved")


def simulate(seed: int, fold_every: int) -> None:
    """An hour and a half at a small desk: offers taken, declined and missed, breaks, customers who give up."""
    dice = random.Random(seed)
    sales, support = make.queue(name=f"Sales {seed}"), make.queue(name=f"Support {seed}")
    workflow = make.workflow({"queue": sales, "timeout": 40}, {"queue": support, "timeout": 300}, timeout=20)
    staff = [make.worker(capacities={"chat": 2}, now=NOW) for _ in range(3)]
    router = make.route(NOW)
    for step in range(1, 180):
        now = after(step * 30 + dice.random() * 20)
        if dice.random() < 0.5:
            make.task(workflow=workflow, task_channel=dice.choice(["chat", "sms"]), now=now)
        for offer in Reservation.objects.filter(status="pending"):
            answer = dice.random()
            if offer.due_at is not None and offer.due_at <= now:
                continue
            if answer < 0.5:
                reservations.accept(offer, by=offer.worker, now=now)
            elif answer < 0.7:
                reservations.reject(offer, by=offer.worker, now=now)
        for held in Reservation.objects.filter(status="accepted").select_related("task", "worker"):
            if dice.random() < 0.2:
                tasks.complete(held.task, by=held.worker, now=now)
            elif dice.random() < 0.05:
                tasks.requeue(held.task, by=held.worker, now=now)
        waiting = Task.objects.filter(status="pending").first()
        if waiting is not None and dice.random() < 0.1:
            tasks.cancel(waiting, reason="gone", now=now)
        if dice.random() < 0.2:
            name = dice.choice(["Break", "Available", "Unavailable"])
            presence.set_activity(dice.choice(staff), make.activity(name), by=None, now=now)
        router.tick(now)
        if step % fold_every == 0:
            fold.fold(now)


@pytest.mark.parametrize(("seed", "fold_every"), [(1, 1), (2, 7), (3, 1000)])
def test_a_desks_figures_are_those_of_a_recount(seed: int, fold_every: int) -> None:
    simulate(seed, fold_every)
    workspace = make.workspace()
    end = after(5600)

    for start, until in ((NOW, end), (after(61), after(4000.5)), (after(900), after(960))):
        assert figures_of(reading.by_queue(Scope(workspace.pk), start=start, end=until, now=end)) == naive(
            Scope(workspace.pk), start, until
        )
    assert fold.recount(end, check=True) == []

    before = statistics.cumulative(workspace, start=NOW, end=end, now=end, split_by_wait_time=[10, 60])
    durations = statistics.workers_cumulative(workspace, start=NOW, end=end, now=end)
    fold_all(end)
    assert statistics.cumulative(workspace, start=NOW, end=end, now=end, split_by_wait_time=[10, 60]) == before
    assert statistics.workers_cumulative(workspace, start=NOW, end=end, now=end) == durations
    assert before["tasks_created"] > 40
    assert before["reservations_accepted"] > 10
    # Every worker was somewhere, all the time.
    assert sum(row["total"] for row in durations["activity_durations"]) == pytest.approx(3 * 5600, abs=3)


def test_a_recount_finds_and_mends_wrong_figures() -> None:
    make.worker(now=NOW)
    tasks.cancel(make.task(now=NOW), reason="", now=after(3))
    make.route(after(4))
    fold_all()
    right = statistics.cumulative(make.workspace(), start=NOW, end=after(3600), now=NOW)
    Tally.objects.filter(width=3600).update(tasks_created=41)
    Tally.objects.filter(width=60).first().delete()  # type: ignore[union-attr]

    assert len(fold.recount(after(60), check=True)) == 2
    assert Tally.objects.filter(tasks_created=41).exists()
    assert len(fold.recount(after(60), check=False)) == 2

    assert fold.recount(after(60), check=True) == []
    assert statistics.cumulative(make.workspace(), start=NOW, end=after(3600), now=NOW) == right


def test_figures_take_as_many_queries_for_a_month_as_for_a_minute() -> None:
    simulate(4, 10)
    workspace = make.workspace()
    fold_all(after(5600))

    def queries(start: dt.datetime) -> int:
        with CaptureQueriesContext(connection) as seen:
            statistics.cumulative(workspace, start=start, end=after(5600), now=after(5600), split_by_wait_time=[5])
        return len(seen)

    assert queries(after(5600) - dt.timedelta(days=29)) == queries(after(61))
    with CaptureQueriesContext(connection) as few:
        statistics.overview(workspace, now=after(5600))
    for number in range(5):
        make.task(workflow=make.workflow({"queue": make.queue()}, name=f"More {number}"), now=after(5600))
    fold_all(after(5600))
    with CaptureQueriesContext(connection) as many:
        statistics.overview(workspace, now=after(5600))
    assert len(many) == len(few)


def test_old_events_and_minutes_go_and_the_figures_of_hours_stay() -> None:
    tasks.cancel(make.task(now=NOW), reason="", now=after(3))
    fold_all()
    start, end = NOW.replace(minute=0, second=0), NOW.replace(minute=0, second=0) + dt.timedelta(hours=1)
    before = statistics.cumulative(make.workspace(), start=start, end=end, now=NOW)

    assert fold.forget(NOW + dt.timedelta(days=30)) > 0
    assert Event.objects.exists()
    assert not Tally.objects.filter(width=60).exists()
    assert fold.forget(NOW + dt.timedelta(days=30, hours=2)) > 0

    assert not Event.objects.exists()
    later = NOW + dt.timedelta(days=30, hours=2)
    assert statistics.cumulative(make.workspace(), start=start, end=end, now=later) == before


def test_events_that_nobody_has_counted_are_kept_however_old() -> None:
    make.task(now=NOW)

    fold.forget(NOW + dt.timedelta(days=90))

    assert Event.objects.filter(type="task.created").exists()


def test_the_command_says_whether_the_figures_are_right() -> None:
    make.task(now=clock.now())
    jobs.sweep_events()
    out = io.StringIO()
    with pytest.raises(SystemExit) as right:
        call_command("recount_statistics", "--check", stdout=out)
    Tally.objects.update(tasks_created=5)
    with pytest.raises(SystemExit) as wrong:
        call_command("recount_statistics", "--check", stdout=out)

    assert (right.value.code, wrong.value.code) == (0, 1)
    assert out.getvalue().startswith("All figures are right.\n")
    assert out.getvalue().endswith("2 figures differ.\n")


def test_a_channel_that_is_unknown_is_refused() -> None:
    with pytest.raises(Refused):
        statistics.realtime(make.workspace(), task_channel="fax", now=NOW)
    assert TaskChannel.objects.exists()
