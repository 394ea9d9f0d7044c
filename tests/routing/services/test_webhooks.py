"""Webhooks to a real receiver on loopback: signed, in order, again after failures, never lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from contactcenter.lib.errors import Refused
from conversations.services import api_keys
from routing import jobs
from routing.models import Delivery, Event, Receiver, Reservation, Workspace
from routing.services import breaker, configuration, fold, presence, reservations, signing, tasks, webhooks, workspaces
from tests.factories import routing as make
from tests.support.jobs import JobQueue
from tests.support.receiver import Got, WebhookReceiver

pytestmark = pytest.mark.django_db

NOW = make.NOW


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def receiver(settings: Any) -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as made:
        settings.EGRESS_ALLOW_PRIVATE = [made.host]
        yield made


@pytest.fixture
def secret() -> str:
    return api_keys.create(name="Shop", scopes=["routing"], now=NOW)[1]


@pytest.fixture
def workspace(receiver: WebhookReceiver, secret: str) -> Workspace:
    return make.workspace(event_callback_url=receiver.url, events_filter="")


def fold_all(now: dt.datetime = NOW) -> None:
    while fold.fold(now):
        pass


def forget_the_past() -> None:
    """What making the workspace itself was worth."""
    fold_all()
    Delivery.objects.all().delete()


def one_task_s_life() -> list[str]:
    """A task that is offered, taken and done; its events' types in order."""
    forget_the_past()
    worker = make.worker(now=NOW)
    task = make.task(now=NOW)
    make.route(NOW)
    reservations.accept(Reservation.objects.get(task=task), by=worker, now=after(1))
    tasks.complete(task, by=worker, now=after(2))
    presence.set_activity(worker, make.activity("Offline"), by=None, now=after(3))
    fold_all(after(3))
    return list(Event.objects.filter(task=task).order_by("task_seq").values_list("type", flat=True))


def send_all(workspace: Workspace, start: dt.datetime, *, step: float = 60, most: int = 200) -> dt.datetime:
    """Send until nothing is due any more, the clock going on between the jobs. When that was."""
    now = start
    for _ in range(most):
        webhooks.send(workspace.pk, now=now)
        if not Delivery.objects.filter(status="due").exists():
            return now
        now += dt.timedelta(seconds=step)
    raise AssertionError("still not sent")


def test_events_arrive_signed_so_that_the_sdk_and_our_own_header_can_be_checked(
    workspace: Workspace, receiver: WebhookReceiver, secret: str
) -> None:
    one_task_s_life()

    webhooks.send(workspace.pk, now=after(4))

    assert not Delivery.objects.exists()
    validator = RequestValidator(secret)
    for got in receiver.got:
        assert validator.validate(got.url, dict(got.form), got.headers["X-Twilio-Signature"])
        at, digest = (part.partition("=")[2] for part in got.headers["X-ContactCenter-Signature"].split(","))
        signed = f"{at}.".encode() + got.body
        assert hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == digest
        assert abs(int(at) - NOW.timestamp()) < 60
        assert got.headers["I-Twilio-Idempotency-Token"] == got.form["Sid"]
    assert receiver.got[0].form["AccountSid"] == api_keys.account().sid
    tampered = dict(receiver.got[0].form) | {"EventType": "task.deleted"}
    assert not validator.validate(receiver.got[0].url, tampered, receiver.got[0].headers["X-Twilio-Signature"])


def test_a_tasks_events_arrive_in_order_though_the_receiver_fails_again_and_again(
    workspace: Workspace, receiver: WebhookReceiver
) -> None:
    types = one_task_s_life()
    arrived: dict[str, list[str]] = defaultdict(list)
    tries: dict[str, int] = defaultdict(int)

    def answer(got: Got) -> int:
        tries[got.form["Sid"]] += 1
        if tries[got.form["Sid"]] <= len(tries) % 4:
            if len(tries) % 2:
                raise ConnectionResetError
            return 500
        arrived[got.form.get("TaskSid", got.form.get("WorkerSid", ""))].append(got.form["EventType"])
        return 204

    receiver.answer = answer
    send_all(workspace, after(4), step=400)

    task, worker = (
        Event.objects.exclude(task=None).first(),
        Event.objects.filter(task=None).exclude(worker=None).first(),
    )
    assert task is not None
    assert worker is not None
    assert task.task_id
    assert worker.worker_id
    assert arrived[f"WT{task.task_id.hex}"] == types
    assert arrived[f"WK{worker.worker_id.hex}"] == ["worker.created", "worker.activity.update"]
    assert len(receiver.got) > len(types) + 2


