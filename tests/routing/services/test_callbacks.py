"""A workflow's server, a real one on loopback, is asked about offers and answers as servers do: well, badly, never."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from conversations.services import api_keys
from routing import event_wire, jobs
from routing.models import Callback, CallbackReceiver, Event, Task, Workflow
from routing.services import breaker, callbacks, reservations, tasks
from routing.services.instructions import Instruction, Wrong
from tests.factories import routing as make
from tests.routing.services.callback_offers import ACCEPT, NOW, after, failures, offer
from tests.support.jobs import JobQueue
from tests.support.receiver import Got, Reply, WebhookReceiver

pytestmark = pytest.mark.django_db


def test_the_server_is_asked_in_taskrouters_words_signed_and_may_accept(
    workflow: Workflow, server: WebhookReceiver, secret: str
) -> None:
    worker = make.worker(name="Ada", attributes={"skills": ["ä"]}, now=NOW)
    reservation = offer(workflow, worker=worker, attributes={"kind": "bill"}, priority=7)
    server.answer = lambda got: ACCEPT

    assert callbacks.send(workflow.pk, now=after(4)) == 1

    task = Task.objects.get()
    assert task.queue is not None
    assert dict(server.got[0].form) == {
        "Timestamp": str(int(after(3).timestamp())),
        "AccountSid": api_keys.account().sid,
        "WorkspaceSid": workflow.workspace.sid,
        "WorkflowSid": workflow.sid,
        "TaskQueueSid": task.queue.sid,
        "WorkerSid": worker.sid,
        "WorkerAttributes": '{"skills": ["ä"]}',
        "TaskSid": task.sid,
        "TaskAttributes": '{"kind": "bill"}',
        "TaskAge": "3",
        "TaskPriority": "7",
        "ReservationSid": reservation.sid,
    }
    signature = server.got[0].headers["X-Twilio-Signature"]
    assert RequestValidator(secret).validate(server.got[0].url, dict(server.got[0].form), signature)
    assert server.got[0].headers["I-Twilio-Idempotency-Token"] == reservation.sid
    assert make.offers(task) == [("Ada", "accepted")]
    assert task.status == "assigned"
    event = event_wire.wire(Event.objects.get(type="reservation.accepted"))
    assert (event["actor_type"], event["actor_sid"]) == ("workspace", workflow.workspace.sid)
    assert not Callback.objects.exists()
    assert callbacks.send(workflow.pk, now=after(5)) == 0


def test_a_rejected_offer_goes_on_and_its_worker_where_the_server_says(
    workflow: Workflow, server: WebhookReceiver
) -> None:
    worker = make.worker(now=NOW)
    reservation = offer(workflow, worker=worker)
    rest = make.activity("Break")
    server.answer = lambda got: Reply(
        json.dumps({"instruction": "reject", "activity_sid": rest.sid}).encode(), "application/json; charset=utf-8"
    )

    callbacks.send(workflow.pk, now=after(4))

    reservation.refresh_from_db()
    worker.refresh_from_db()
    assert (reservation.status, worker.activity) == ("rejected", rest)
    assert Task.objects.get().status == "pending"


def test_a_rejecting_server_need_not_say_where_the_worker_goes(workflow: Workflow, server: WebhookReceiver) -> None:
    worker = make.worker(now=NOW)
    reservation = offer(workflow, worker=worker)
    server.answer = lambda got: Reply(b'{"instruction": "reject"}')

    callbacks.send(workflow.pk, now=after(4))

    reservation.refresh_from_db()
    worker.refresh_from_db()
    assert (reservation.status, worker.activity.friendly_name) == ("rejected", "Available")


@pytest.mark.parametrize("answer", [200, 204, Reply(b""), Reply(b" \n", "text/plain")])
def test_an_empty_answer_leaves_the_offer_to_others(
    workflow: Workflow, server: WebhookReceiver, answer: int | Reply
) -> None:
    reservation = offer(workflow)
    server.answer = lambda got: answer

    callbacks.send(workflow.pk, now=after(4))

    reservation.refresh_from_db()
    assert reservation.status == "pending"
    assert failures() == []
    assert not Callback.objects.exists()
    assert CallbackReceiver.objects.get().error == ""


def hang_up(got: Got) -> int:
    raise ConnectionResetError


WRONG: dict[str, tuple[Any, str, str]] = {
    "an error": (lambda got: 500, "11200", "It answered 500."),
    "not found": (lambda got: 404, "11200", "It answered 404."),
    "elsewhere": (lambda got: 302, "11200", "It answered 302."),
    "no answer": (hang_up, "11200", "RemoteProtocolError: Server disconnected without sending a response."),
    "too much": (lambda got: Reply(b" " * 70_000), "11200", "AnswerTooLarge: The answer is too large."),
    "no type": (lambda got: Reply(ACCEPT.body, ""), "40000", "The answer's Content-Type is not application/json."),
    "a page": (lambda got: Reply(b"<p>", "text/html"), "40000", "The answer's Content-Type is not application/json."),
    "half": (lambda got: Reply(b'{"instruction": '), "40001", "The answer is not JSON."),
    "deep": (lambda got: Reply(b"[" * 60_000), "40001", "The answer is not JSON."),
    "other letters": (lambda got: Reply(b"\xff\xfe\xfd"), "40001", "The answer is not JSON."),
    "a list": (lambda got: Reply(b"[]"), "40005", "The answer has no instruction."),
    "nothing": (lambda got: Reply(b"{}"), "40005", "The answer has no instruction."),
    "a number": (lambda got: Reply(b'{"instruction": 1}'), "40005", "The answer has no instruction."),
}


@pytest.mark.parametrize("kind", WRONG)
def test_after_a_wrong_answer_the_fallback_is_asked(
    with_fallback: Workflow, server: WebhookReceiver, spare: WebhookReceiver, kind: str
) -> None:
    reservation = offer(with_fallback)
    server.answer = WRONG[kind][0]

    callbacks.send(with_fallback.pk, now=after(4))

    assert len(server.got) == 1
    assert spare.got[0].form == server.got[0].form
    reservation.refresh_from_db()
    assert reservation.status == "accepted"
    assert failures() == []
    assert CallbackReceiver.objects.get(is_fallback=False).error == WRONG[kind][2]


@pytest.mark.parametrize("kind", WRONG)
def test_when_nobody_decides_the_offer_stays_open_and_operators_are_told(
    workflow: Workflow, server: WebhookReceiver, kind: str
) -> None:
    worker = make.worker(now=NOW)
    reservation = offer(workflow, worker=worker)
    answer, code, message = WRONG[kind]
    server.answer = answer

    callbacks.send(workflow.pk, now=after(4))

    assert failures() == [(code, message)]
    assert not Callback.objects.exists()
    reservations.accept(reservation, by=worker, now=after(5))
    assert Task.objects.get().status == "assigned"


def test_a_server_that_is_slow_has_five_seconds(
    with_fallback: Workflow, server: WebhookReceiver, spare: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callbacks.TIMEOUT == 5.0
    monkeypatch.setattr(callbacks, "TIMEOUT", 0.5)
    reservation = offer(with_fallback)
    ended = threading.Event()

    def answer(got: Got) -> int:
        ended.wait(10)
        return 200

    server.answer = answer
    callbacks.send(with_fallback.pk, now=after(4))
    ended.set()

    assert len(spare.got) == 1
    reservation.refresh_from_db()
    assert reservation.status == "accepted"


CANNOT = {
    **{name: ("40140", f"{name} needs a phone call, and the task has none.") for name in ("dequeue", "call")},
    **{name: ("40140", f"{name} needs a phone call, and the task has none.") for name in ("conference", "redirect")},
    "supervise": ("40140", "supervise needs a phone call, and the task has none."),
    "dance": ("55555", "There is no instruction dance."),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_done_is_recorded_and_the_offer_stays_open(
    with_fallback: Workflow, server: WebhookReceiver, spare: WebhookReceiver, name: str
) -> None:
    reservation = offer(with_fallback)
    server.answer = lambda got: Reply(json.dumps({"instruction": name, "to": "+15550100"}).encode())

    callbacks.send(with_fallback.pk, now=after(4))

    assert failures() == [CANNOT[name]]
    assert spare.got == []  # the server did answer
    reservation.refresh_from_db()
    assert reservation.status == "pending"


def test_rejecting_into_an_activity_that_is_not_there_is_recorded(workflow: Workflow, server: WebhookReceiver) -> None:
    reservation = offer(workflow)
    server.answer = lambda got: Reply(b'{"instruction": "reject", "activity_sid": "WA1"}')

    callbacks.send(workflow.pk, now=after(4))

    assert failures() == [("40100", "The workspace has no activity of this activity_sid.")]
    reservation.refresh_from_db()
    assert reservation.status == "pending"


def test_an_offer_that_ends_while_the_server_thinks_stays_as_it_is(workflow: Workflow, server: WebhookReceiver) -> None:
    reservation = offer(workflow)
    claim = callbacks._claim(workflow.pk, now=after(4))
    assert claim is not None
    tasks.cancel(reservation.task, reason="left", now=after(5))

    assert callbacks.record(claim, Instruction("accept"), now=after(6)) is True

    reservation.refresh_from_db()
    assert reservation.status == "canceled"


def test_of_an_offer_that_ended_while_the_server_thought_nobody_is_told(
    workflow: Workflow, server: WebhookReceiver
) -> None:
    reservation = offer(workflow)
    claim = callbacks._claim(workflow.pk, now=after(4))
    assert claim is not None
    tasks.cancel(reservation.task, reason="left", now=after(5))

    assert callbacks.record(claim, Wrong(40001, "The answer is not JSON."), now=after(6)) is True

    assert failures() == []


def test_a_sender_that_died_has_its_offer_asked_about_again_and_its_late_word_does_not_count(
    workflow: Workflow, server: WebhookReceiver
) -> None:
    reservation = offer(workflow)
    first = callbacks._claim(workflow.pk, now=after(4))
    assert first is not None
    assert callbacks._ask(first, lambda: after(4)) is None  # and the process is gone
    server.answer = lambda got: ACCEPT

    assert callbacks.send(workflow.pk, now=after(30)) == 0
    second = callbacks._claim(workflow.pk, now=after(35))
    assert second is not None
    heard = callbacks._ask(second, lambda: after(35))
    assert callbacks.record(first, Instruction("reject"), now=after(36)) is False  # only slow, not dead
    assert callbacks.record(second, heard, now=after(36)) is True

    assert server.got[0].form == server.got[1].form
    reservation.refresh_from_db()
    assert reservation.status == "accepted"


def test_a_server_that_is_down_costs_few_offers_their_five_seconds(
    with_fallback: Workflow, server: WebhookReceiver, spare: WebhookReceiver
) -> None:
    worker = make.worker(capacities={"chat": 50}, capacity=10_000, now=NOW)
    for _ in range(8):
        offer(with_fallback, worker=worker)
    server.answer = lambda got: 503

    assert callbacks.send(with_fallback.pk, now=after(4)) == 8

    assert len(server.got) == breaker.BREAK_AFTER
    assert len(spare.got) == 8
    server.answer = lambda got: ACCEPT
    offer(with_fallback, worker=worker)
    callbacks.send(with_fallback.pk, now=after(60))
    assert (len(server.got), len(spare.got)) == (breaker.BREAK_AFTER + 1, 8)


def test_few_requests_are_under_way_for_one_workflow(workflow: Workflow, drain: JobQueue) -> None:
    worker = make.worker(capacities={"chat": 50}, capacity=10_000, now=NOW)
    for _ in range(6):
        offer(workflow, worker=worker)
    drain.clear()

    assert callbacks.ring(after(4)) == callbacks.AT_ONCE
    assert drain.names() == ["routing.jobs.send_callbacks"] * callbacks.AT_ONCE
    claims = [callbacks._claim(workflow.pk, now=after(4)) for _ in range(callbacks.AT_ONCE)]
    assert len({claim.offer.pk for claim in claims if claim}) == callbacks.AT_ONCE
    assert callbacks._claim(workflow.pk, now=after(4)) is None
    assert callbacks.ring(after(4)) == 0
    assert callbacks.ring(after(40)) == callbacks.AT_ONCE  # they are dead


def test_the_sweep_does_all_of_it(workflow: Workflow, server: WebhookReceiver, drain: JobQueue) -> None:
    make.worker(now=NOW)
    task = make.task(workflow=workflow, now=NOW)
    make.route(NOW)
    server.answer = lambda got: ACCEPT

    jobs.sweep_events()
    drain(queue="outbound")

    assert Task.objects.get(pk=task.pk).status == "assigned"


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_sender_killed_while_the_server_thinks_loses_no_offer(tmp_path: Path) -> None:
    with WebhookReceiver().running() as server:
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "test-only",
            "SEALING_KEYS": "dGVzdC1vbmx5LXNlYWxpbmcta2V5LTMyLWJ5dGVzISE=",
            "EGRESS_ALLOW_PRIVATE": server.host,
            "DJANGO_SETTINGS_MODULE": "contactcenter.settings",
        }

        def child(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "tests.routing.webhook_child", *arguments]
            root = Path(__file__).parents[3]
            return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)

        prepared = child("offer", server.url)
        assert prepared.returncode == 0, prepared.stderr

        def answer(got: Got) -> Reply:
            if len(server.got) == 1:
                os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
                raise ConnectionResetError
            return ACCEPT

        server.answer = answer
        ended = [child("ask", seconds) for seconds in ("1", "20", "32", "40")]

        assert [process.returncode for process in ended] == [-9, 0, 0, 0]
        said = [process.stdout.splitlines()[-1] for process in ended[1:]]
        assert said == ["1 left, 0 accepted", "0 left, 1 accepted", "0 left, 1 accepted"]
        assert len(server.got) == 2
        assert server.got[0].form == server.got[1].form
