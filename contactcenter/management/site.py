"""What ``demo`` and ``serve`` have in common."""

from __future__ import annotations

import argparse
import errno
import signal
import socket
import sys
from collections.abc import Callable

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand, OutputWrapper

from contactcenter.management import tables


def add_arguments(parser: argparse.ArgumentParser, *, port: int) -> None:
    parser.add_argument(
        "--port", type=int, default=port, help=f"port to listen on; 0 picks a free one (default {port})"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine)")
    parser.add_argument("--data", help="folder for database, files and keys")


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on, taken before anything slow happens. Raises ``CommandError`` saying what to do."""
    from contactcenter import server

    try:
        return server.listen(host, port)
    except OverflowError:
        raise CommandError("A port is a number from 0 to 65535.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is taken by another program. Choose another with --port N, or --port 0 for any free one."
            ) from None
        raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None


def url_of(listening: socket.socket) -> str:
    """http://host:port as a browser on this machine writes it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(command: BaseCommand, listening: socket.socket, prepare: Callable[[str], list[str]]) -> None:
    """Migrate, let ``prepare(url)`` fill the database and tell what to print, then serve until stopped."""
    from contactcenter import embedded

    out: OutputWrapper = command.stdout
    url = url_of(listening)
    settings.LOCAL_URL = url
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    # Until the server has handlers of its own. A shell starts `... &` with SIGINT ignored; we end on it all the same.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with embedded.only_one(settings.DATA_DIR):
            tables.migrate()
            lines = prepare(url)

            def ready() -> None:
                for line in lines:
                    out.write(line)
                out.write(f"ready {url}")
                out.flush()

            embedded.run(listening, ready)
    except KeyboardInterrupt:
        sys.exit(0)  # stopped before it served
    except BlockingIOError:
        raise CommandError(
            f"Another process is already running on {settings.DATA_DIR}. Stop it, or choose another folder with --data."
        ) from None
