"""What we say. (What customers say is in ``received``, what became of our words in ``receipts``; both are reachable
from here, so that callers need one name.)

``send`` refuses before anything is queued: who may not write, a closed window, a text or file the channel cannot
carry. What it accepts is a row with its transmissions in one commit; sending them is ``delivery``'s work.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import functools
import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from channels_adapters.contract import Capabilities, OutboundAttachment
from contactcenter.lib import crash
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub, scrub_name
from conversations import queries
from conversations.models import Attachment, Conversation, Message, Participant, Transmission
from conversations.services import channels, statuses, stream, thread, visibility
from conversations.services.receipts import record_status
from conversations.services.received import delete, echo, edit, react, receive

__all__ = [
    "check_window",
    "delete",
    "echo",
    "edit",
    "note",
    "react",
    "receive",
    "record_status",
    "retry",
    "send",
]


def send(
    conversation: Conversation,
    *,
    text: str = "",
    attachment_keys: Sequence[str] = (),
    key: str,
    author: str = "user",
    user: Any = None,
    author_name: str = "",
    quick_replies: Sequence[str] = (),
    owner_version: int | None = None,
    reply_to: Message | None = None,
    seen_seq: int | None = None,
    now: dt.datetime,
) -> Message | None:
    """Accept a message for the customer. Returns it (QUEUED); with a ``key`` used before, the message made then.

    ``author``: user | bot | system; a user must be the conversation's owner or have joined it. ``attachment_keys``:
    uploads of the same user. ``owner_version``: what an automatic message was computed for; when the conversation has
    moved on, None is returned and nothing happens. ``seen_seq``: the last message the author has seen; when a
    colleague has answered after it, ``Refused("conversation.answered_meanwhile")``.
    Raises ``Refused`` with the reason for everything the channel or the rules do not allow.
    """
    text, key = scrub(text).strip(), _key(key)
    with transaction.atomic():
        fresh = stream.lock(conversation)
        already = Message.objects.filter(conversation=fresh, key=key).first() if key else None
        if already is not None:
            return already
        if owner_version is not None and owner_version != fresh.owner_version:
            return None
        if author == Message.Author.USER:
            _check_author(fresh, user)
            _check_answered_meanwhile(fresh, user, seen_seq)
        attachments = _claim_uploads(attachment_keys, user)
        _check(fresh, text, attachments, quick_replies, reply_to, is_human=author == Message.Author.USER, now=now)
        message = Message(
            direction=Message.Direction.OUTBOUND,
            author=author,
            user=user,
            author_name=scrub_name(author_name) or (queries.user_name(user) if user is not None else ""),
            text=text,
            data={"quick_replies": [scrub_name(reply) for reply in quick_replies]} if quick_replies else {},
            key=key,
            status=Message.Status.QUEUED,
            reply_to=reply_to,
            owner_version=owner_version,
            created_at=now,
        )
        thread.add(fresh, message, attachments=attachments)
        Transmission.objects.bulk_create(_split(fresh, message, attachments, now=now))
        transaction.on_commit(functools.partial(_committed, fresh), robust=True)
    return message


def note(conversation: Conversation, *, text: str, key: str, user: Any, now: dt.datetime) -> Message:
    """Add an internal note, which never leaves the house. Anyone who sees the conversation may. Raises ``Refused``."""
    text, key = scrub(text).strip(), _key(key)
    if not text:
        raise Refused(_("Write something first."), code="message.empty")
    if not visibility.visible_to(user).filter(pk=conversation.pk).exists():
        raise Refused(_("This conversation is not yours to see."), code="conversation.not_visible")
    with transaction.atomic():
        fresh = stream.lock(conversation)
        already = Message.objects.filter(conversation=fresh, key=key).first() if key else None
        if already is not None:
            return already
        message = Message(
            direction=Message.Direction.INTERNAL,
            author=Message.Author.USER,
            user=user,
            author_name=queries.user_name(user),
            text=text,
            kind="note",
            key=key,
            status=Message.Status.RECEIVED,
            created_at=now,
        )
        return thread.add(fresh, message)


def retry(message: Message, *, user: Any, now: dt.datetime) -> Message:
    """Send again what failed, or what may not have arrived: only the parts that did not make it. The author's
    colleagues on the conversation may, and supervisors who see it. Raises ``Refused``."""
    with transaction.atomic():
        fresh = stream.lock(message.conversation_id)
        again = Message.objects.select_for_update().get(pk=message.pk)
        if again.status not in (Message.Status.FAILED, Message.Status.UNKNOWN):
            raise Refused(_("Only messages that failed can be sent again."), code="message.not_failed")
        if not (user.is_staff and visibility.visible_to(user).filter(pk=fresh.pk).exists()):
            _check_author(fresh, user)
        check_window(fresh, is_human=again.author == Message.Author.USER, now=now)
        parts = list(again.transmissions.order_by("part"))
        for part in parts:
            if part.status in (Transmission.Status.FAILED, Transmission.Status.UNKNOWN):
                part.status, part.attempts, part.due_at = Transmission.Status.QUEUED, 0, now
                part.error, part.error_code = "", ""
                part.save(update_fields=["status", "attempts", "due_at", "error", "error_code"])
        statuses.settle(fresh, again, parts)
        transaction.on_commit(functools.partial(_committed, fresh), robust=True)
    return again


def _key(key: str) -> str:
    """A client's key as its column takes it; too long ones stay distinct."""
    key = scrub(key)
    return key if len(key) <= 64 else hashlib.sha256(key.encode()).hexdigest()


