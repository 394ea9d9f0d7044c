from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_adapters.contract import InboundAttachment
from conversations.models import Attachment
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path, drain: JobQueue) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def _file(content: bytes = make.PNG, **fields: Any) -> tuple[Any, str]:
    """An agent's client and the address of a file a customer sent to their team."""
    line = make.channel()
    upload = make.upload(identity=make.identity(line, address="customer-1"), content=content, **fields)
    make.received(line, attachments=[InboundAttachment("image", stored_key=upload.key)])
    client = Client()
    client.force_login(make.user(teams=[line.team]))
    return client, reverse("attachment", args=[upload.key])


def test_a_picture_is_shown_inline_and_sandboxed() -> None:
    client, url = _file(name="حساب.png")

    response = client.get(url)

    assert (response.status_code, response.content) == (200, make.PNG)
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "private" in response["Cache-Control"]
    assert client.get(url, {"download": "1"})["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("content", "name", "content_type"),
    [
        (b"<html><script>alert(1)</script>", "a.html", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "a.svg", "image/svg+xml"),
        (b"%PDF-1.7", "a.pdf", "application/pdf"),
        (b"<script>alert(1)</script>", "a.png", "image/png"),
    ],
)
def test_everything_else_is_a_download_without_a_type(content: bytes, name: str, content_type: str) -> None:
    client, url = _file(content, name=name, content_type=content_type)

    response = client.get(url)

    assert response.content == content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_file_name_cannot_break_out_of_its_header() -> None:
    client, url = _file(name='a"\r\nSet-Cookie: x=1;.png')

    response = client.get(url)

    assert "Set-Cookie" not in response.headers
    assert "\n" not in response["Content-Disposition"]


def test_what_is_not_yours_and_what_does_not_exist_look_the_same() -> None:
    _client, url = _file()
    stranger = Client()
    stranger.force_login(make.user(teams=[make.team()]))

    foreign = stranger.get(url)
    missing = stranger.get(reverse("attachment", args=["no-such-key"]))

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.content == missing.content


def test_who_is_not_signed_in_gets_nothing() -> None:
    _client, url = _file()

    response = Client().get(url)

    assert response.status_code == 302
    assert "login" in response["Location"]


def test_a_file_lost_from_the_disk_is_not_found() -> None:
    client, url = _file()
    Path(Attachment.objects.get().file.path).unlink()

    assert client.get(url).status_code == 404


def test_files_change_nothing() -> None:
    client, url = _file()

    assert client.post(url).status_code == 405
