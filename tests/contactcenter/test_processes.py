"""Our real processes: how they start, what they refuse, how they end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import live
from tests.support.live import Live, Process

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def site() -> Iterator[Live]:
    with live.running("serve") as running:
        yield running


def _raw(url: str, head: str, body: bytes = b"") -> bytes:
    """Send bytes as they are, and give back everything that comes until the server closes or 3 s pass."""
    parts = urlsplit(url)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=3) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
    return answer


def test_a_body_of_50_mb_is_refused_by_its_length_before_it_is_sent(site: Live) -> None:
    started = time.monotonic()

    answer = _raw(site.url, f"POST /hooks/x/ HTTP/1.1\nHost: 127.0.0.1\nContent-Length: {50 * 1024 * 1024}\n\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - started < 3


def test_a_client_that_sends_it_all_the_same_still_reads_the_answer(site: Live) -> None:
    parts = urlsplit(site.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.putrequest("POST", "/hooks/x/")
    connection.putheader("Content-Length", str(8 * 1024 * 1024))
    connection.endheaders()
    for _ in range(8):
        connection.send(b"x" * 1024 * 1024)

    assert connection.getresponse().status == 413


def test_a_chunked_body_is_cut_off_at_the_limit(site: Live) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    answer = _raw(site.url, "POST /x/ HTTP/1.1\nHost: 127.0.0.1\nTransfer-Encoding: chunked\n\n", chunk * 17)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_nothing_is_promised_to_a_client_that_asks_before_sending_too_much(site: Live) -> None:
    head = "POST /hooks/x/ HTTP/1.1\nHost: 127.0.0.1\nExpect: 100-continue\nContent-Length: 99999999\n\n"

    answer = _raw(site.url, head)

    assert b"100 Continue" not in answer
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_uploads_may_be_larger_than_other_bodies(site: Live) -> None:
    length = 2 * 1024 * 1024
    head = f"POST {{}} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\nContent-Length: {length}\n\n"

    assert _raw(site.url, head.format("/api/uploads/"), b"x" * length).split(b" ", 2)[1] != b"413"
    assert _raw(site.url, head.format("/elsewhere/"), b"x" * length).split(b" ", 2)[1] == b"413"


def test_static_files_come_with_the_process(site: Live) -> None:
    with urllib.request.urlopen(f"{site.url}/static/admin/css/base.css") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == 'text/css; charset="utf-8"'


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_three_seconds_with_exit_code_0(
    how: signal.Signals, live_process: Callable[..., Live]
) -> None:
    running = live_process("serve")
    parts = urlsplit(running.url)
    with socket.create_connection((parts.hostname, parts.port)):  # somebody who is connected and says nothing
        started = time.monotonic()
        code = running.stop(how)

    assert code == 0
    assert time.monotonic() - started < 3
    assert "Traceback" not in running.output()


def test_started_by_a_shell_in_the_background_it_still_ends_on_sigint(tmp_path: Path) -> None:
    # A shell without job control starts `... &` with SIGINT ignored, and Python inherits that.
    process = Process(
        "-c",
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
        *("manage.py", "serve", "--init", "--port", "0", "--data", str(tmp_path)),
    )
    process.wait_for(r"^ready ")

    assert process.stop(signal.SIGINT) == 0


def test_the_data_is_there_the_next_time(live_process: Callable[..., Live]) -> None:
    running = live_process("serve")
    assert running.data
    with sqlite3.connect(running.data / "contactcenter.sqlite3") as database:
        database.execute("INSERT INTO routing_lease (name, holder, epoch) VALUES ('kept', 'x', 7)")
    assert running.stop() == 0

    running.start()
    running.wait_for(r"^ready ")

    with sqlite3.connect(running.data / "contactcenter.sqlite3") as database:
        assert database.execute("SELECT epoch FROM routing_lease WHERE name = 'kept'").fetchall() == [(7,)]


def test_a_taken_port_is_told_in_one_clear_line(site: Live, tmp_path: Path) -> None:
    port = urlsplit(site.url).port
    process = Process("manage.py", "serve", "--init", "--port", str(port), "--data", str(tmp_path))

    assert process.wait(30) == 1
    assert f"Port {port} is taken by another program. Choose another with --port N" in process.output()
    assert "Traceback" not in process.output()


def test_a_second_process_on_the_same_folder_is_refused(site: Live) -> None:
    process = Process("manage.py", "serve", "--port", "0", "--data", str(site.data))

    assert process.wait(30) == 1
    assert f"Another process is already running on {site.data}" in process.output()


def test_serve_refuses_to_start_without_keys_of_its_own(tmp_path: Path) -> None:
    process = Process("manage.py", "serve", "--port", "0", "--data", str(tmp_path))

    assert process.wait(30) == 1
    assert "python3 manage.py serve --init" in process.output()
    assert os.listdir(tmp_path) == []


def test_serve_refuses_a_folder_whose_logins_everybody_knows(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()
    process = Process("manage.py", "serve", "--init", "--port", "0", "--data", str(tmp_path))

    assert process.wait(30) == 1
    assert "was filled by demo" in process.output()


def test_serve_refuses_debug(tmp_path: Path) -> None:
    process = Process("manage.py", "serve", "--init", "--port", "0", "--data", str(tmp_path), env={"DEBUG": "1"})

    assert process.wait(30) == 1
    assert "Unset DEBUG" in process.output()