def test_a_task_that_cannot_be_delivered_holds_up_no_other(workspace: Workspace, receiver: WebhookReceiver) -> None:
    forget_the_past()
    stuck, fine = make.task(now=NOW), make.task(now=NOW)
    fold_all()
    receiver.answer = lambda got: 400 if got.form["TaskSid"] == stuck.sid else 204

    webhooks.send(workspace.pk, now=NOW)

    assert [got.form["EventType"] for got in receiver.got if got.form["TaskSid"] == fine.sid] == [
        *("task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered"),
    ]
    assert [got.form["EventType"] for got in receiver.got if got.form["TaskSid"] == stuck.sid] == ["task.created"]
    assert Delivery.objects.filter(status="due", stream=stuck.pk).count() == 4
    # A refused event is that event's fault: the receiver itself is well.
    assert Receiver.objects.get().open_until is None


def test_what_fails_too_often_is_given_up_visibly_and_the_next_one_goes(
    workspace: Workspace, receiver: WebhookReceiver
) -> None:
    forget_the_past()
    task = make.task(now=NOW)
    fold_all()
    receiver.answer = lambda got: 410 if got.form["EventType"] == "task.created" else 204

    end = send_all(workspace, NOW, step=4_600)

    dead = Delivery.objects.get()
    assert (dead.status, dead.attempts, dead.error) == ("dead", webhooks.TRIES, "It answered 410.")
    assert receiver.types()[-3:] == ["workflow.entered", "workflow.target-matched", "task-queue.entered"]
    assert end - NOW < dt.timedelta(days=1)

    receiver.answer = lambda got: 204
    assert webhooks.retry([dead], now=end) == 1
    webhooks.send(workspace.pk, now=end)
    assert receiver.got[-1].form["EventType"] == "task.created"
    assert receiver.got[-1].form["TaskSid"] == task.sid
    assert not Delivery.objects.exists()


def test_a_dead_receiver_is_left_alone_and_asked_now_and_then(workspace: Workspace, receiver: WebhookReceiver) -> None:
    forget_the_past()
    for _ in range(20):
        make.task(now=NOW)
    fold_all()
    receiver.answer = lambda got: 503

    webhooks.send(workspace.pk, now=NOW)
    assert len(receiver.got) == breaker.BREAK_AFTER
    assert webhooks.send(workspace.pk, now=after(5)) == 0
    assert webhooks.ring(after(5)) == 0
    assert webhooks.send(workspace.pk, now=after(11)) == 1
    assert webhooks.send(workspace.pk, now=after(12)) == 0

    receiver.answer = lambda got: 204
    send_all(workspace, after(60))
    assert Receiver.objects.get().failures == 0
    assert not Delivery.objects.exists()


def test_a_receiver_has_few_requests_under_way_and_its_sender_no_other_work(
    workspace: Workspace, receiver: WebhookReceiver, drain: JobQueue
) -> None:
    forget_the_past()
    for _ in range(10):
        make.task(now=NOW)
    fold_all()
    drain.clear()

    assert webhooks.ring(NOW) == webhooks.AT_ONCE
    assert drain.names() == ["routing.jobs.send_webhooks"] * webhooks.AT_ONCE
    held = [webhooks._claim(workspace.pk, None, now=NOW) for _ in range(webhooks.AT_ONCE)]
    assert all(held)
    assert webhooks._claim(workspace.pk, None, now=NOW) is None
    assert webhooks.ring(NOW) == 0


def test_a_sender_that_died_has_its_event_sent_again_and_its_late_word_does_not_count(
    workspace: Workspace, receiver: WebhookReceiver
) -> None:
    forget_the_past()
    make.task(now=NOW)
    fold_all()
    claim = webhooks._claim(workspace.pk, None, now=NOW)
    assert claim is not None
    webhooks._post(claim, now=NOW)  # and the process is gone

    assert webhooks.send(workspace.pk, now=after(30)) == 0
    second = webhooks._claim(workspace.pk, None, now=after(61))
    assert second is not None
    assert webhooks.record(claim, None, now=after(62)) is False  # it was not dead, only slow
    assert webhooks.record(second, webhooks._post(second, now=after(62)), now=after(62)) is True

    assert receiver.types() == ["task.created", "task.created"]
    assert receiver.got[0].form["Sid"] == receiver.got[1].form["Sid"]


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 204 No Content\r\nX-Slow: "])
def test_a_receiver_that_never_finishes_its_answer_is_cut_off(
    drip: bytes, secret: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 1.0)
    ended = threading.Event()

    def answer(listening: socket.socket) -> None:
        talking, _ = listening.accept()
        with talking:
            talking.recv(65_536)
            with contextlib.suppress(OSError):
                talking.sendall(drip)
                while not ended.wait(0.2):
                    talking.sendall(b"x" if drip else b"")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        settings.EGRESS_ALLOW_PRIVATE = [host]
        workspace = make.workspace(event_callback_url=f"http://{host}/")
        make.task(now=NOW)
        fold_all()
        thread = threading.Thread(target=answer, args=(listening,), daemon=True)
        thread.start()
        claim = webhooks._claim(workspace.pk, None, now=NOW)
        assert claim is not None

        began = time.monotonic()
        failure = webhooks._post(claim, now=NOW)

        assert time.monotonic() - began < 4
        assert failure is not None
        assert failure.is_receivers
        ended.set()
        thread.join(10)


