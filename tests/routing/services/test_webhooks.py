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
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from conversations.services import api_keys
from routing import jobs
from routing.models import Delivery, Event, Receiver, Workspace
from routing.services import breaker, webhooks
from tests.factories import routing as make
from tests.routing.services.webhook_life import NOW, after, fold_all, forget_the_past, one_task_s_life, send_all
from tests.support.jobs import JobQueue
from tests.support.receiver import Got, WebhookReceiver

pytestmark = pytest.mark.django_db


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
