from __future__ import annotations

import copy
import json

import pytest

from flows import engine
from flows.values import CreateTask, End, Outcome, RecordStep, Reply, SendMessage, TimedOut, Wait
from tests.factories.flows import AT, after_trigger, document, match, split, start, state
from tests.flows.walk import Walk


def test_a_flow_runs_until_it_needs_an_outcome() -> None:
    definition = after_trigger("hello", state("hello", "send-message", {"body": "Hi {{contact.name}}"}, sent=""))

    state_now, commands = engine.advance(definition, {}, start())

    assert commands == (
        RecordStep(number=1, name="incomingMessage", left="Trigger", entered="hello"),
        SendMessage(visit=2, text="Hi Layla"),
    )
    assert (state_now["status"], state_now["at"], state_now["until"]) == ("active", "hello", "outcome")


def test_the_outcome_lets_it_go_on_to_the_end() -> None:
    definition = after_trigger("hello", state("hello", "send-message", {"body": "Hi"}, sent="", failed=""))
    waiting, _ = engine.advance(definition, {}, start())

    ended, commands = engine.advance(definition, waiting, Outcome(AT, 2, True, {"Sid": "IM1"}))

    assert commands == (
        RecordStep(number=2, name="sent", left="hello", entered="", output={"outbound": {"Sid": "IM1"}}),
        End(),
    )
    assert ended["status"] == "ended"
    assert ended["context"]["widgets"] == {"hello": {"outbound": {"Sid": "IM1"}}}


def test_the_state_given_is_left_alone_and_is_json() -> None:
    definition = after_trigger("ask", state("ask", "send-and-wait-for-reply", {"body": "Well?"}, incomingMessage=""))
    walk = Walk(definition).begin()
    before = copy.deepcopy(walk.state)

    engine.advance(definition, walk.state, Reply(AT, {"Body": "yes"}))

    assert walk.state == before
    assert json.loads(json.dumps(walk.state)) == walk.state


def test_the_same_input_gives_the_same_output() -> None:
    definition = after_trigger("a", state("a", "send-message", {"body": "{{ 'now' | date: '%H:%M' }}"}, sent=""))

    assert engine.advance(definition, {}, start()) == engine.advance(definition, {}, start())
    assert Walk(definition).begin().said == ["09:00"]


@pytest.mark.parametrize("event", [Reply(AT, {"Body": "second"}), TimedOut(AT), Outcome(AT, 99, True), start()])
def test_an_event_the_widget_cannot_use_changes_nothing(event: Reply | TimedOut | Outcome) -> None:
    definition = after_trigger("hello", state("hello", "send-message", {"body": "Hi"}, sent=""))
    waiting, _ = engine.advance(definition, {}, start())

    assert engine.advance(definition, waiting, event) == (waiting, ())


def test_an_ended_execution_does_nothing_more() -> None:
    definition = after_trigger("", state("x", "send-message", {"body": "Hi"}))
    ended = Walk(definition).begin().state

    for event in (Reply(AT, {"Body": "x"}), TimedOut(AT), Outcome(AT, 1, True), start()):
        assert engine.advance(definition, ended, event) == (ended, ())


def test_a_stopped_execution_does_nothing_more() -> None:
    definition = after_trigger("ask", state("ask", "send-and-wait-for-reply", {"body": "?"}, incomingMessage=""))
    stopped = engine.stop(Walk(definition).begin().state)

    assert engine.advance(definition, stopped, Reply(AT, {"Body": "x"})) == (stopped, ())


def test_a_reply_resumes_what_waits() -> None:
    definition = after_trigger(
        "ask",
        state("ask", "send-and-wait-for-reply", {"body": "Name?", "timeout": "60"}, incomingMessage="greet"),
        state("greet", "send-message", {"body": "Hello {{widgets.ask.inbound.Body}}"}, sent=""),
    )

    walk = Walk(definition).begin().say("Omar")

    assert walk.said == ["Name?", "Hello Omar"]
    assert walk.of(Wait) == [Wait(60)]
    assert walk.path == [("Trigger", "incomingMessage"), ("ask", "incomingMessage"), ("greet", "sent")]


def test_a_reply_may_refresh_what_is_known_of_the_contact() -> None:
    definition = after_trigger(
        "ask",
        state("ask", "send-and-wait-for-reply", {"body": "?"}, incomingMessage="say"),
        state("say", "send-message", {"body": "{{flow.contact.language}}"}, sent=""),
    )

    walk = Walk(definition).begin().give(Reply(AT, {"Body": "x"}, contact={"language": "ar"}))

    assert walk.said == ["?", "ar"]


