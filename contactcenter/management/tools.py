"""The programs the tests need beside Python's and Node's packages: installed when we may, else told exactly."""

from __future__ import annotations

import dataclasses
import glob
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from django.core.management import CommandError


@dataclasses.dataclass(frozen=True)
class Tool:
    package: str  # Debian's
    why: str
    is_there: Callable[[], bool]


def _any_of(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


TOOLS = (
    Tool(
        "postgresql",
        "a real PostgreSQL",
        lambda: bool(shutil.which("initdb") or glob.glob("/usr/lib/postgresql/*/bin/initdb")),
    ),
    Tool("redis-server", "a real Redis", _any_of("redis-server", "valkey-server")),
    Tool("chromium", "journeys in a real browser", _any_of("chromium", "chromium-browser", "google-chrome")),
    Tool(
        "fonts-noto-core",
        "Arabic letters in the browser",
        lambda: bool(
            glob.glob("/usr/share/fonts/**/*Arabic*", recursive=True)
            or glob.glob("/usr/share/fonts/**/DejaVuSans.ttf", recursive=True)
        ),
    ),
)


def ensure(say: Callable[[str], None]) -> None:
    """Install what is missing with apt, as root on Debian and Ubuntu. Raises ``CommandError`` naming the rest."""
    missing = [tool for tool in TOOLS if not tool.is_there()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing {', '.join(tool.package for tool in missing)} ...")
        _install([tool.package for tool in missing])
        missing = [tool for tool in missing if not tool.is_there()]
    if missing:
        wanted = "\n".join(f"  {tool.package:18} {tool.why}" for tool in missing)
        raise CommandError(
            f"The tests need programs that are not installed:\n\n{wanted}\n\nOn Debian and Ubuntu, as root:\n\n"
            f"  apt-get install {' '.join(tool.package for tool in missing)}\n\n"
            "Nothing is left out for want of them. To run a part only, see: manage.py test --help"
        )


def _install(packages: list[str]) -> None:
    # RUNLEVEL=1: Debian would start the servers it installs; the tests start private ones.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    log = Path(os.devnull)
    with log.open("ab") as void:
        subprocess.run(["apt-get", "update", "-q"], env=env, stdout=void, check=False)
        subprocess.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=env, stdout=void, check=False
        )
