"""A real server, a real key, and the field's own client packages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.support import live


class OurHttpClient(TwilioHttpClient):
    """What docs/api.md tells people to write: the same requests, to our address."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        parts = urlsplit(url)
        if parts.hostname and parts.hostname.endswith(".twilio.com"):
            query = f"?{parts.query}" if parts.query else ""
            url = f"{self.base}/{parts.hostname.split('.')[0]}{parts.path}{query}"
        return super().request(method, url, *args, **options)


class Site:
    """A running installation and a key for it. ``manage`` runs a management command there; ``output`` is its log."""

    def __init__(self, url: str, manage: Callable[..., str], output: Callable[[], str]) -> None:
        self.url, self.manage, self.output = url, manage, output
        printed = manage("create_api_key", "Test", "--scope", "routing")
        account, key, secret = re.findall(r"^(?:account|key|secret) +(\S+)$", printed, re.MULTILINE)
        self.account, self.key, self.secret = account, key, secret

    def client(self, user: str = "", secret: str = "") -> Client:
        """The official Python client."""
        user = user or self.key
        return Client(user, secret or self.secret, self.account, http_client=OurHttpClient(self.url))


def site_of(server: live.Live) -> Site:
    """The site of ``manage.py serve``."""

    def manage(*arguments: str) -> str:
        environment = {**server._env, "DATA_DIR": str(server.data)}
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=live.ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return Site(server.url, manage, server.output)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """``manage.py serve`` on a data folder of its own."""
    with live.running("serve") as server:
        yield site_of(server)
        # Shown when a test failed: what the server had to say.
        print(server.output()[-8000:])


@pytest.fixture(scope="session")
def client(site: Site) -> Client:
    return site.client()
