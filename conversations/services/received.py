"""What customers (and other apps on the same line) say: messages, edits, deletions, reactions, echoes.

Every function is idempotent: the inbox may hand the same event over again after a crash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from channels_adapters.contract import (
    Deletion,
    Echo,
    Edit,
    InboundAttachment,
    InboundMessage,
    Postback,
    Reaction,
    Unsupported,
)
from contactcenter.lib.rows import by_sid
from contactcenter.lib.text import scrub, scrub_json, scrub_name
from conversations.models import Attachment, Channel, Conversation, Identity, Message, Transmission
from conversations.services import contacts, lanes, lifecycle, plain, statuses, stream, thread

#: Kinds of attachments that are facts, not files.
_WITHOUT_FILE = ("location", "link")
#: How long an echo nobody knows waits for a send that is under way, before it counts as another app's message.
ECHO_PATIENCE = dt.timedelta(seconds=120)


def receive(channel: Channel, event: InboundMessage | Postback | Unsupported, *, now: dt.datetime) -> Message | None:
    """Store a customer's message once (by channel and the provider's id) and return it; None when it belongs to
    nobody. Opens or resumes the conversation; files are fetched later by a job of their own."""
    return store(channel, event, now=now)[0]


def store(
    channel: Channel, event: InboundMessage | Postback | Unsupported, *, now: dt.datetime
) -> tuple[Message | None, bool]:
    """As ``receive``, telling also whether this call made it."""
    if event.sender is None:
        return None, False
    external_id = external_id_of(event)
    with transaction.atomic():
        # Looked for first: a message stored before a crash may belong to a conversation closed since.
        known = plain.first(
            Message,
            "WHERE channel_id = %s AND external_id = %s",
            (Channel._meta.pk, channel.pk),
            (None, external_id),
        )
        if known is not None:
            return known, False
        identity = contacts.resolve(channel, event.sender, now=now)
        conversation, _created = lifecycle.open_or_resume(
            channel, identity, thread.fit(scrub(getattr(event, "thread", ""))), now=now
        )
        message = _build(channel, event, conversation, identity, external_id, now=now)
        files = _attachments(getattr(event, "attachments", ()), identity, now=now)
        thread.add(conversation, message, attachments=files, at=min(event.at, now))
        _fetch_later(files)
    return message, True


def external_id_of(event: InboundMessage | Postback | Unsupported) -> str:
    """The id a message is stored under: the provider's, or one made of the event's key where there is none."""
    return thread.fit(scrub(getattr(event, "external_id", "")) or f"key:{scrub(event.key)}")


def find(channel: Channel, external_id: str) -> Message | None:
    """A message on this channel by the provider's id, ours (any of its parts) or theirs."""
    if not external_id:
        return None
    external_id = thread.fit(scrub(external_id))
    found = Message.objects.filter(channel=channel, external_id=external_id).first()
    if found is None:
        part = Transmission.objects.filter(channel=channel, external_id=external_id).select_related("message").first()
        found = None if part is None else part.message
    return found


def _build(
    channel: Channel,
    event: InboundMessage | Postback | Unsupported,
    conversation: Conversation,
    identity: Identity,
    external_id: str,
    *,
    now: dt.datetime,
) -> Message:
    kind, text, data, reply_to = "text", "", {}, None
    if isinstance(event, InboundMessage):
        text, data = scrub(event.text), scrub_json(dict(event.data))
        reply_to = find(channel, event.reply_to)
    elif isinstance(event, Postback):
        kind, text = "postback", scrub(event.title)
        data = {**scrub_json(dict(event.data)), "payload": scrub(event.payload)}
    else:
        kind, data = "unsupported", {"type": scrub_name(event.kind, 64), "raw": scrub_json(dict(event.raw))}
    if getattr(event, "passive", False):
        data["passive"] = True
    return Message(
        direction=Message.Direction.INBOUND,
        author=Message.Author.CONTACT,
        author_name=identity.display_name or identity.contact.name,
        text=text,
        kind=kind,
        data=data,
        status=Message.Status.RECEIVED,
        external_id=external_id,
        reply_to=reply_to if reply_to is not None and reply_to.conversation_id == conversation.pk else None,
        sent_at=event.at,
        created_at=now,
    )


