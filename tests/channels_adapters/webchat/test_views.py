from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from channels_adapters.webchat import files, views
from channels_adapters.webchat.session import Session
from contactcenter.lib import clock
from conversations.models import Attachment
from tests.factories import conversations as rows
from tests.factories import webchat as make
from tests.factories.webchat import ORIGIN

pytestmark = pytest.mark.django_db

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture(autouse=True)
def _shop(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["testserver"]
    make.channel("shop")


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def enter(key: str = "shop") -> tuple[Session, str]:
    """The views read the real clock."""
    return make.enter(key, now=clock.now())


def post(
    client: Client,
    token: str,
    content: bytes = rows.PNG,
    name: str = "photo.png",
    *,
    site: str = "shop",
    content_type: str = "image/png",
    origin: str = ORIGIN,
    **headers: str,
) -> Any:
    return client.post(
        f"/channels/webchat/files/?site={site}",
        {"file": SimpleUploadedFile(name, content, content_type)},
        headers={"authorization": f"Bearer {token}", "origin": origin, **headers},
    )


# -- config -----------------------------------------------------------------------------------------------------------


def test_a_page_of_the_site_gets_its_looks(client: Client) -> None:
    response = client.get("/channels/webchat/config/?site=shop", headers={"origin": ORIGIN})

    assert response.status_code == 200
    assert response.json()["title"] == {"en": "Test shop"}
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in response
    assert make.SECRET not in response.content.decode()


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_any_other_page_does_not(client: Client, headers: dict[str, str]) -> None:
    response = client.get("/channels/webchat/config/?site=shop", headers=headers)

    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response


def test_our_own_page_needs_no_origin_header(client: Client) -> None:
    make.channel("own", allowed_origins=["self"])

    response = client.get("/channels/webchat/config/?site=own", headers={"sec-fetch-site": "same-origin"})

    assert response.status_code == 200


def test_an_unknown_site_is_not_found(client: Client) -> None:
    assert client.get("/channels/webchat/config/?site=nope", headers={"origin": ORIGIN}).status_code == 404


# -- upload -----------------------------------------------------------------------------------------------------------


def test_a_preflight_is_answered_for_pages_of_the_site(client: Client) -> None:
    response = client.options("/channels/webchat/files/?site=shop", headers={"origin": ORIGIN})

    assert response.status_code == 204
    assert response["Access-Control-Allow-Headers"] == "Authorization"
    assert (
        client.options("/channels/webchat/files/?site=shop", headers={"origin": "https://x.example"}).status_code == 403
    )


def test_a_visitor_uploads_a_file(client: Client) -> None:
    _visitor, token = enter()

    response = post(client, token)

    answer = response.json()
    assert response.status_code == 201
    assert (answer["kind"], answer["name"], answer["type"], answer["size"]) == (
        "image",
        "photo.png",
        "image/png",
        len(rows.PNG),
    )
    assert Attachment.objects.get().key == answer["key"]


@pytest.mark.parametrize("token", ["", "vt_guessed", "é"])
def test_without_a_token_nothing_is_taken(client: Client, token: str) -> None:
    enter()

    assert post(client, token).status_code == 401
    assert not Attachment.objects.exists()


def test_a_token_of_another_site_is_none(client: Client) -> None:
    make.channel("other")
    _visitor, token = enter("other")

    assert post(client, token, site="shop").status_code == 401


def test_from_a_foreign_page_nothing_is_taken(client: Client) -> None:
    _visitor, token = enter()

    assert post(client, token, origin="https://evil.example").status_code == 403


def test_a_body_too_big_is_refused_by_its_length(client: Client) -> None:
    _visitor, token = enter()

    response = client.generic(
        "POST",
        "/channels/webchat/files/?site=shop",
        b"",
        content_type="multipart/form-data; boundary=x",
        headers={"authorization": f"Bearer {token}", "origin": ORIGIN},
        CONTENT_LENGTH="52428800",
    )

    assert response.status_code == 413


@pytest.mark.parametrize(("content", "name"), [(b"", "empty.txt"), (b"MZ" + b"\0" * 100, "setup.exe")])
def test_an_empty_file_or_a_program_is_refused(client: Client, content: bytes, name: str) -> None:
    _visitor, token = enter()

    response = post(client, token, content, name, content_type="application/octet-stream")

    assert response.status_code == 422
    assert response.json()["error"] == "bad_file"


def test_uploads_are_counted(client: Client) -> None:
    _visitor, token = enter()

    codes = [post(client, token).status_code for _ in range(views.UPLOADS_PER_MINUTE + 1)]

    assert codes == [201] * views.UPLOADS_PER_MINUTE + [429]


def test_a_get_is_no_upload(client: Client) -> None:
    assert client.get("/channels/webchat/files/?site=shop", headers={"origin": ORIGIN}).status_code == 405


# -- download ---------------------------------------------------------------------------------------------------------


def test_a_picture_is_shown_and_guarded(client: Client) -> None:
    _visitor, token = enter()
    url = post(client, token).json()["url"]

    response = client.get(url)

    assert response.content == rows.PNG
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ("content", "name", "claimed"),
    [
        (SVG, "logo.svg", "image/svg+xml"),
        (SVG, "photo.png", "image/png"),
        (HTML, "page.html", "text/html"),
        (HTML, "photo.png", "image/png"),
        (b"plain", "notes.txt", "text/plain"),
    ],
)
def test_everything_else_is_only_ever_downloaded(client: Client, content: bytes, name: str, claimed: str) -> None:
    _visitor, token = enter()
    url = post(client, token, content, name, content_type=claimed).json()["url"]

    response = client.get(url)

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_file_name_cannot_break_out_of_its_header(client: Client) -> None:
    _visitor, token = enter()
    url = post(client, token, b"x", 'a"; filename="b\r\nX-Evil: 1\u202e.txt').json()["url"]

    response = client.get(url)

    assert "X-Evil" not in response
    assert "\u202e" not in response["Content-Disposition"]


def test_a_forged_or_old_link_opens_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _visitor, token = enter()
    url = post(client, token).json()["url"]

    assert client.get(url[:-3] + "abc").status_code == 410
    monkeypatch.setattr(files, "LIFETIME_SECONDS", -1)
    assert client.get(url).status_code == 410


def test_a_link_of_one_visitor_does_not_open_anothers_file(client: Client) -> None:
    _visitor, token = enter()
    key = post(client, token).json()["key"]
    other, other_token = enter()
    post(client, other_token)

    assert client.get(files.address("shop", other.visitor.address, key)).status_code == 404
