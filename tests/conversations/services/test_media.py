from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from channels_adapters.contract import InboundAttachment
from contactcenter.lib import egress
from contactcenter.lib.errors import NotVisible, Refused
from conversations import queries
from conversations.models import Attachment, Conversation, Event
from conversations.services import lifecycle, media, messages
from tests.conversations.servers import Server
from tests.factories import conversations as make
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path, drain: JobQueue) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    egress.client.cache_clear()
    with Server().running() as running:
        settings.EGRESS_ALLOW_PRIVATE = [running.host]
        yield running


def _inbound(url: str, **fields: Any) -> Attachment:
    """A stored message's file, waiting to be fetched."""
    file = InboundAttachment(fields.pop("kind", "image"), url=url, **fields)
    return make.received(make.channel(), attachments=[file]).attachments.get()


# -- uploads ---------------------------------------------------------------------------------------


def test_an_upload_is_kept_under_a_random_key_for_its_uploader(now: dt.datetime) -> None:
    agent = make.user()

    row = make.upload(user=agent, name="..\\..\\/etc/pass\u202ewd\x00.png", content_type="text/html")

    assert (row.name, row.content_type, row.kind, row.size) == ("passwd.png", "image/png", "image", len(make.PNG))
    assert (row.user, row.message, row.state) == (agent, None, "stored")
    assert len(row.key) >= 43
    path = Path(row.file.path)
    assert path.read_bytes() == make.PNG
    assert Path(django_settings.MEDIA_ROOT) in path.parents
    assert "wd" not in path.name