def _committed(conversation: Conversation) -> None:
    from conversations import jobs

    crash.point("send.committed")
    jobs.deliver.delay(conversation_id=str(conversation.pk))


# -- may they, can it ------------------------------------------------------------------------------


def _check_author(conversation: Conversation, user: Any) -> None:
    may_write = (Participant.Role.OWNER, Participant.Role.JOINING)
    seat = conversation.participants.filter(user=user, left_at__isnull=True, role__in=may_write)
    if user is None or not user.is_active or not seat.exists():
        raise Refused(
            _("You are not on this conversation. Accept it, or ask its owner to let you join."),
            code="conversation.not_participant",
        )


def _check_answered_meanwhile(conversation: Conversation, user: Any, seen_seq: int | None) -> None:
    if seen_seq is None:
        return
    others = Message.objects.filter(
        conversation=conversation,
        direction=Message.Direction.OUTBOUND,
        author__in=(Message.Author.USER, Message.Author.EXTERNAL),
        seq__gt=seen_seq,
    ).exclude(user=user, author=Message.Author.USER)
    colleague = others.order_by("-seq").first()
    if colleague is not None:
        raise Refused(
            _("%(name)s has answered meanwhile. Send it anyway?")
            % {"name": colleague.author_name or _("Somebody else")},
            code="conversation.answered_meanwhile",
        )


def _check(
    conversation: Conversation,
    text: str,
    attachments: Sequence[Attachment],
    quick_replies: Sequence[str],
    reply_to: Message | None,
    *,
    is_human: bool,
    now: dt.datetime,
) -> None:
    if conversation.status != Conversation.Status.OPEN:
        raise Refused(_("This conversation is closed. Open a new one to write."), code="conversation.closed")
    if not text and not attachments:
        raise Refused(_("Write something first."), code="message.empty")
    if not conversation.channel.is_active:
        raise Refused(_("This channel is switched off."), code="channel.inactive")
    if not conversation.identity.is_reachable:
        raise Refused(
            _("This person cannot be reached on this channel any more, unless they write again."),
            code="identity.unreachable",
        )
    check_window(conversation, is_human=is_human, now=now)
    able = queries.capabilities(conversation.channel)
    if len(text) > able.max_text:
        raise Refused(
            _("This channel takes at most %(limit)d characters; this text has %(length)d.")
            % {"limit": able.max_text, "length": len(text)},
            code="message.too_long",
        )
    for attachment in attachments:
        _check_media(able, attachment)
    if len(quick_replies) > able.quick_replies:
        raise Refused(
            _("This channel takes at most %(limit)d quick replies.") % {"limit": able.quick_replies},
            code="message.quick_replies",
        )
    if reply_to is not None:
        if reply_to.conversation_id != conversation.pk:
            raise Refused(_("The quoted message is not in this conversation."), code="message.reply_to")
        if not able.reply_to:
            raise Refused(_("This channel cannot quote messages."), code="message.reply_to_unsupported")


