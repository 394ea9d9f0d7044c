from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import Error as DatabaseError

from conversations.services import lifecycle, ownership
from flows import services
from flows.models import Execution, Step
from flows.services import executions, notices
from routing.models import Task
from tests.factories.flows import after_trigger, state
from tests.flows.drawings import ASK, FLEX, HELLO
from tests.flows.scene import Scene

pytestmark = pytest.mark.django_db


def test_a_message_starts_the_channels_flow() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("hello")

    assert scene.replies == ["Hi Layla"]
    assert scene.execution.status == "ended"
    assert scene.execution.step_count == 2
    reply = scene.reply
    assert (reply.author, reply.owner_version, reply.key) == ("bot", 0, f"{scene.execution.sid}:2:0")


def test_every_step_is_written_down() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("hello")

    rows = list(
        Step.objects.filter(execution=scene.execution).values_list(
            "number", "name", "transitioned_from", "transitioned_to"
        )
    )
    assert rows == [(1, "incomingMessage", "Trigger", "hello"), (2, "sent", "hello", "")]
    last = Step.objects.get(execution=scene.execution, number=2)
    assert last.context["output"]["outbound"]["Sid"] == scene.reply.sid
    assert last.context["warnings"] == []


def test_the_next_message_resumes_the_one_that_waits() -> None:
    scene = Scene(ASK)

    scene.say("hello")
    assert scene.execution.due_at == scene.now + dt.timedelta(seconds=60)
    scene.say("Omar")

    assert scene.replies == ["Name?", "Hello Omar"]
    assert Execution.objects.count() == 1
    assert scene.execution.status == "ended"
    assert scene.execution.due_at is None


def test_after_the_end_the_next_message_starts_anew() -> None:
    scene = Scene(HELLO, name="Layla")

    scene.say("one")
    scene.say("two")

    assert scene.replies == ["Hi Layla", "Hi Layla"]
    assert Execution.objects.filter(status="ended").count() == 2


@pytest.mark.parametrize("definition", [HELLO, ASK, FLEX])
def test_being_told_again_changes_nothing(definition: dict[str, Any]) -> None:
    scene = Scene(definition, name="Layla")
    message = scene.say("hello")
    before = (scene.replies, Execution.objects.count(), Step.objects.count(), Task.objects.count())

    for _ in range(3):
        scene.tell(message, created=False)

    assert (scene.replies, Execution.objects.count(), Step.objects.count(), Task.objects.count()) == before


def test_an_older_message_told_again_is_not_taken_for_an_answer() -> None:
    scene = Scene(ASK)
    first = scene.say("hello")

    scene.tell(first, created=False)

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "active"


