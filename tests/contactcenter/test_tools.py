from __future__ import annotations

import pytest
from django.core.management import CommandError

from contactcenter.management import tools
from contactcenter.management.tools import Tool


@pytest.fixture
def said() -> list[str]:
    return []


def test_nothing_is_said_or_done_when_everything_is_there(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setattr(tools, "TOOLS", (Tool("redis-server", "a real Redis", lambda: True),))

    tools.ensure(said.append)

    assert said == []


def test_an_ordinary_user_is_told_exactly_what_to_install(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setattr(tools, "TOOLS", (Tool("redis-server", "a real Redis", lambda: False),))
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(CommandError, match="apt-get install redis-server"):
        tools.ensure(said.append)


def test_root_gets_it_installed(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    installed: list[str] = []
    missing = Tool("redis-server", "a real Redis", lambda: "redis-server" in installed)
    monkeypatch.setattr(tools, "TOOLS", (missing,))
    monkeypatch.setattr(tools, "_install", installed.extend)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")

    tools.ensure(said.append)

    assert installed == ["redis-server"]
    assert said == ["Installing redis-server ..."]
