"""Rows of ``conversations`` with sane defaults, and the events and requests that lead to them."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from channels_adapters.contract import (
    Echo,
    InboundAttachment,
    InboundEvent,
    InboundMessage,
    Receipt,
    Sender,
    WebhookRequest,
)
from conversations import wire
from conversations.models import Attachment, Channel, Connection, Conversation, Identity, Message, Team
from conversations.services import contacts, lifecycle, media, messages, ownership
from tests.factories.adapters import SECRET

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
#: The smallest PNG.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
)
_count = itertools.count(1)


def team(*, name: str = "", members: Sequence[Any] = ()) -> Team:
    made = Team.objects.create(name=name or f"Team {next(_count)}")
    made.members.set(members)
    return made


def user(*, username: str = "", teams: Sequence[Team] = (), **fields: Any) -> Any:
    from django.contrib.auth import get_user_model

    made = get_user_model().objects.create_user(username=username or f"user-{next(_count)}", **fields)
    made.teams.set(teams)
    return made


def connection(*, type: str = "echo", secret: str = SECRET, **fields: Any) -> Connection:
    made = Connection(type=type, name=fields.pop("name", f"{type} app"), **fields)
    made.set_secrets(secret=secret)
    made.save()
    return made


def channel(
    *,
    type: str = "echo",
    address: str = "",
    team: Team | None = None,
    connection: Connection | None = None,
    **fields: Any,
) -> Channel:
    owner = connection or globals()["connection"](type=type)
    return Channel.objects.create(
        type=owner.type,
        name=fields.pop("name", "Front door"),
        address=address or f"line-{next(_count)}",
        connection=owner,
        team=team or globals()["team"](),
        **fields,
    )


def sender(address: str = "customer-1", **fields: Any) -> Sender:
    return Sender(**{"kind": "echo", "scope": "", "address": address, "name": "Layla", **fields})


def identity(channel: Channel, *, address: str = "", now: dt.datetime = NOW, **fields: Any) -> Identity:
    return contacts.resolve(channel, sender(address or f"customer-{next(_count)}", **fields), now=now)


def conversation(
    *,
    channel: Channel | None = None,
    identity: Identity | None = None,
    owner: Any = None,
    customer_wrote: bool = True,
    now: dt.datetime = NOW,
    **fields: Any,
) -> Conversation:
    """An open conversation; ``owner``: the user who holds it. The customer has just written, unless told otherwise."""
    line = channel or globals()["channel"]()
    who = identity or globals()["identity"](line, now=now)
    made, _created = lifecycle.open_or_resume(line, who, now=now)
    if customer_wrote:
        fields.setdefault("last_customer_at", now)
    if fields:
        Conversation.objects.filter(pk=made.pk).update(**fields)
    if owner is not None:
        ownership.change(made, owner="worker", owner_sid="WK" + "0" * 32, user=owner, now=now)
    return Conversation.objects.select_related("channel__connection", "identity__contact").get(pk=made.pk)


def inbound(
    channel: Channel,
    *,
    text: str = "Hello",
    external_id: str = "",
    sender: Sender | None = None,
    at: dt.datetime = NOW,
    attachments: Sequence[InboundAttachment] = (),
    **fields: Any,
) -> InboundMessage:
    """A customer's message as an adapter hands it in."""
    mid = external_id or f"mid-{next(_count)}"
    return InboundMessage(
        key=fields.pop("key", f"message:{mid}"),
        channel_address=channel.address,
        at=at,
        sender=sender or globals()["sender"](),
        external_id=mid,
        text=text,
        attachments=tuple(attachments),
        **fields,
    )


def receipt(
    channel: Channel, status: str, *external_ids: str, at: dt.datetime = NOW, key: str = "", **fields: Any
) -> Receipt:
    return Receipt(
        key=key or f"receipt:{next(_count)}",
        channel_address=channel.address,
        at=at,
        recipient=fields.pop("recipient", sender()),
        status=status,
        external_ids=external_ids,
        **fields,
    )


def echo(channel: Channel, *, external_id: str = "", at: dt.datetime = NOW, **fields: Any) -> Echo:
    mid = external_id or f"mid-{next(_count)}"
    return Echo(
        key=f"echo:{mid}",
        channel_address=channel.address,
        at=at,
        recipient=fields.pop("recipient", sender()),
        external_id=mid,
        **fields,
    )


def received(channel: Channel, *, now: dt.datetime = NOW, **fields: Any) -> Message:
    """A stored message of a customer."""
    message = messages.receive(channel, inbound(channel, at=fields.pop("at", now), **fields), now=now)
    assert message is not None
    return message


def sent(conversation: Conversation, *, now: dt.datetime = NOW, **fields: Any) -> Message:
    """A message of ours, accepted (QUEUED). By the bot unless ``user`` is given."""
    fields.setdefault("text", "Hello back")
    fields.setdefault("key", f"key-{next(_count)}")
    fields.setdefault("author", "user" if fields.get("user") else "bot")
    message = messages.send(conversation, now=now, **fields)
    assert message is not None
    return message


def upload(
    *,
    user: Any = None,
    identity: Identity | None = None,
    content: bytes = PNG,
    name: str = "photo.png",
    content_type: str = "image/png",
    now: dt.datetime = NOW,
) -> Attachment:
    file = SimpleUploadedFile(name, content, content_type)
    return media.store_upload(file, user=user, identity=identity, now=now)


def wire_body(*events: InboundEvent | dict[str, Any]) -> bytes:
    """The test adapter's wire format."""
    items = [
        event if isinstance(event, dict) else {"event": wire.kind_of(event), **wire.to_json(event)} for event in events
    ]
    return json.dumps({"events": items}).encode()


def request(*events: InboundEvent | dict[str, Any], body: bytes | None = None, secret: str = SECRET) -> WebhookRequest:
    """One webhook request of the test adapter's provider."""
    return WebhookRequest(
        method="POST",
        path="/hooks/x/",
        query={},
        headers={"x-signature": secret, "content-type": "application/json"},
        body=wire_body(*events) if body is None else body,
        received_at=NOW,
    )