def test_a_crash_before_the_commit_leaves_nothing_and_the_replay_does_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done in a turn is one transaction: whatever the moment, all of it or none of it is there."""
    scene = Scene(FLEX)
    message = scene.store("hello")

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("flows.services.acting.Turn.settle", kill)
        with pytest.raises(Killed):
            scene.tell(message)
    assert (Execution.objects.count(), Task.objects.count(), scene.replies) == (0, 0, [])

    scene.tell(message, created=False)
    scene.tell(message, created=False)

    assert (Execution.objects.count(), Task.objects.count()) == (1, 1)
    assert notices.sweep(scene.now) == 1
    assert scene.replies == ["You are next: an agent will be with you in a moment."]


@pytest.mark.parametrize("owner", ["queue", "worker", "nobody"])
def test_messages_of_conversations_somebody_else_owns_are_left_alone(owner: str) -> None:
    scene = Scene(HELLO)
    message = scene.store("hello")
    ownership.change(scene.conversation, owner=owner, now=scene.now)

    scene.tell(message)

    assert scene.replies == []
    assert Execution.objects.count() == 0


def test_another_apps_conversation_is_not_answered() -> None:
    scene = Scene(HELLO)

    scene.say("hello", passive=True)

    assert scene.replies == []


def test_our_own_messages_and_unknown_ones_start_nothing() -> None:
    scene = Scene(HELLO)
    scene.say("hello")

    services.on_message(scene.reply.pk, now=scene.now)
    services.on_message(uuid.uuid4(), now=scene.now)

    assert Execution.objects.count() == 1


def test_running_executions_stay_on_their_revision() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    assert scene.flow is not None
    services.publish(scene.flow, HELLO)
    scene.say("Omar")

    assert scene.replies == ["Name?", "Hello Omar"]
    scene.say("again")
    assert scene.replies[-1].startswith("Hi")


# -- time ------------------------------------------------------------------------------------------


def test_time_runs_out_once() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    assert services.resume_due(scene.later(seconds=59).now) == 0
    assert services.resume_due(scene.later(seconds=1).now) == 1
    assert services.resume_due(scene.later(seconds=1).now) == 0

    assert scene.replies == ["Name?", "Too late"]
    assert scene.execution.status == "ended"


def test_an_answer_in_time_stops_the_clock() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.later(seconds=59).say("Omar")

    services.resume_due(scene.later(seconds=100).now)

    assert scene.replies == ["Name?", "Hello Omar"]


def test_a_sweep_that_comes_late_does_not_cut_a_new_wait_short() -> None:
    """Between finding a due execution and locking it, an answer may have made it wait anew."""
    scene = Scene(ASK)
    scene.say("hello")

    executions._time_out(scene.execution.pk, now=scene.later(seconds=59).now)

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "active"


def test_a_flow_that_breaks_on_time_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Scene(ASK, address="a"), Scene(ASK, address="b")
    first.say("hello")
    second.later(seconds=1).say("hello")
    broken = first.execution.pk
    advance = executions._advance

    def breaks(execution: Execution, *args: Any, **kwargs: Any) -> None:
        if execution.pk == broken:
            raise DatabaseError("gone away")
        advance(execution, *args, **kwargs)

    monkeypatch.setattr(executions, "_advance", breaks)
    services.resume_due(second.later(seconds=100).now)

    assert second.replies == ["Name?", "Too late"]
    assert first.execution.status == "active"
    assert first.execution.due_at == second.now + dt.timedelta(seconds=60)


def test_an_execution_lives_thirty_days() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    old = scene.execution.pk

    scene.later(days=31).say("Omar")

    assert Execution.objects.get(pk=old).status == "ended"
    assert scene.replies == ["Name?", "Name?"]


# -- somebody else takes over ----------------------------------------------------------------------


def test_a_reply_computed_before_a_person_took_over_is_dropped() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.take_over()

    services.resume_due(scene.later(seconds=100).now)
    scene.say("Omar")

    assert scene.replies == ["Name?"]
    assert scene.execution.status == "ended"


def test_what_a_step_sends_is_dropped_when_the_owner_changed_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock forbids this; the version would catch it all the same (an outcome that comes later, another process)."""
    scene = Scene(ASK)
    scene.say("hello")
    execution = scene.execution
    scene.take_over()
    monkeypatch.setattr(executions, "_may_go_on", lambda *_, **__: True)

    services.resume_due(scene.later(seconds=100).now)

    assert scene.replies == ["Name?"]
    execution.refresh_from_db()
    assert (execution.status, execution.error_code) == ("ended", "")
    assert execution.state["status"] == "ended"


def test_given_back_to_the_flow_it_starts_anew() -> None:
    scene = Scene(ASK)
    scene.say("hello")
    scene.take_over()
    ownership.change(scene.conversation, owner="flow", now=scene.now)

    scene.say("Omar")

    assert scene.replies == ["Name?", "Name?"]
    assert Execution.objects.filter(status="active").count() == 1


def test_closing_the_conversation_ends_its_execution() -> None:
    scene = Scene(ASK)
    scene.say("hello")

    lifecycle.close(scene.conversation, now=scene.now)

    assert scene.execution.status == "ended"
    assert services.resume_due(scene.later(days=1).now) == 0


def test_what_a_flow_says_after_handing_over_still_arrives() -> None:
    definition = after_trigger(
        "flex",
        state("flex", "send-to-flex", {"attributes": "{}", "queue_notice": "off"}, callComplete="tell"),
        state(
            "tell",
            "send-message",
            {"body": "{{widgets.flex.ahead}} ahead in {{widgets.flex.task_queue_friendly_name}}"},
            sent="",
        ),
    )
    scene = Scene(definition)

    scene.say("hello")

    assert scene.replies == ["0 ahead in Everyone"]
    assert scene.conversation.owner == "queue"
    assert scene.reply.owner_version == scene.conversation.owner_version == 1
