"""``secrets.env`` in the data folder: one installation's keys, readable by its owner only. Standard library only."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

NAME = "secrets.env"


def read(data_dir: Path) -> dict[str, str]:
    """What the file says, {} when there is none."""
    try:
        lines = (data_dir / NAME).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def make(data_dir: Path) -> Path:
    """Write a file with fresh keys unless there is one already. Returns its path."""
    path = data_dir / NAME
    data_dir.mkdir(parents=True, exist_ok=True)
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