def _attachments(given: Sequence[InboundAttachment], identity: Identity, *, now: dt.datetime) -> list[Attachment]:
    rows = []
    for item in given:
        if item.stored_key:
            rows.append(_uploaded(item, identity, now=now))
            continue
        row = Attachment(
            kind=scrub_name(item.kind, 16) or "file",
            name=scrub_name(item.name),
            content_type=scrub_name(item.content_type, 128),
            size=item.size,
            data=scrub_json(dict(item.data)),
            source_url=scrub(item.url),
            created_at=now,
        )
        if item.url and item.kind not in _WITHOUT_FILE:
            row.due_at = now
        elif item.data or item.kind in _WITHOUT_FILE:
            row.state = Attachment.State.STORED
            if item.url:
                row.data = {"url": scrub(item.url), **row.data}
        else:
            row.state, row.error = Attachment.State.FAILED, _("The channel sent no address for this file.")
        rows.append(row)
    return rows


def _uploaded(item: InboundAttachment, identity: Identity, *, now: dt.datetime) -> Attachment:
    """A file the customer uploaded before: theirs and unattached, or a visible failure instead of somebody else's."""
    mine = Attachment.objects.select_for_update().filter(
        key=item.stored_key, identity=identity, message__isnull=True, state=Attachment.State.STORED
    )
    found = mine.first()
    if found is not None:
        return found
    return Attachment(
        kind="file",
        name=scrub_name(item.name),
        state=Attachment.State.FAILED,
        error=_("This upload does not exist, or belongs to somebody else."),
        created_at=now,
    )


def _fetch_later(files: Sequence[Attachment]) -> None:
    waiting = [str(row.pk) for row in files if row.state == Attachment.State.PENDING]
    if waiting:
        transaction.on_commit(lambda: _queue_fetches(waiting), robust=True)


def _queue_fetches(keys: list[str]) -> None:
    from conversations import jobs

    for key in keys:
        jobs.fetch_media.delay(attachment_id=key)


# -- changes of what was said ----------------------------------------------------------------------


def edit(channel: Channel, event: Edit, *, now: dt.datetime) -> bool:
    """A customer changed their message; the highest revision wins, earlier words are kept for the record.
    False when the message is not known (yet)."""
    with transaction.atomic():
        found = _own(channel, event.external_id, event.sender.address)
        if found is None:
            return False
        conversation, message = found
        if message.deleted_at is None and event.revision > message.edit_revision:
            history = [*message.data.get("history", []), {"text": message.text, "revision": message.edit_revision}]
            message.data = {**message.data, "history": history[-20:]}
            message.text, message.edit_revision = scrub(event.text), event.revision
            message.edited_at = now
            message.save(update_fields=["data", "text", "edit_revision", "edited_at"])
            thread.changed(conversation, message)
    return True


def delete(channel: Channel, event: Deletion, *, now: dt.datetime) -> bool:
    """A customer took a message back: hidden from consoles, kept for the record. False when it is not known (yet)."""
    with transaction.atomic():
        found = _own(channel, event.external_id, event.sender.address)
        if found is None:
            return False
        conversation, message = found
        if message.deleted_at is None:
            message.deleted_at = now
            message.save(update_fields=["deleted_at"])
            thread.changed(conversation, message)
    return True


def react(channel: Channel, event: Reaction, *, now: dt.datetime) -> bool:
    """A customer's reaction to a message, theirs or ours: one per customer, empty withdraws it.
    False when the message is not known (yet)."""
    with transaction.atomic():
        found = _locked(channel, event.external_id)
        if found is None or found[0].identity.address != scrub(event.sender.address):
            return False
        conversation, message = found
        others = {emoji: [who for who in people if who != "contact"] for emoji, people in message.reactions.items()}
        reactions = {emoji: people for emoji, people in others.items() if people}
        if emoji := scrub_name(event.emoji, 32):
            reactions[emoji] = [*reactions.get(emoji, []), "contact"]
        if reactions != message.reactions:
            message.reactions = reactions
            message.save(update_fields=["reactions"])
            thread.changed(conversation, message)
    return True