def test_time_runs_out() -> None:
    definition = after_trigger(
        "ask",
        state("ask", "send-and-wait-for-reply", {"body": "?"}, incomingMessage="", timeout="bye"),
        state("bye", "send-message", {"body": "Bye"}, sent=""),
    )

    assert Walk(definition).begin().time_out().said == ["?", "Bye"]


def test_one_widget_runs_at_most_ten_times_in_a_row() -> None:
    definition = after_trigger(
        "again", state("again", "set-variables", {"variables": [{"key": "n", "value": "1"}]}, next="again")
    )

    walk = Walk(definition).begin()

    assert walk.of(End) == [End("81001", "Widget 'again' ran more than 10 times in a row.")]
    assert walk.path == [("Trigger", "incomingMessage")] + [("again", "next")] * 10


def test_an_execution_takes_at_most_a_thousand_steps() -> None:
    ping = state("ping", "set-variables", {"variables": [{"key": "n", "value": "1"}]}, next="pong")
    pong = state("pong", "set-variables", {"variables": [{"key": "n", "value": "2"}]}, next="ping")

    walk = Walk(after_trigger("ping", ping, pong)).begin()

    assert walk.of(End) == [End("81000", "The execution took more than 1000 steps.")]
    assert len(walk.of(RecordStep)) == 1000


def test_loops_with_a_counter_work_although_liquid_makes_text_of_numbers() -> None:
    one_more = {"key": "n", "value": "{{flow.variables.n | plus: 1}}"}
    definition = after_trigger(
        "count",
        state("count", "set-variables", {"variables": [one_more]}, next="enough"),
        split("enough", match("done", "greater_than", "8", "{{flow.variables.n}}"), no="count"),
        state("done", "send-message", {"body": "{{flow.variables.n}}"}, sent=""),
    )

    assert Walk(definition).begin().said == ["9"]


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (document(initial="nowhere"), "81022"),
        (after_trigger("nowhere"), "81022"),
        (after_trigger("odd", state("odd", "say-play", {"say": "Hi"})), "81020"),
        ({}, "81022"),
        ([], "81022"),
        ({"states": 5, "initial_state": None}, "81022"),
    ],
)
def test_a_broken_document_ends_the_execution_with_an_error(definition: object, code: str) -> None:
    state_now, commands = engine.advance(definition, {}, start())

    assert state_now["status"] == "ended"
    assert isinstance(commands[-1], End)
    assert commands[-1].code == code


def test_a_failure_nobody_planned_for_is_the_error_the_flow_ends_with() -> None:
    definition = after_trigger("hello", state("hello", "send-message", {"body": "Hi"}, sent="", failed=""))

    walk = Walk(definition, failing="send").begin()

    assert walk.of(End) == [End("81011", "refused")]


def test_a_failure_somebody_planned_for_is_none() -> None:
    definition = after_trigger(
        "flex",
        state("flex", "send-to-flex", {"attributes": "{}"}, callComplete="", failedToEnqueue="sorry"),
        state("sorry", "send-message", {"body": "Nobody is here."}, sent=""),
    )

    walk = Walk(definition, failing="task").begin()

    assert walk.said == ["Nobody is here."]
    assert walk.of(End) == [End()]


def test_warnings_are_kept_with_the_step() -> None:
    definition = after_trigger("hello", state("hello", "send-message", {"body": "Hi", "from": "{{ a + b }}"}, sent=""))

    walk = Walk(definition).begin()

    assert walk.of(RecordStep)[-1].warnings == ({"code": "81018", "message": "Liquid: unexpected '+'"},)


def test_handing_over_and_going_on() -> None:
    definition = after_trigger(
        "flex",
        state("flex", "send-to-flex", {"attributes": '{"name": {{contact.name | to_json}}}'}, callComplete="tell"),
        state("tell", "send-message", {"body": "{{widgets.flex.ahead}} ahead, task {{widgets.flex.sid}}"}, sent=""),
    )

    walk = Walk(definition).begin()

    assert walk.of(CreateTask) == [CreateTask(visit=2, attributes={"name": "Layla"})]
    assert walk.said == ["2 ahead, task WT2"]


def test_widgets_see_the_latest_run_of_another() -> None:
    definition = after_trigger(
        "ask",
        state("ask", "send-and-wait-for-reply", {"body": "{{widgets.ask.inbound.Body}}?"}, incomingMessage="again"),
        split("again", match("ask", "not_equal_to", "stop", "{{widgets.ask.inbound.Body}}")),
    )

    walk = Walk(definition).begin().say("one").say("two").say("stop")

    assert walk.said == ["?", "one?", "two?"]
    assert walk.state["status"] == "ended"