def test_the_filter_leaves_out_what_nobody_wants(workspace: Workspace, receiver: WebhookReceiver) -> None:
    forget_the_past()
    workspace.events_filter = "task.created, task.canceled"
    configuration.save(workspace, now=NOW)
    tasks.cancel(make.task(now=NOW), reason="", now=after(1))
    fold_all()

    webhooks.send(workspace.pk, now=after(2))

    assert receiver.types() == ["task.created", "task.canceled"]


def test_events_can_be_sent_again_in_their_order(workspace: Workspace, receiver: WebhookReceiver) -> None:
    types = one_task_s_life()
    send_all(workspace, after(4))
    task = Event.objects.exclude(task=None).first()
    assert task is not None
    receiver.got.clear()

    assert webhooks.replay(Event.objects.filter(task=task.task_id), now=after(100)) == len(types)
    send_all(workspace, after(100))

    assert receiver.types() == types
    workspace.events_filter = "reservation.accepted"
    workspace.save()
    assert webhooks.replay(Event.objects.filter(created_at__gte=after(1)), now=after(200), only_wanted=True) == 1


def test_without_a_key_to_sign_with_nothing_is_sent_and_the_reason_is_shown(receiver: WebhookReceiver) -> None:
    workspace = make.workspace(event_callback_url=receiver.url)
    make.task(now=NOW)
    fold_all()

    webhooks.send(workspace.pk, now=NOW)

    assert receiver.got == []
    assert Receiver.objects.get().error == "There is no API key for routing to sign with. Make one."
    key, _secret = api_keys.create(name="One", scopes=["routing"], now=NOW)
    send_all(workspace, after(600))
    assert receiver.got[0].headers["X-ContactCenter-Key"] == key.sid


def test_the_oldest_key_signs_until_it_is_revoked(workspace: Workspace, receiver: WebhookReceiver, secret: str) -> None:
    forget_the_past()
    later = api_keys.create(name="Later", scopes=["routing"], now=after(10))[1]
    make.task(now=NOW)
    fold_all()
    webhooks.send(workspace.pk, now=NOW)
    first = receiver.got[0]
    assert RequestValidator(secret).validate(first.url, dict(first.form), first.headers["X-Twilio-Signature"])

    signed_by = signing.key()
    assert signed_by is not None
    api_keys.revoke(signed_by, now=after(20))
    receiver.got.clear()
    webhooks.replay(Event.objects.filter(type="task.created"), now=after(21))
    webhooks.send(workspace.pk, now=after(21))

    second = receiver.got[0]
    assert RequestValidator(later).validate(second.url, dict(second.form), second.headers["X-Twilio-Signature"])


def test_an_address_inside_the_house_is_not_called(settings: Any, secret: str) -> None:
    with WebhookReceiver().running() as inside:
        settings.EGRESS_ALLOW_PRIVATE = []
        workspace = make.workspace(event_callback_url=inside.url)
        make.task(now=NOW)
        fold_all()

        webhooks.send(workspace.pk, now=NOW)

        assert inside.got == []
    assert Receiver.objects.get().error.startswith("AddressRefused")


def test_what_has_nowhere_to_go_or_waited_for_days_is_given_up(workspace: Workspace) -> None:
    forget_the_past()
    make.task(now=NOW)
    fold_all()
    assert webhooks.give_up_old(after(60)) == 0
    assert webhooks.give_up_old(NOW + dt.timedelta(days=3, seconds=1)) == 4
    assert set(Delivery.objects.values_list("status", flat=True)) == {"dead"}
    workspace.event_callback_url = ""
    workspace.save()
    with pytest.raises(Refused):
        webhooks.replay(Event.objects.all(), now=NOW)


