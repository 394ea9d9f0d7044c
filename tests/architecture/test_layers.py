"""The rules of docs/architecture.md that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from channels_adapters import registry

ROOT = Path(__file__).parents[2]
APPS = ("contactcenter", "channels_adapters", "conversations", "routing", "flows", "agents")


def _tracked() -> list[Path]:
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if told.returncode:  # an archive without .git: everything that is no build product
        skipped = {".venv", ".tools", "node_modules", "dist", "data", "__pycache__"}
        return [path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.parts)]
    return [path for name in told.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_imports_point_down() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


def test_every_module_of_the_wiring_has_its_place_in_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")["layers"]
    listed = {name.strip() for name in re.split(r"[:|\n]", layers[0]) if name.strip()}

    modules = {
        f"contactcenter.{path.stem if path.is_file() else path.name}"
        for path in (ROOT / "contactcenter").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }

    assert modules - {"contactcenter.lib"} == listed


def test_every_adapter_is_in_the_contract_of_independence() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = next(contract for contract in contracts if contract["type"] == "independence")["modules"]

    assert {f"channels_adapters.{slug}" for slug in registry.all_adapters()} == set(listed)


def test_what_the_bootstrap_imports_is_empty() -> None:
    for name in ("contactcenter/__init__.py", "contactcenter/lib/__init__.py"):
        assert (ROOT / name).read_text() == "", f"{name}: importing it must not need anything installed"


#: What would tie the project to the machine or the network it was made on.
_FORBIDDEN = re.compile(
    rb"registry\.npmjs\.org|pypi\.org/simple|files\.pythonhosted\.org|/root/|/work/|/home/[a-z]+/|"
    rb"\.\./shared/(?:specs|samples|quality|ARCHITECTURE|STACK)"
)


def test_no_file_names_a_registry_host_or_somebodys_machine() -> None:
    named = {
        str(path.relative_to(ROOT)): found
        for path in _tracked()
        if path != Path(__file__) and (found := _FORBIDDEN.findall(path.read_bytes()))
    }

    assert named == {}


def _jobs() -> list[tuple[str, ast.FunctionDef, ast.Call]]:
    found = []
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    for decorator in node.decorator_list:
                        call = decorator if isinstance(decorator, ast.Call) else ast.Call(decorator, [], [])
                        if isinstance(call.func, ast.Name) and call.func.id == "shared_task":
                            found.append((str(path.relative_to(ROOT)), node, call))
    return found


@pytest.mark.parametrize(("path", "job", "call"), _jobs(), ids=lambda value: getattr(value, "name", ""))
def test_a_job_names_its_queue_and_takes_keywords_it_does_not_know(
    path: str, job: ast.FunctionDef, call: ast.Call
) -> None:
    queues = [keyword.value.value for keyword in call.keywords if keyword.arg == "queue"]  # type: ignore[attr-defined]

    assert path.endswith("/jobs.py"), "jobs live in jobs.py, where workers look for them"
    assert queues in (["inbound"], ["outbound"], ["media"], ["low"], ["routing"])
    assert not job.args.args, "a job takes ids by keyword: def job(*, message_id, **_)"
    assert job.args.kwarg is not None, "an older worker must take a newer job: **_"


def test_no_file_of_ours_is_too_long_to_read() -> None:
    sources = [path for folder in (*APPS, "tests") for path in (ROOT / folder).rglob("*.py")]
    front_end = [path for path in (ROOT / "static/src").rglob("*.*") if path.suffix in (".ts", ".svelte", ".css")]
    assert front_end
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in (*sources, *front_end)
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 400
    }
    too_long.pop("channels_adapters/contract.py", None)  # a vocabulary, read word by word

    assert too_long == {}, "ask which noun wants its own file"
