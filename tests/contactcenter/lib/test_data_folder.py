from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from contactcenter.lib import data_folder


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    path = data_folder.make_secrets(tmp_path)
    first = data_folder.read_secrets(tmp_path)

    data_folder.make_secrets(tmp_path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert data_folder.read_secrets(tmp_path) == first
    assert set(first) == {"SECRET_KEY", "SEALING_KEYS"}


def test_two_folders_have_different_keys(tmp_path: Path) -> None:
    data_folder.make_secrets(tmp_path / "a")
    data_folder.make_secrets(tmp_path / "b")

    a, b = data_folder.read_secrets(tmp_path / "a"), data_folder.read_secrets(tmp_path / "b")
    assert a["SECRET_KEY"] != b["SECRET_KEY"]
    assert a["SEALING_KEYS"] != b["SEALING_KEYS"]


@pytest.mark.parametrize("argv", [["manage.py", "demo", "--data", "{}"], ["manage.py", "demo", "--data={}"]])
def test_demo_makes_its_folder_with_keys_and_a_mark(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", "unset")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")

    data_folder.choose([part.format(tmp_path / "d") for part in argv])

    assert os.environ["DATA_DIR"] == str(tmp_path / "d")
    assert data_folder.is_demo(tmp_path / "d")
    assert data_folder.read_secrets(tmp_path / "d")["SECRET_KEY"]


def test_demo_never_touches_a_real_sites_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "unset")
    (tmp_path / "contactcenter.sqlite3").touch()

    with pytest.raises(SystemExit, match="holds a real site"):
        data_folder.choose(["manage.py", "demo", "--data", str(tmp_path)])

    assert not data_folder.is_demo(tmp_path)


def test_serve_makes_no_keys_unless_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "unset")

    data_folder.choose(["manage.py", "serve", "--data", str(tmp_path)])
    assert data_folder.read_secrets(tmp_path) == {}

    data_folder.choose(["manage.py", "serve", "--data", str(tmp_path), "--init"])
    assert data_folder.read_secrets(tmp_path)["SECRET_KEY"]
    assert not data_folder.is_demo(tmp_path)
