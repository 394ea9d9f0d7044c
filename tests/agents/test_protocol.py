from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.protocol import commands, frames
from tests.agents import reducer, samples

COMMANDS = samples.load("commands")
SERVER = samples.load("server")
BAD = samples.load("bad")
STORIES = samples.load("stories")


def names(value: list[dict[str, Any]]) -> list[str]:
    return [sample["name"] for sample in value]


@pytest.mark.parametrize("sample", COMMANDS, ids=names(COMMANDS))
def test_every_sample_command_is_read_as_what_it_says(sample: dict[str, Any]) -> None:
    command = commands.parse(json.dumps(sample["frame"]))

    assert command.type == sample["frame"]["type"]
    for name, value in sample["frame"].items():
        if name != "type":
            got = getattr(command, name)
            assert (list(got) if isinstance(got, tuple) else got) == value


def test_every_command_has_a_sample() -> None:
    assert {sample["frame"]["type"] for sample in COMMANDS} == set(commands.COMMANDS)


@pytest.mark.parametrize("sample", SERVER, ids=names(SERVER))
def test_every_sample_frame_is_what_its_class_says(sample: dict[str, Any]) -> None:
    kind = frames.FRAMES[sample["frame"]["type"]]
    fields = {name: value for name, value in sample["frame"].items() if name != "type"}
    if kind is frames.Ok:
        fields = {"id": fields.pop("id"), "result": fields}

    assert kind(**fields).to_json() == sample["frame"]
    if kind is not frames.Ok:
        assert {field.name for field in dataclasses.fields(kind)} == set(fields)


def test_every_server_frame_has_a_sample() -> None:
    assert {sample["frame"]["type"] for sample in SERVER} == set(frames.FRAMES)


@pytest.mark.parametrize("sample", BAD, ids=names(BAD))
def test_every_bad_sample_is_named_a_bad_frame(sample: dict[str, Any]) -> None:
    with pytest.raises(commands.BadFrame) as refusal:
        commands.parse(sample["text"])

    assert refusal.value.code == "bad_frame"


@pytest.mark.parametrize("story", STORIES, ids=names(STORIES))
def test_applying_a_story_gives_its_state(story: dict[str, Any]) -> None:
    assert reducer.apply_all(story["frames"], story["stream"]) == story["state"]


def test_a_bad_frame_keeps_its_request_id() -> None:
    with pytest.raises(commands.BadFrame) as refusal:
        commands.parse('{"type": "message.send", "id": "7"}')

    assert refusal.value.request_id == "7"


def test_binary_and_oversized_frames_are_bad() -> None:
    for frame in (b"{}", None, '{"type":"ping","x":"' + "a" * commands.MAX_FRAME + '"}', "ä" * 40_000):
        with pytest.raises(commands.BadFrame):
            commands.parse(frame)


def test_nul_and_lone_surrogates_are_scrubbed_from_texts() -> None:
    frame = {"type": "note.add", "id": "1", "conversation": "CH" + "0" * 32, "key": "k", "text": "a\x00b\ud800c"}

    command = commands.parse(json.dumps(frame))

    assert isinstance(command, commands.NoteAdd)
    assert command.text == "ab\ufffdc"


def test_leaving_the_worker_out_differs_from_holding_nothing_of_it() -> None:
    without = commands.parse('{"type": "subscribe", "id": "1", "conversations": {}}')
    nothing = commands.parse('{"type": "subscribe", "id": "1", "worker_seq": null}')

    assert isinstance(without, commands.Subscribe)
    assert isinstance(nothing, commands.Subscribe)
    assert (without.follow_worker, nothing.follow_worker) == (False, True)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
field_names = sorted({field.name for kind in commands.COMMANDS.values() for field in dataclasses.fields(kind)})


def kind_of(frame: str) -> str:
    try:
        return commands.parse(frame).type
    except commands.BadFrame as refusal:
        return refusal.code


@given(st.text(max_size=200))
def test_any_text_is_a_command_or_a_bad_frame(text: str) -> None:
    assert kind_of(text) in {*commands.COMMANDS, "bad_frame"}


@given(
    st.sampled_from(sorted(commands.COMMANDS)),
    st.dictionaries(st.sampled_from(field_names), anything | st.just("CH" + "0" * 32), max_size=6),
)
def test_any_fields_are_that_command_or_a_bad_frame(kind: str, fields: dict[str, Any]) -> None:
    assert kind_of(json.dumps({**fields, "type": kind})) in {kind, "bad_frame"}