def a_shop(receiver: WebhookReceiver, **values: Any) -> Workspace:
    """A workspace that may be deleted."""
    return workspaces.create(friendly_name="Shop", template="FIFO", event_callback_url=receiver.url, now=NOW, **values)


def test_a_deleted_workspaces_receiver_hears_what_it_had_not_heard_yet(receiver: WebhookReceiver, secret: str) -> None:
    shop = a_shop(receiver)
    task = tasks.create(workflow=shop.workflows.get(), attributes={"a": 1}, now=NOW)
    fold_all()
    claim = webhooks._claim(shop.pk, None, now=NOW)
    assert claim is not None
    assert webhooks._post(claim, now=NOW) is None
    tasks.cancel(task, reason="closing", now=after(1))
    shop_sid, shop_id = shop.sid, shop.pk

    workspaces.delete(shop, now=after(2))
    assert webhooks.record(claim, None, now=after(2)) is True
    fold_all(after(3))
    assert webhooks.ring(after(3)) > 0
    webhooks.send(shop_id, now=after(3))

    of_task = ["task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered", "task.canceled"]
    assert [got.form["EventType"] for got in receiver.got if got.form.get("TaskSid") == task.sid] == of_task
    deleted = receiver.got[[*receiver.types()].index("workspace.deleted")]
    assert (deleted.form["ResourceSid"], deleted.form["WorkspaceSid"]) == (shop_sid, shop_sid)
    assert deleted.form["WorkspaceName"] == "Shop"
    assert not Delivery.objects.exists()
    assert webhooks.ring(after(4)) == 0


def test_a_deleted_workspaces_filter_still_counts_and_its_address_is_kept_as_long_as_events(
    receiver: WebhookReceiver, secret: str
) -> None:
    shop = a_shop(receiver, events_filter="workspace.deleted")
    other = workspaces.create(friendly_name="Quiet", now=NOW)
    shop_id = shop.pk
    for row in (shop, other):
        workspaces.delete(row, now=after(1))
    fold_all(after(2))
    assert webhooks.give_up_old(after(60)) == 0
    receiver.answer = lambda got: 503
    webhooks.send(shop_id, now=after(3))
    receiver.answer = lambda got: 204
    webhooks.send(shop_id, now=after(60))

    assert receiver.types() == ["workspace.deleted", "workspace.deleted"]
    assert list(Receiver.objects.values_list("pk", flat=True)) == [shop_id]
    fold.forget(after(29 * 86400))
    assert Receiver.objects.exists()
    fold.forget(after(31 * 86400))
    assert not Receiver.objects.exists()


def test_the_sweep_of_old_things_ends(workspace: Workspace) -> None:
    make.task(now=NOW)
    fold_all()

    jobs.sweep_old_events()

    assert not Event.objects.exists()  # the clock says that was months ago
    assert not Delivery.objects.filter(status="due").exists()


def test_the_sweep_does_all_of_it(workspace: Workspace, receiver: WebhookReceiver, drain: JobQueue) -> None:
    make.task(now=NOW)

    jobs.sweep_events()
    drain(queue="outbound")

    assert receiver.types()[-1] == "task-queue.entered"
    assert not Delivery.objects.exists()


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_sender_killed_while_the_receiver_answers_loses_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    with WebhookReceiver().running() as receiver:
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "test-only",
            "SEALING_KEYS": "dGVzdC1vbmx5LXNlYWxpbmcta2V5LTMyLWJ5dGVzISE=",
            "EGRESS_ALLOW_PRIVATE": receiver.host,
            "DJANGO_SETTINGS_MODULE": "contactcenter.settings",
        }

        def child(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
            )

        prepared = child("-m", "tests.routing.webhook_child", "prepare", receiver.url)
        assert prepared.returncode == 0, prepared.stderr
        kills: list[int] = []

        def kill(got: Got) -> int:
            if len(receiver.got) in (2, 4):
                kills.append(int(Path(tmp_path / "pid").read_text()))
                os.kill(kills[-1], signal.SIGKILL)
                raise ConnectionResetError
            return 204

        receiver.answer = kill
        ended = [child("-m", "tests.routing.webhook_child", "send", str(number * 61)) for number in range(3)]

        assert [process.returncode for process in ended] == [-9, -9, 0]
        assert len(set(kills)) == 2
        types = ["task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered"]
        assert receiver.types() == [types[0], types[1], types[1], types[2], types[2], types[3]]
        assert ended[-1].stdout.splitlines()[-1] == "0 left"
