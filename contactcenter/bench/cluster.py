"""A scaled installation on this machine: every role a process of its own, over a real PostgreSQL and Redis.

For benchmarks, and for the tests that kill its processes.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from contactcenter.lib.errors import ContactCenterError

ROOT = Path(__file__).resolve().parents[2]
_CELERY = [sys.executable, "-m", "celery", "-A", "contactcenter.celery"]
_WORKER = ["worker", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
COMMANDS: dict[str, list[str]] = {
    "web": [sys.executable, "manage.py", "web"],
    "worker": [*_CELERY, *_WORKER, "-P", "threads", "-c", "2", "-Q", "inbound"],
    "sender": [*_CELERY, *_WORKER, "-P", "threads", "-c", "2", "-Q", "outbound,media,low"],
    "route": [sys.executable, "manage.py", "route"],
    "beat": [*_CELERY, "beat", "--loglevel", "WARNING"],
    "graph": [sys.executable, "-m", "contactcenter.bench.graph"],
}
#: What an installation consists of; the rest of the commands are its surroundings.
ROLES = ("web", "worker", "sender", "route", "beat")


class NotStarted(ContactCenterError):
    """A process of the cluster ended, or never said that it is ready."""

    code = "cluster.not_started"


class Role:
    """One process. ``lines`` collects what it printed."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.lines: list[str] = []
        self._told: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._told.put(line)

    def wait_for(self, text: str, timeout: float = 30.0) -> str:
        """The line that contains ``text``. Raises ``NotStarted``."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            try:
                line = self._told.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            if text in line:
                return line
        raise NotStarted(f"{self.name} did not start:\n" + "\n".join(self.lines[-30:]))

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End it the hard way, with whatever it has started."""
        if self.is_alive:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end; kill it when it does not."""
        if self.is_alive:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()


class Cluster:
    """Starts roles and ends them all. ``url`` is the web process's address once "web" runs."""

    def __init__(self, database_url: str, redis_url: str, data: Path, **settings: str) -> None:
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "CRASH_AT"},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DATA_DIR": str(data),
            "SECRET_KEY": "cluster-" + "k" * 50,
            "SEALING_KEYS": "Y2x1c3Rlci1zZWFsaW5nLWtleS0zMi1ieXRlcyEhISE=",
            "CONTACTCENTER_BOOTSTRAP": "off",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.roles: list[Role] = []
        self.url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def start(self, name: str, **environment: str) -> Role:
        """Start one process. ``start("web")`` waits until it serves; the others are heard of by what they do."""
        arguments = list(COMMANDS[name])
        if name == "web":  # a restarted one takes its old port again
            arguments += ["--port", self.url.rpartition(":")[2] or "0"]
        elif name in ("worker", "sender"):
            arguments += ["-n", f"{name}{len(self.roles)}@local"]
        role = Role(name, arguments, {**self.environment, **environment})
        self.roles.append(role)
        if name == "web":
            self.url = role.wait_for("ready ").split()[1]
        return role

    def alive(self, name: str) -> list[Role]:
        return [role for role in self.roles if role.name == name and role.is_alive]

    def stop(self) -> None:
        for role in self.roles:
            if role.is_alive:
                role.process.terminate()
        for role in self.roles:
            role.stop()