@pytest.mark.parametrize(
    ("content", "name", "claimed", "stored_as"),
    [
        (b"%PDF-1.7 x", "a.png", "image/png", "application/pdf"),
        (b"<html><script>x</script>", "a.html", "text/html", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml", "image/svg+xml"),
        (b"plain words", "a.png", "image/png", "application/octet-stream"),
        (b"plain words", "a.txt", "text/plain; charset=utf-8", "text/plain"),
        (b"plain words", "a", "nonsense", "application/octet-stream"),
        (b"GIF89a" + b"\0" * 20, "x.html", "text/html", "image/gif"),
    ],
)
def test_what_a_file_is_is_decided_by_its_bytes(content: bytes, name: str, claimed: str, stored_as: str) -> None:
    row = make.upload(user=make.user(), content=content, name=name, content_type=claimed)

    assert row.content_type == stored_as
    assert (row.content_type in media.INLINE_TYPES) == (stored_as == "image/gif")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.txt", "upload.empty"),
        (b"x" * 2000, "a.txt", "upload.too_large"),
        (b"MZ" + b"\0" * 300, "holiday.png", "upload.type"),
        (b"\x7fELF" + b"\0" * 300, "holiday.png", "upload.type"),
        (b"echo hi", "run.bat", "upload.type"),
        (b"<?php ?>", "shell.phtml", "upload.type"),
    ],
)
def test_files_nobody_should_send_are_refused(content: bytes, name: str, code: str, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000

    with pytest.raises(Refused) as caught:
        make.upload(user=make.user(), content=content, name=name, content_type="text/plain")

    assert caught.value.code == code
    assert Attachment.objects.count() == 0
    assert list(Path(settings.MEDIA_ROOT).rglob("*")) == []


def test_an_upload_belongs_to_exactly_one(now: dt.datetime) -> None:
    with pytest.raises(ValueError, match="belongs"):
        make.upload()


def test_uploads_no_message_took_are_deleted_after_a_day(now: dt.datetime) -> None:
    agent = make.user()
    conversation = make.conversation(owner=agent)
    orphan, used, fresh = (
        make.upload(user=agent),
        make.upload(user=agent),
        make.upload(user=agent, now=now + 5 * MINUTE),
    )
    make.sent(conversation, user=agent, attachment_keys=[used.key])

    assert media.sweep_orphans(now + dt.timedelta(hours=24, minutes=1)) == 1

    assert set(Attachment.objects.values_list("key", flat=True)) == {used.key, fresh.key}
    assert [os.path.exists(row.file.path) for row in (orphan, used, fresh)] == [False, True, True]


# -- fetching --------------------------------------------------------------------------------------


def test_a_customers_file_is_fetched_and_shown(server: Server, now: dt.datetime) -> None:
    server.routes["/a"] = (200, {"content-type": "text/html"}, make.PNG)
    row = _inbound(f"{server.url}/a", content_type="image/jpeg")

    assert media.fetch(row.pk, now=now)

    row.refresh_from_db()
    assert (row.state, row.content_type, row.size, row.kind, row.error) == (
        "stored",
        "image/png",
        len(make.PNG),
        "image",
        "",
    )
    assert Path(row.file.path).read_bytes() == make.PNG
    event = Event.objects.order_by("-seq")[0]
    assert event.type == "message.updated"
    assert event.data["message"]["attachments"][0]["state"] == "stored"


def test_two_workers_fetch_a_file_once(server: Server, now: dt.datetime) -> None:
    server.routes["/a"] = (200, {}, make.PNG)
    row = _inbound(f"{server.url}/a")

    assert [media.fetch(row.pk, now=now) for _ in range(2)] == [True, False]
    assert len(server.seen) == 1


def test_the_adapter_may_add_what_lets_us_in_but_only_for_its_own_host(
    server: Server, now: dt.datetime, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.EGRESS_ALLOW_PRIVATE = [server.host, server.host.replace("127.0.0.1", "localhost")]
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    server.routes["/a"] = (302, {"location": "/b"}, b"")
    server.routes["/b"] = (302, {"location": f"{elsewhere}/c"}, b"")
    server.routes["/c"] = (200, {}, make.PNG)

    def request(self: Any, url: str, context: Any) -> tuple[str, Mapping[str, str]]:
        return url, {"x-token": "t0ken"}

    monkeypatch.setattr("tests.factories.adapters.EchoAdapter.media_request", request)

    assert media.fetch(_inbound(f"{server.url}/a").pk, now=now)

    assert [(path, headers.get("x-token")) for path, headers in server.seen] == [
        ("/a", "t0ken"),
        ("/b", "t0ken"),
        ("/c", None),
    ]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/x", "https://169.254.169.254/latest", "https://localhost/x", "file:///etc/passwd", "nonsense"],
)
def test_a_file_inside_the_house_is_never_fetched(target: str, server: Server, now: dt.datetime) -> None:
    server.routes["/away"] = (302, {"location": target}, b"")
    direct, redirected = _inbound(target), _inbound(f"{server.url}/away")

    for row in (direct, redirected):
        assert not media.fetch(row.pk, now=now)

    direct.refresh_from_db()
    redirected.refresh_from_db()
    assert direct.state == "failed"
    assert redirected.state == "failed" or target == "nonsense"
    assert direct.error != ""


def test_a_file_that_is_gone_fails_at_once_with_the_reason(server: Server, now: dt.datetime) -> None:
    server.routes["/gone"] = (410, {}, b"")
    row = _inbound(f"{server.url}/gone")

    media.fetch(row.pk, now=now)

    row.refresh_from_db()
    assert (row.state, row.due_at, row.attempts) == ("failed", None, 1)
    assert "expired" in row.error
    shown = queries.messages_before(Conversation.objects.get())[0]["attachments"][0]
    assert shown["state"] == "failed"


def test_a_file_larger_than_we_keep_fails(server: Server, now: dt.datetime, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 100
    server.routes["/big"] = (200, {}, b"x" * 101)
    row = _inbound(f"{server.url}/big")

    media.fetch(row.pk, now=now)

    row.refresh_from_db()
    assert row.state == "failed"
    assert "large" in row.error


def test_a_server_in_trouble_is_asked_again_with_growing_patience_then_given_up(
    server: Server, now: dt.datetime
) -> None:
    server.routes["/a"] = (503, {}, b"")
    row = _inbound(f"{server.url}/a")
    waits, at = [], now
    for _ in range(10):
        media.fetch(row.pk, now=at)
        row.refresh_from_db()
        if row.due_at is None:
            break
        waits.append((row.due_at - at).total_seconds())
        assert not media.fetch(row.pk, now=row.due_at - dt.timedelta(seconds=1))
        at = row.due_at

    assert waits == list(media.BACKOFF)
    assert (row.state, row.attempts, len(server.seen)) == ("failed", 5, 5)


def test_a_failed_file_can_be_fetched_again_by_hand(server: Server, now: dt.datetime, drain: JobQueue) -> None:
    row = _inbound(f"{server.url}/later")
    media.fetch(row.pk, now=now)
    row.refresh_from_db()
    server.routes["/later"] = (200, {}, make.PNG)
    drain.clear()

    media.retry(row, now=now)

    assert drain.names() == ["conversations.jobs.fetch_media"]
    assert media.fetch(row.pk, now=now)
    row.refresh_from_db()
    with pytest.raises(Refused):
        media.retry(row, now=now)


def test_the_sweep_finds_files_whose_hint_was_lost(server: Server, now: dt.datetime) -> None:
    row = _inbound(f"{server.url}/a")

    assert media.fetch_due(now) == []
    assert media.fetch_due(now + dt.timedelta(seconds=1)) == [row.pk]


def test_a_fetch_whose_worker_died_is_tried_again(server: Server, now: dt.datetime) -> None:
    server.routes["/a"] = (200, {}, make.PNG)
    row = _inbound(f"{server.url}/a")
    Attachment.objects.filter(pk=row.pk).update(due_at=now + media.LEASE)  # claimed, then killed

    assert not media.fetch(row.pk, now=now + MINUTE)
    assert media.fetch(row.pk, now=now + media.LEASE)


# -- showing ---------------------------------------------------------------------------------------


def test_an_unused_upload_is_its_uploaders_alone(now: dt.datetime) -> None:
    agent, admin = make.user(), make.user(is_superuser=True)
    row = make.upload(user=agent)

    assert media.open_for(agent, row.key) == row
    with pytest.raises(NotVisible):
        media.open_for(admin, row.key)


@pytest.mark.parametrize("key", ["", "x", "../../etc/passwd", "\x00"])
def test_keys_nobody_gave_open_nothing(key: str) -> None:
    with pytest.raises(NotVisible):
        media.open_for(make.user(is_superuser=True), key)


def test_a_deleted_messages_files_are_shown_no_more(now: dt.datetime) -> None:
    from channels_adapters.contract import Deletion

    line = make.channel()
    upload = make.upload(identity=make.identity(line, address="customer-1"))
    message = make.received(line, attachments=[InboundAttachment("image", stored_key=upload.key)])
    admin = make.user(is_superuser=True)
    assert media.open_for(admin, upload.key)

    messages.delete(line, Deletion("d", line.address, now, make.sender(), message.external_id), now=now)
    lifecycle.close(message.conversation, now=now)

    with pytest.raises(NotVisible):
        media.open_for(admin, upload.key)
