"""The demo's phones show after a restart what they showed before."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels_adapters.messenger.simulator import FakeGraph
from channels_adapters.simulator.base import Persona
from channels_adapters.simulator.memory import Memory
from tests.factories import messenger as make


def remembered(path: Path) -> FakeGraph:
    fake = make.graph()
    Memory(fake, path).load()
    return fake


def test_people_chats_and_files_survive(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    before = make.graph()
    before.add_persona(Persona("7", "سلمى", "ar"))
    before.act("7", "text", {"text": "مرحباً \U0001fad6"})
    before.act("7", "sticker", {})
    Memory(before, path).save()

    after = remembered(path)

    assert after.chat("7") == before.chat("7")
    assert after.persona("7") == before.persona("7")
    assert after.media(before.chat("7")[1].files[0].url.split("/")[-2]) is not None
    assert after.chat(make.LINA) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"chats": {"1": [{}]}, "personas": [], "media": {}}', "null"]
)
def test_a_file_that_cannot_be_read_is_nothing_remembered(tmp_path: Path, content: str) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(content)

    assert remembered(path).chat(make.LINA) == []


def test_no_file_is_nothing_remembered(tmp_path: Path) -> None:
    assert remembered(tmp_path / "none.json").chat(make.LINA) == []


def test_only_so_many_bytes_of_files_are_kept_and_the_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    before = make.graph()
    old = before.keep("old.bin", "image/png", b"x" * 10_000_000)
    new = before.keep("new.bin", "image/png", b"y" * 10_000_000)
    Memory(before, path).save()

    after = remembered(path)

    assert after.media(old.split("/")[-2]) is None
    assert after.media(new.split("/")[-2]) is not None
