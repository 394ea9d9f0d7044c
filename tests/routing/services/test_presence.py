"""Agents come, go and vanish."""

from __future__ import annotations

import datetime as dt

import pytest

from conversations.models import Conversation
from routing.models import Change, Reservation, Task, Worker
from routing.services import presence, reservations, tasks
from tests.factories import routing as make

pytestmark = pytest.mark.django_db


def after(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def fresh(worker: Worker) -> Worker:
    return Worker.objects.select_related("activity").get(pk=worker.pk)


def test_an_activity_that_is_not_available_stops_new_offers(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    router = make.route(now)
    presence.set_activity(worker, make.activity("Break"), by=None, now=now)
    task = make.task(now=now)
    router.tick(now)
    assert make.offers(task) == []

    presence.set_activity(worker, make.activity("Available"), by=None, now=after(now, 60))
    router.tick(after(now, 60))

    assert make.offers(task) == [(worker.friendly_name, "pending")]
    assert fresh(worker).idle_since == after(now, 60)


def test_open_offers_stay_through_a_change_of_activity(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    task = make.task(now=now)
    router = make.route(now)

    presence.set_activity(worker, make.activity("Break"), by=None, now=now)
    router.tick(now)

    assert make.offers(task) == [(worker.friendly_name, "pending")]


def test_open_offers_are_declined_when_the_agent_says_so(now: dt.datetime) -> None:
    worker, other = make.worker(name="One", now=now), make.worker(name="Two", now=now)
    task = make.task(now=now)
    router = make.route(now)

    presence.set_activity(worker, make.activity("Break"), by=None, reject_pending=True, now=after(now, 1))
    router.tick(after(now, 1))

    assert make.offers(task) == [("One", "rejected"), (other.friendly_name, "pending")]


def test_the_same_activity_again_changes_nothing(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    before = fresh(worker).event_seq

    presence.set_activity(worker, make.activity("Available"), by=None, now=after(now, 60))

    assert (fresh(worker).event_seq, fresh(worker).activity_since) == (before, now)


def test_new_skills_bring_the_tasks_that_wait_for_them(now: dt.datetime) -> None:
    worker = make.worker(attributes={"languages": ["en"]}, now=now)
    arabic = make.queue(target_workers="languages HAS 'ar'")
    task = make.task(workflow=make.workflow({"queue": arabic}), now=now)
    router = make.route(now)
    assert make.offers(task) == []

    presence.update_attributes(worker, {"languages": ["en", "ar"]}, now=after(now, 5))
    router.tick(after(now, 5))

    assert make.offers(task) == [(worker.friendly_name, "pending")]


# ---- sockets


def test_an_agent_with_another_tab_open_has_not_vanished(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    presence.connected(worker, "tab-1", now=now)
    presence.connected(worker, "tab-2", now=now)

    presence.disconnected("tab-1", after(now, 5))
    assert fresh(worker).vanished_at is None
    presence.disconnected("tab-2", after(now, 9))

    assert fresh(worker).vanished_at == after(now, 9)


def test_who_comes_back_in_time_keeps_everything(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    task = make.task(now=now)
    make.route(now)
    presence.connected(worker, "tab", now=now)
    presence.disconnected("tab", after(now, 5))

    presence.sweep(after(now, 34))
    presence.connected(worker, "tab-again", now=after(now, 34))
    presence.sweep(after(now, 40))

    assert make.offers(task) == [(worker.friendly_name, "pending")]
    assert (fresh(worker).vanished_at, fresh(worker).activity.friendly_name) == (None, "Available")


def test_who_is_away_for_half_a_minute_goes_offline_and_loses_the_offers(now: dt.datetime) -> None:
    worker, other = make.worker(name="One", now=now), make.worker(name="Two", now=now)
    task = make.task(now=now)
    router = make.route(now)
    presence.connected(worker, "tab", now=now)
    presence.disconnected("tab", now)

    presence.sweep(after(now, 29.9))
    assert fresh(worker).activity.friendly_name == "Available"
    presence.sweep(after(now, 30))
    router.tick(after(now, 30))

    assert fresh(worker).activity.friendly_name == "Offline"
    assert make.offers(task) == [("One", "rescinded"), (other.friendly_name, "pending")]


def test_after_five_minutes_the_conversations_go_back_with_their_age(now: dt.datetime) -> None:
    worker = make.worker(name="One", now=now)
    task = make.task(conversation=make.conversation(), now=now)
    router = make.route(now)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=now)
    presence.connected(worker, "tab", now=now)
    presence.disconnected("tab", now)
    presence.sweep(after(now, 299))
    assert Task.objects.get(pk=task.pk).status == "assigned"

    presence.sweep(after(now, 300))
    presence.sweep(after(now, 301))
    other = make.worker(name="Two", now=after(now, 302))
    router.tick(after(now, 302))

    task.refresh_from_db()
    assert (task.status, task.virtual_start_time) == ("reserved", now)
    assert Conversation.objects.get(tasks=task).owner == "queue"
    assert make.offers(task) == [("One", "canceled"), (other.friendly_name, "pending")]
    assert fresh(worker).load == 0


def wrapping(now: dt.datetime) -> tuple[Task, Worker]:
    worker = make.worker(name="One", now=now)
    task = make.task(conversation=make.conversation(), now=now)
    make.route(now)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=now)
    tasks.wrap_up(task, by=worker, now=after(now, 10))
    presence.connected(worker, "tab", now=now)
    presence.disconnected("tab", after(now, 10))
    return task, worker


def test_what_was_only_being_wrapped_up_is_completed_instead(now: dt.datetime) -> None:
    task, _ = wrapping(now)

    presence.sweep(after(now, 400))

    assert Task.objects.get(pk=task.pk).status == "completed"


def test_a_customer_who_wrote_during_the_wrap_up_is_not_dropped(now: dt.datetime) -> None:
    task, _ = wrapping(now)
    Conversation.objects.filter(tasks=task).update(last_customer_at=after(now, 20))

    presence.sweep(after(now, 400))

    assert Task.objects.get(pk=task.pk).status == "pending"


def test_a_socket_whose_process_died_counts_as_gone(now: dt.datetime) -> None:
    worker = make.worker(now=now)
    presence.connected(worker, "tab", now=now)
    assert presence.heartbeat("tab", after(now, 20)) is True

    presence.sweep(after(now, 95))
    assert fresh(worker).vanished_at is None
    presence.sweep(after(now, 96))

    assert (fresh(worker).vanished_at, fresh(worker).activity.friendly_name) == (after(now, 20), "Offline")
    assert presence.heartbeat("tab", after(now, 97)) is False


def test_an_agent_who_never_had_a_console_does_not_vanish(now: dt.datetime) -> None:
    worker = make.worker(now=now)

    presence.sweep(after(now, 10_000))

    assert fresh(worker).activity.friendly_name == "Available"


def test_a_sweep_with_nothing_to_do_writes_nothing_and_asks_little(
    now: dt.datetime, django_assert_num_queries: object
) -> None:
    for number in range(3):
        presence.connected(make.worker(now=now), f"tab-{number}", now=now)
    Change.objects.all().delete()

    with django_assert_num_queries(4):  # type: ignore[operator]
        presence.sweep(after(now, 10))

    assert not Change.objects.exists()