def _locked(channel: Channel, external_id: str) -> tuple[Conversation, Message] | None:
    """A message by the provider's id, with its conversation locked and both fresh."""
    found = find(channel, external_id)
    if found is None:
        return None
    conversation = stream.lock(found.conversation_id)
    message = Message.objects.get(pk=found.pk)
    message.conversation = conversation
    return conversation, message


def _own(channel: Channel, external_id: str, address: str) -> tuple[Conversation, Message] | None:
    """As ``_locked``, but only the customer's own message: nobody edits another's words."""
    found = _locked(channel, external_id)
    if found is None:
        return None
    conversation, message = found
    if message.direction != Message.Direction.INBOUND or conversation.identity.address != scrub(address):
        return None
    return found


# -- echoes ----------------------------------------------------------------------------------------


def echo(channel: Channel, event: Echo, *, now: dt.datetime, received_at: dt.datetime | None = None) -> bool:
    """A message of our side, reported back. Ours is confirmed (maybe before the HTTP answer came); another app's
    becomes an external message of the conversation. False: too early to tell, ask again."""
    external_id = thread.fit(scrub(event.external_id))
    with transaction.atomic():
        part = _part_of(channel, event.client_ref, external_id)
        if part is not None:
            confirm(part, external_id, event.at, now=now)
            return True
        if Message.objects.filter(channel=channel, external_id=external_id).exists():
            return True
        identity = contacts.resolve(channel, event.recipient, now=now)
        under_way = Transmission.objects.filter(channel=channel, conversation__identity=identity)
        likely = under_way.filter(status=Transmission.Status.UNKNOWN, text=scrub(event.text), external_id="")
        twin = likely.order_by("id").first() if event.text else None
        if twin is not None:
            confirm(twin, external_id, event.at, now=now)
            return True
        waits = (received_at or now) > now - ECHO_PATIENCE
        if waits and under_way.filter(status__in=[Transmission.Status.SENDING, Transmission.Status.UNKNOWN]).exists():
            return False
        _store_external(channel, event, identity, external_id, now=now)
    return True


def _part_of(channel: Channel, client_ref: str, external_id: str) -> Transmission | None:
    rows = Transmission.objects.filter(channel=channel)
    found = by_sid(rows, client_ref)
    return rows.filter(external_id=external_id).first() if found is None and external_id else found


def confirm(part: Transmission, external_id: str, at: dt.datetime | None, *, now: dt.datetime) -> None:
    """The provider has this transmission: whatever we thought of it, it was sent. Call inside a transaction."""
    conversation = stream.lock(part.conversation_id)
    fresh = Transmission.objects.select_related("message").get(pk=part.pk)
    if at is not None:
        fresh.sent_at = at
    if external_id and not fresh.external_id:
        fresh.external_id = external_id
    if statuses.advances(fresh.status, Transmission.Status.SENT):
        fresh.status = statuses.by_watermark(conversation, fresh.sent_at, Transmission.Status.SENT)
        fresh.error = fresh.error_code = ""
    fresh.save(update_fields=["sent_at", "external_id", "status", "error", "error_code"])
    statuses.settle(conversation, fresh.message, list(fresh.message.transmissions.order_by("part")))
    lanes.wake_on_commit(conversation.channel_id, conversation.identity.address, now=now)


def _store_external(channel: Channel, event: Echo, identity: Identity, external_id: str, *, now: dt.datetime) -> None:
    rows = Conversation.objects.filter(channel=channel, identity=identity, thread=thread.fit(scrub(event.thread)))
    newest = rows.order_by("-id").first()
    if newest is None:
        conversation, _created = lifecycle.open_or_resume(channel, identity, thread.fit(scrub(event.thread)), now=now)
    else:
        conversation = stream.lock(newest)
    message = Message(
        direction=Message.Direction.OUTBOUND,
        author=Message.Author.EXTERNAL,
        author_name=scrub_name(event.author_name),
        text=scrub(event.text),
        status=Message.Status.SENT,
        external_id=external_id,
        sent_at=event.at,
        created_at=now,
    )
    files = _attachments(event.attachments, identity, now=now)
    thread.add(conversation, message, attachments=files)
    _fetch_later(files)
