from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from pytest_django import Settings

from contactcenter.middleware import StaticFiles


def _directives(header: str) -> dict[str, list[str]]:
    parts = [part.split() for part in header.split(";")]
    return {part[0]: part[1:] for part in parts}


@pytest.mark.django_db
def test_pages_allow_no_inline_code_and_only_this_hosts_socket(client: Client) -> None:
    policy = _directives(client.get("/healthz", HTTP_HOST="127.0.0.1:8123").headers["Content-Security-Policy"])

    assert policy["script-src"] == ["'self'"]
    assert policy["style-src"] == ["'self'"]
    assert policy["connect-src"] == ["'self'", "ws://127.0.0.1:8123"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["object-src"] == ["'none'"]


@pytest.mark.django_db
def test_the_admin_alone_may_use_inline_code(client: Client) -> None:
    policy = _directives(client.get("/admin/login/").headers["Content-Security-Policy"])

    assert policy["script-src"] == ["'self'", "'unsafe-inline'", "'unsafe-eval'"]
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["frame-ancestors"] == ["'none'"]


@pytest.fixture
def built(tmp_path: Path, settings: Settings) -> Path:
    """A folder as the front end's build leaves it."""
    settings.STATICFILES_DIRS = [tmp_path]
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "console-Ab3_dE-9.js").write_text("let here;")
    (tmp_path / "widget.js").write_text("let there;")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/static/assets/console-Ab3_dE-9.js", "max-age=315360000, public, immutable"),
        ("/static/widget.js", "max-age=300, public"),
    ],
)
def test_hashed_names_are_cached_for_ever_and_others_for_minutes(built: Path, path: str, cache: str) -> None:
    from django.contrib.staticfiles.finders import get_finder

    get_finder.cache_clear()  # type: ignore[attr-defined]
    serve = StaticFiles(lambda request: None)

    response = serve(RequestFactory().get(path))

    get_finder.cache_clear()  # type: ignore[attr-defined]
    assert response.headers["Cache-Control"] == cache
    assert response.content.startswith(b"let ")
    assert not response.streaming


@pytest.mark.django_db
def test_a_signed_in_persons_language_wins_over_the_browsers(client: Client) -> None:
    from agents.models import User

    client.force_login(User.objects.create_user("salma", language="ar"))

    response = client.get("/admin/", headers={"accept-language": "en"}, follow=True)

    assert response.headers["Content-Language"] == "ar"


def test_the_languages_offered_are_those_of_the_model() -> None:
    from agents.models import User

    offered = [code for code, _name in User._meta.get_field("language").flatchoices]
    assert offered == [code for code, _name in settings.LANGUAGES]
