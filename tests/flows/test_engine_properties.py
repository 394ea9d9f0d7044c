"""Whatever the document and whatever happens: the engine never raises, stays in its limits, and keeps JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flows import engine, validation
from flows.conditions import CONDITIONS
from flows.values import End, Outcome, RecordStep, Reply, TimedOut
from flows.widgets import WIDGETS
from tests.factories.flows import AT, start

NAMES = ["Trigger", "a", "b", "c", "d-e"]
TEMPLATES = [
    "hello",
    "",
    "{{trigger.message.Body}}",
    "{{flow.variables.n | plus: 1}}",
    "{{widgets.a.inbound.Body}}",
    "{{widgets.d-e.ahead}}",
    "{{ broken",
    "{{ a + b }}",
    '{"a": {{contact.name | to_json}}}',
    '{"a": "{{trigger.message.Body}}"}',
    "5",
    "وكيل مباشر",
    "{% for i in (1..9) %}{{i}}{% endfor %}",
]
texts = st.sampled_from(TEMPLATES) | st.text(max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ANSWERS = [{"id": "x", "phrases": {"en": ["hello", "5"]}, "answer": {"en": "{{contact.name}}", "ar": "نعم"}}]
properties: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "body": texts,
        "input": texts,
        "from": texts,
        "timeout": texts | st.integers(),
        "attributes": texts,
        "priority": texts | st.integers(),
        "workflow": texts,
        "queue_notice": texts,
        "variables": st.just([{"key": "n", "value": "{{flow.variables.n | plus: 1}}", "save": "contact"}]) | anything,
        "answers": st.just(ANSWERS) | anything,
        "handoff": st.just({"en": ["live agent"]}) | anything,
        "translations": anything,
        "quick_replies": anything,
        "media_url": texts,
        "save_response_as": texts,
        "threshold": anything,
    },
)


@st.composite
def transitions(draw: st.DrawFn) -> list[dict[str, Any]]:
    events = sorted({event for widget in WIDGETS.values() for event in widget.events})
    made = []
    for event in draw(st.lists(st.sampled_from(events), max_size=6)):
        transition: dict[str, Any] = {"event": event, "next": draw(st.sampled_from([*NAMES, "", None]))}
        if event == "match":
            kind = draw(st.sampled_from(sorted(CONDITIONS)))
            transition["conditions"] = [{"arguments": [draw(texts)], "type": kind, "value": draw(texts)}]
        made.append(transition)
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    states: list[dict[str, Any]] = [
        {"name": "Trigger", "type": "trigger", "transitions": [{"event": "incomingMessage", "next": "a"}]}
    ]
    for name in NAMES[1:]:
        kind = draw(st.sampled_from([*WIDGETS, "say-play"]))
        states.append({"name": name, "type": kind, "properties": draw(properties), "transitions": draw(transitions())})
    return {"initial_state": "Trigger", "states": states}


events = st.one_of(
    st.builds(lambda body: Reply(AT, {"Body": body}), texts),
    st.just(TimedOut(AT)),
    st.tuples(st.booleans(), anything),
)


def play(definition: object, happenings: list[Any]) -> None:
    state, commands = engine.advance(definition, {}, start())
    steps = sum(isinstance(command, RecordStep) for command in commands)
    for happening in happenings:
        if isinstance(happening, tuple):
            ok, data = happening
            event: Any = Outcome(AT, state["visits"], ok, {"data": data}, error="" if ok else "no")
        else:
            event = happening
        before = json.dumps(state, sort_keys=True)
        following, commands = engine.advance(definition, state, event)
        assert json.dumps(state, sort_keys=True) == before, "the state given was changed"
        steps += sum(isinstance(command, RecordStep) for command in commands)
        state = json.loads(json.dumps(following))
        assert following == state, "the state is not JSON"
        assert all(not isinstance(command, End) for command in commands[:-1])
        assert (state["status"] == "ended") is (state["until"] == "")
    assert steps <= engine.MAX_STEPS
    assert state["visits"] <= engine.MAX_STEPS


@settings(max_examples=300, deadline=None)
@given(documents(), st.lists(events, max_size=12))
def test_the_engine_takes_any_document_and_any_events(definition: dict[str, Any], happenings: list[Any]) -> None:
    play(definition, happenings)


@settings(max_examples=200, deadline=None)
@given(anything | documents())
def test_the_validator_takes_anything(definition: Any) -> None:
    for problem in validation.check(definition):
        assert sorted(problem) == ["code", "level", "message", "state"]


@settings(max_examples=100, deadline=None)
@given(anything)
def test_the_engine_takes_what_is_no_document(definition: Any) -> None:
    play(definition, [Reply(AT, {"Body": "x"})])
    play({"initial_state": "Trigger", "states": definition}, [Reply(AT, {"Body": "x"})])
