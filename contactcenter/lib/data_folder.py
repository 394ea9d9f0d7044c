"""The data folder: one installation's database, files and keys. Standard library only; used before settings load.

``demo`` keeps its own (data/demo, with a mark that its logins are public), so trying out never touches a real site.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRETS = "secrets.env"
DEMO_MARK = "demo"
DATABASE = "contactcenter.sqlite3"


def choose(argv: list[str]) -> None:
    """Set DATA_DIR for ``demo`` and ``serve`` from ``--data``, before the settings read it."""
    command = argv[1] if len(argv) > 1 else ""
    if command not in ("demo", "serve"):
        return
    given = _option(argv[2:], "--data")
    if given:
        os.environ["DATA_DIR"] = str(Path(given).resolve())
    elif command == "demo":
        os.environ.setdefault("DATA_DIR", str(ROOT / "data" / "demo"))
    if command == "demo":
        folder = Path(os.environ["DATA_DIR"])
        if (folder / DATABASE).exists() and not is_demo(folder):
            sys.exit(f"{folder} holds a real site; demo would fill it with people everybody can sign in as.")
        make_secrets(folder)
        (folder / DEMO_MARK).touch()
        os.environ.setdefault("LOG_LEVEL", "WARNING")  # what to open and who may sign in should stay in sight
    elif "--init" in argv[2:]:
        make_secrets(Path(os.environ.get("DATA_DIR") or ROOT / "data" / "site"))


def _option(arguments: list[str], name: str) -> str:
    for index, argument in enumerate(arguments):
        if argument == name and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return ""


def is_demo(folder: Path) -> bool:
    """Whether ``demo`` has filled this folder: its logins and passwords are printed in the documentation."""
    return (folder / DEMO_MARK).exists()


def read_secrets(folder: Path) -> dict[str, str]:
    """What secrets.env says, {} when there is none."""
    try:
        lines = (folder / SECRETS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def make_secrets(folder: Path) -> Path:
    """Write secrets.env with fresh keys, readable by its owner only, unless it is there already. Returns its path."""
    path = folder / SECRETS
    folder.mkdir(parents=True, exist_ok=True)
    text = (
        "# Keys of this installation. Keep a copy: without SEALING_KEYS, stored channel credentials are lost.\n"
        f"SECRET_KEY={secrets.token_urlsafe(48)}\n"
        "# To rotate, put a new key in front, separated by a comma.\n"
        f"SEALING_KEYS={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n"
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return path
