"""Our real processes, started as an operator starts them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import waiting

ROOT = Path(__file__).resolve().parents[2]

#: Environment of the suite that must not leak into a process under test.
_OURS = (
    "DJANGO_SETTINGS_MODULE",
    "DATABASE_URL",
    "REDIS_URL",
    "REDIS_PREFIX",
    "DATA_DIR",
    "CRASH_AT",
    "DEBUG",
    "LOG_LEVEL",
)


class Process:
    """One process of ours; everything it prints is kept for the report."""

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.arguments = arguments
        self._env = {name: value for name, value in os.environ.items() if name not in _OURS and "PYTEST" not in name}
        self._env.update(CONTACTCENTER_BOOTSTRAP="off", PYTHONUNBUFFERED="1", LOG_STYLE="console")
        self._env.update(env or {})
        handle, name = tempfile.mkstemp(prefix="cc-live-", suffix=".log")
        os.close(handle)
        self.log = Path(name)
        self.start()

    def start(self) -> None:
        """Start (again), with the same arguments and environment."""
        self._from = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll()

    def output(self) -> str:
        """What it has printed since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")

    def wait_for(self, pattern: str, seconds: float = 90.0) -> re.Match[str]:
        """The first match of ``pattern`` in the output. Raises ``AssertionError`` with all of it."""

        def look() -> re.Match[str] | bool:
            ended = not self.is_running  # looked at first: what it said last is in the output then
            return re.search(pattern, self.output(), re.MULTILINE) or ended

        def why() -> str:
            return f"{' '.join(self.arguments)} said nothing like {pattern!r}:\n{self.output()}"

        found = waiting.until(look, seconds, why=why)
        if not isinstance(found, re.Match):
            raise AssertionError(f"{' '.join(self.arguments)} ended with {self.exit_code}:\n{self.output()}")
        return found

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 10.0) -> int:
        """End it politely. Returns its exit code; kills it and raises when it does not end."""
        if self.is_running:
            self._popen.send_signal(how)
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{' '.join(self.arguments)} did not end within {seconds} s:\n{self.output()}"
            ) from None

    def kill(self) -> None:
        """kill -9."""
        self._popen.kill()
        self._popen.wait(10)

    def wait(self, seconds: float = 20.0) -> int:
        """Wait until it ends by itself (a crash point). Returns its exit code."""
        return self._popen.wait(seconds)


class Live(Process):
    """A process with a web server in it: ``url``, and ``data`` when it keeps a folder."""

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None, data: Path | None = None) -> None:
        self.data = data
        super().__init__(*arguments, env=env)

    @property
    def url(self) -> str:
        """http://127.0.0.1:<port>, once it is ready."""
        return self.wait_for(r"^ready (http://\S+)$")[1]


@contextlib.contextmanager
def running(command: str = "demo", *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Live]:
    """``manage.py demo`` (or ``serve``) on a temporary data folder. Leaving the block sends SIGINT and demands exit 0,
    unless the test has ended it already."""
    with tempfile.TemporaryDirectory(prefix="cc-data-") as folder:
        init = ["--init"] if command == "serve" else []
        line = ["manage.py", command, "--port", "0", "--data", folder, *init, *arguments]
        live = Live(*line, env=env, data=Path(folder))
        try:
            live.url  # noqa: B018  (waits until it is ready)
            yield live
            if live.is_running:
                code = live.stop()
                assert code == 0, f"ended with {code}:\n{live.output()}"
        finally:
            if live.is_running:
                live.kill()
            live.log.unlink(missing_ok=True)


@pytest.fixture
def live_process() -> Iterator[Callable[..., Live]]:
    """``live_process("demo")``, ``live_process("serve", env={...})`` -> a ``Live``; any number of them."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(running(*arguments, **options))
