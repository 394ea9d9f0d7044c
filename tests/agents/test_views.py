from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from agents.models import User
from tests.agents.test_api import signed_in
from tests.factories import agents as factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Vite had built the console."""
    monkeypatch.setattr(
        "django_vite.core.asset_loader.DjangoViteAssetLoader.generate_vite_asset",
        lambda self, path, app="default", **attrs: (
            f'<script type="module" src="/static/{path}" nonce="{attrs["nonce"]}"></script>'
        ),
    )


class Inline(HTMLParser):
    """Collects what a strict policy forbids: inline scripts and styles, event handlers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [f"{tag}[{name}]" for name in given if name == "style" or name.startswith("on")]
        is_data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and not given.get("src") and not is_data):
            self.found.append(tag)


def test_the_bare_address_leads_to_the_console(client: Client) -> None:
    assert client.get("/").headers["location"] == "/console/"


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(client: Client) -> None:
    assert client.get("/console/").headers["location"] == "/accounts/login/?next=/console/"


@pytest.mark.parametrize(("language", "direction", "words"), [("en", "ltr", "Sign in"), ("ar", "rtl", "")])
def test_the_sign_in_page_speaks_the_visitors_language(
    client: Client, language: str, direction: str, words: str
) -> None:
    page = client.get("/accounts/login/", headers={"accept-language": language})
    html = page.content.decode()

    assert f'<html lang="{language}" dir="{direction}"' in html
    assert words in html
    assert Inline(html).found == []
    assert "unsafe-inline" not in page.headers["content-security-policy"]


def test_signing_in_leads_to_the_console_and_makes_a_new_session(client: Client) -> None:
    amira = factory.agent(username="amira")
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key

    answer = client.post("/accounts/login/", {"username": "amira", "password": factory.PASSWORD})

    assert (answer.status_code, answer.headers["location"]) == (302, "/console/")
    assert client.session.session_key != before
    assert client.session["_auth_user_id"] == str(amira.pk)
    assert answer.cookies["sessionid"]["httponly"]
    assert answer.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client: Client, target: str) -> None:
    factory.agent(username="amira")

    answer = client.post("/accounts/login/", {"username": "amira", "password": factory.PASSWORD, "next": target})

    assert answer.headers["location"] == "/console/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(client: Client) -> None:
    factory.agent(username="amira")
    factory.agent(username="gone", is_active=False)

    def words(username: str, password: str) -> list[str]:
        html = client.post("/accounts/login/", {"username": username, "password": password}).content.decode()
        return re.findall(r'role="alert"[^>]*>(.*?)</div>', html, re.S)

    wrong = words("amira", "wrong")
    assert len(wrong) == 1
    assert words("nobody", "wrong") == words("gone", factory.PASSWORD) == wrong


def test_ten_wrong_passwords_lock_the_name_out_and_say_for_how_long(client: Client, settings: Any) -> None:
    settings.AXES_ENABLED = True
    factory.agent(username="amira")

    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post("/accounts/login/", {"username": "amira", "password": "wrong"})
    right = client.post("/accounts/login/", {"username": "amira", "password": factory.PASSWORD})

    for page in (answer, right):
        assert page.status_code == 429
        assert "15 minutes" in page.content.decode()
        assert Inline(page.content.decode()).found == []
    other = client.post("/accounts/login/", {"username": "bob", "password": "wrong"})
    assert other.status_code == 200


def test_signing_out_takes_a_post(client: Client) -> None:
    client = signed_in(factory.agent())

    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").headers["location"] == "/accounts/login/"
    assert client.get("/console/").status_code == 302


@pytest.mark.usefixtures("built")
def test_the_shell_carries_what_the_program_needs() -> None:
    amira = factory.agent(name="Amira Nasser", language="ar", theme="dark")

    page = signed_in(amira).get("/console/")
    html = page.content.decode()
    found = re.search(r'<script id="console-config" type="application/json">(.*?)</script>', html)

    assert found is not None
    config = json.loads(found[1])
    assert (config["ws_path"], config["language"], config["theme"]) == ("/ws/console/", "ar", "dark")
    assert config["user"]["sid"] == amira.sid
    assert config["logout_url"] == "/accounts/logout/"
    assert config["admin_url"] == ""
    assert '<html lang="ar" dir="rtl" data-theme="dark"' in html
    assert Inline(html).found == []
    nonce = re.search(r"'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'nonce="{nonce[1]}"' in html


@pytest.mark.usefixtures("built")
def test_a_name_cannot_break_out_of_the_shell() -> None:
    evil = factory.agent(name="</script><script>alert(1)</script>")

    html = signed_in(evil).get("/console/").content.decode()

    assert "<script>alert" not in html


@pytest.mark.usefixtures("built")
def test_supervisors_get_the_way_to_the_admin() -> None:
    html = signed_in(factory.supervisor()).get("/console/").content.decode()

    assert '"admin_url": "/admin/"' in html


def test_who_has_no_desk_is_told_so() -> None:
    page = signed_in(factory.user()).get("/console/")

    assert page.status_code == 403
    assert Inline(page.content.decode()).found == []


def test_the_catalog_speaks_the_signed_in_persons_language() -> None:
    client = signed_in(factory.agent(language="ar"))

    answer = client.get("/jsi18n/", headers={"accept-language": "en"})

    assert answer.headers["content-language"] == "ar"


def test_static_files_of_the_pages_are_there(client: Client) -> None:
    for name in ("agents/pages.css", "agents/icon.svg"):
        assert client.get(f"{settings.STATIC_URL}{name}").status_code == 200


def test_get_requests_change_nothing(client: Client) -> None:
    """Every GET of ours, with a database that notices writes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    amira: User = factory.agent()
    client = signed_in(amira)
    for path in ("/api/conversations/", "/api/canned-replies/", "/api/drafts/", "/api/me/"):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        assert [query for query in captured if not query["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []
