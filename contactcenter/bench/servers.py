"""A private PostgreSQL and Redis, for benchmarks and tests: on a socket and a loopback port of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis


def find_postgres() -> Path | None:
    """The folder with initdb and postgres, the newest version where several are installed."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).resolve().parent
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    return Path(max(found, key=lambda path: int(path.split("/")[4]))).parent if found else None


def find_redis() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(until: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not answer within {seconds:.0f} s")
        time.sleep(0.02)


def _unprivileged() -> str | None:
    """Whom to run PostgreSQL as: nobody else when we are an ordinary user; it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("Running as root, and there is neither a user postgres nor nobody to run PostgreSQL as.")


class Postgres:
    """One server in one temporary folder. fsync is off: it outlives its processes, not a power cut."""

    def __init__(self, *, durable: bool = False) -> None:
        self._bin = find_postgres()
        if self._bin is None:
            raise RuntimeError("PostgreSQL is not installed. On Debian and Ubuntu:  apt install postgresql")
        self._user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="cc-pg-", dir="/tmp"))  # socket paths must be short
        if self._user:
            shutil.chown(self.folder, self._user)
        self._data = self.folder / "data"
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self.database_url = f"postgres://test@/test?host={self.folder}"
        self._run("initdb", "-D", str(self._data), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self._run("createdb", "-h", str(self.folder), "-U", "test", "test")

    def _run(self, program: str, *arguments: str) -> None:
        assert self._bin
        done = subprocess.run(
            [self._bin / program, *arguments], user=self._user, cwd=self.folder, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        assert self._bin
        relaxed = () if self._durable else ("-c", "fsync=off", "-c", "full_page_writes=off")
        command: list[str | Path] = [self._bin / "postgres", "-D", self._data, "-k", self.folder]
        command += ["-c", "listen_addresses=", *relaxed]
        # Commits stay synchronous: what was answered must outlive the server being killed, as the fault tests demand.
        command += ["-c", "max_connections=200"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, cwd=self.folder, stdout=log, stderr=log)
        _wait(self._answers, "PostgreSQL")

    def _answers(self) -> bool:
        assert self._bin
        ready: list[str | Path] = [self._bin / "pg_isready", "-q", "-h", str(self.folder), "-U", "test"]
        return subprocess.run(ready, user=self._user, cwd=self.folder).returncode == 0

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as in a crash; SIGINT: connections cut, then cleanly."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    """One server on a free loopback port, nothing saved, with a password."""

    def __init__(self) -> None:
        self._program = find_redis()
        if self._program is None:
            raise RuntimeError("Redis is not installed. On Debian and Ubuntu:  apt install redis-server")
        self.folder = Path(tempfile.mkdtemp(prefix="cc-redis-"))
        self.port = free_port()
        self.url = f"redis://:test@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        assert self._program
        command = [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", "test"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait(self._answers, "Redis")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def flush(self) -> None:
        """FLUSHALL: every waiting job and everything else is gone."""
        self.client.flushall()

    def stop(self) -> None:
        """As kill -9: nothing is kept."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclasses.dataclass
class Stack:
    """What scaled mode needs. ``environment`` is what to start our processes with."""

    postgres: Postgres
    redis: Redis

    @property
    def database_url(self) -> str:
        return self.postgres.database_url

    @property
    def redis_url(self) -> str:
        return self.redis.url

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[Stack]:
    """Both servers for the length of a block. ``durable``: with fsync, for measuring what a commit costs."""
    with contextlib.ExitStack() as stack:
        postgres = Postgres(durable=durable)
        stack.callback(postgres.remove)
        cache = Redis()
        stack.callback(cache.remove)
        yield Stack(postgres, cache)