def check_window(conversation: Conversation, *, is_human: bool, now: dt.datetime) -> None:
    """Raises ``Refused("window_closed")`` when the channel does not let us write any more."""
    able = queries.capabilities(conversation.channel)
    length = (able.human_window or able.reply_window) if is_human else able.reply_window
    closes_at = queries.window_ends(conversation, length)
    if closes_at is not None and now >= closes_at:
        raise Refused(
            _("The time to answer on this channel is over. You can write again once the customer does."),
            code="window_closed",
        )


def _check_media(able: Capabilities, attachment: Attachment) -> None:
    fitting = [kind for kind in able.media if fnmatch.fnmatchcase(attachment.content_type, kind)]
    if not fitting:
        raise Refused(
            _("This channel does not take files of the type %(type)s. It takes: %(types)s.")
            % {"type": attachment.content_type, "types": ", ".join(sorted(able.media)) or _("none")},
            code="message.media_type",
        )
    # The most specific pattern is the one that speaks of this type.
    limit = able.media[max(fitting, key=len)]
    if (attachment.size or 0) > limit:
        raise Refused(
            _("%(name)s has %(size).1f MB; this channel takes at most %(limit).1f MB for this type.")
            % {"name": attachment.name, "size": (attachment.size or 0) / 1e6, "limit": limit / 1e6},
            code="message.media_size",
        )


# -- rows ------------------------------------------------------------------------------------------


def _claim_uploads(keys: Sequence[str], user: Any) -> list[Attachment]:
    """The user's own, still unattached uploads, in the order given. Raises ``Refused`` for any other key."""
    if not keys:
        return []
    mine = Attachment.objects.select_for_update().filter(
        key__in=[scrub(key) for key in keys],
        user=user,
        user__isnull=False,
        message__isnull=True,
        state=Attachment.State.STORED,
    )
    found = {attachment.key: attachment for attachment in mine}
    if len(found) != len(keys):
        raise Refused(_("A file is missing. Upload it again."), code="attachment.not_found")
    return [found[key] for key in keys]


def _split(
    conversation: Conversation, message: Message, attachments: Sequence[Attachment], *, now: dt.datetime
) -> list[Transmission]:
    """One transmission per provider request, as the adapter cuts it."""
    rows = {attachment.key: attachment for attachment in attachments}
    parts = channels.adapter(conversation.channel).split(message.text, [outbound(row) for row in attachments])
    return [
        Transmission(
            message=message,
            conversation=conversation,
            channel=conversation.channel,
            part=number,
            text=text,
            attachment=None if attachment is None else rows[attachment.key],
            due_at=now,
            created_at=now,
        )
        for number, (text, attachment) in enumerate(parts)
    ]


def outbound(attachment: Attachment) -> OutboundAttachment:
    """An attachment as adapters send it."""
    return OutboundAttachment(
        name=attachment.name,
        content_type=attachment.content_type,
        size=attachment.size or 0,
        read=functools.partial(_read, attachment),
        key=attachment.key,
    )


def _read(attachment: Attachment) -> bytes:
    with attachment.file.open("rb") as file:
        content: bytes = file.read()
    return content
