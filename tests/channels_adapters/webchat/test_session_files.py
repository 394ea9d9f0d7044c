"""A visitor's files, and files that are none of theirs."""

from __future__ import annotations

import pytest

from channels_adapters.webchat import session
from channels_adapters.webchat.session import Session
from contactcenter.lib import ids
from conversations.models import Message
from conversations.services import messages, ownership
from tests.factories import conversations as rows
from tests.factories import webchat as make
from tests.factories.webchat import NOW
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def upload(visitor: Session, name: str = "photo.png", content: bytes = rows.PNG) -> str:
    from channels_adapters import gateway

    stored = gateway.store_upload(
        "webchat", "shop", visitor.visitor.sender(), name=name, content=content, content_type="", now=NOW
    )
    return stored.key


def test_a_file_travels_with_its_message(visitor: Session, drain: JobQueue) -> None:
    key = upload(visitor)

    make.say(visitor, "Look", attachments=(key,))
    drain()

    [shown] = visitor.show(visitor.after(session.START)[0])["attachments"]
    assert (shown["id"], shown["kind"], shown["name"], shown["type"]) == (key, "image", "photo.png", "image/png")
    assert shown["url"].startswith("/channels/webchat/files/")
    assert key not in shown["url"]


def test_a_file_of_somebody_else_cannot_be_attached_or_fetched(visitor: Session, drain: JobQueue) -> None:
    other, _token = make.enter()
    key = upload(other)
    make.say(visitor)
    drain()

    frame = make.say(visitor, "Look", cid="a", attachments=(key,))

    assert (frame["code"], frame["cid"]) == ("bad_file", "a")
    assert visitor.file(key)["t"] == "error"
    assert other.file(key)["t"] == "file"
    assert visitor.file(ids.new_token())["t"] == "error"


def test_files_of_a_note_or_of_an_answer_on_its_way_stay_in_the_house(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    agent = rows.user()
    conversation = make.conversation(visitor)
    ownership.change(conversation, owner="worker", owner_sid="WK" + "0" * 32, user=agent, now=NOW)
    file = rows.upload(user=agent)
    messages.send(conversation, text="", attachment_keys=[file.key], key="k", user=agent, now=NOW)

    assert visitor.file(file.key)["t"] == "error"
    drain()
    assert visitor.file(file.key)["t"] == "file"
    Message.objects.filter(direction="out").update(direction="note")
    assert visitor.file(file.key)["t"] == "error"
