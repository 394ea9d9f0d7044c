from __future__ import annotations

import pytest

from flows import jobs
from flows.services import demo, executions, notices
from routing import events
from tests.factories.flows import after_trigger, state
from tests.flows.scene import Scene

pytestmark = pytest.mark.django_db


def test_a_hint_that_fails_does_no_harm_to_the_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(demo.definition("straight_to_queue"))
    scene.say("hello")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(notices, "settle", broken)

    events.task_changed.send(None, task_id=scene.task.pk, status="assigned", conversation_id=scene.conversation.pk)


def test_a_task_without_a_conversation_is_nobodys_business() -> None:
    events.task_changed.send(None, task_id=None, status="assigned", conversation_id=None)


def test_an_assigned_task_ends_what_still_waits() -> None:
    definition = after_trigger(
        "flex",
        state("flex", "send-to-flex", {"attributes": "{}", "queue_notice": "off"}, callComplete="ask"),
        state("ask", "send-and-wait-for-reply", {"body": "Meanwhile: how are you?"}, timeout=""),
    )
    scene = Scene(definition)
    scene.say("hello")
    assert scene.execution.status == "active"

    events.task_changed.send(None, task_id=scene.task.pk, status="assigned", conversation_id=scene.conversation.pk)

    assert scene.execution.status == "ended"


def test_the_jobs_are_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(executions, "resume_due", lambda now: seen.append("due"))
    monkeypatch.setattr(notices, "sweep", lambda now: seen.append("places"))

    jobs.resume_due(extra="ignored")
    jobs.queue_notices(extra="ignored")

    assert seen == ["due", "places"]
    assert all(name.rpartition(".")[2] in vars(jobs) for name in jobs.SCHEDULE)
