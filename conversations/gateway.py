"""What adapters with links of their own may ask of us: the implementation of ``channels_adapters.gateway``.

Everything is found through one ``Sender`` on one line, so a visitor reaches their own conversations and no others.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Max, Q, QuerySet

from channels_adapters import gateway
from channels_adapters.contract import Context, InboundEvent, Sender
from channels_adapters.gateway import Cursor, HistoryFile, HistoryMessage, OpenFile, ThreadState
from contactcenter.lib import ids, push
from contactcenter.lib.errors import NotVisible
from contactcenter.lib.text import scrub
from conversations import events
from conversations.models import Attachment, Channel, Conversation, Identity, Message, Participant
from conversations.services import thread

#: What of ours a customer sees. The rest is on its way (QUEUED), or never left.
_ARRIVED = (Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ)
_VISIBLE = Q(direction=Message.Direction.INBOUND) | Q(direction=Message.Direction.OUTBOUND, status__in=_ARRIVED)
_ON_ITS_WAY = Q(direction=Message.Direction.OUTBOUND, status=Message.Status.QUEUED)


def _channel(slug: str, address: str) -> Channel | None:
    return (
        Channel.objects.select_related("connection")
        .filter(type=slug, address=scrub(address), is_active=True, connection__is_active=True)
        .first()
    )


def _conversations(slug: str, address: str, sender: Sender, thread: str = "") -> QuerySet[Conversation]:
    """All conversations of this customer on this line, oldest first (ids are time-ordered)."""
    return Conversation.objects.filter(
        channel__type=slug,
        channel__address=address,
        identity__kind=sender.kind,
        identity__scope=sender.scope,
        identity__address=sender.address,
        thread=thread,
    ).order_by("id")


def _row_id(conversation: str) -> uuid.UUID:
    """The key behind a conversation's sid; for anything else a key nobody has."""
    return ids.parse_sid(Conversation.sid_prefix, conversation) or uuid.UUID(int=0)


class ConversationsGateway:
    """See ``channels_adapters.gateway`` for what each function promises."""

    def open_channel(self, slug: str, address: str, *, now: dt.datetime) -> Context | None:
        from conversations.services import channels

        channel = _channel(slug, address)
        if channel is None:
            return None
        with channels.context(channel, now=now) as context:
            return context

    def submit(self, slug: str, address: str, events: Sequence[InboundEvent], *, now: dt.datetime) -> None:
        from conversations.services import inbound

        channel = _channel(slug, address)
        if channel is None:
            raise NotVisible("This chat is no longer in use.")
        inbound.submit(channel, events, now=now)

    def thread_state(self, slug: str, address: str, sender: Sender, thread: str) -> ThreadState:
        conversation = _conversations(slug, address, sender, thread).order_by("-id").first()
        if conversation is None:
            return ThreadState()
        seen = Participant.objects.filter(conversation=conversation).exclude(role=Participant.Role.WATCHING)
        return ThreadState(
            conversation=conversation.sid,
            is_open=conversation.status == Conversation.Status.OPEN,
            owner=conversation.owner,
            agent_name=conversation.owner_name if conversation.owner == Conversation.Owner.WORKER else "",
            read_seq=seen.aggregate(seq=Max("last_read_seq"))["seq"] or 0,
            delivered_seq=conversation.customer_delivered_seq,
            customer_read_seq=conversation.customer_read_seq,
        )

    def history(
        self,
        slug: str,
        address: str,
        sender: Sender,
        thread: str,
        *,
        after: Cursor | None,
        before: Cursor | None,
        limit: int,
    ) -> list[HistoryMessage]:
        mine = list(_conversations(slug, address, sender, thread).values_list("id", flat=True))
        if not mine:
            return []
        rows = Message.objects.filter(conversation__in=mine).prefetch_related("attachments")
        waiting = Message.objects.filter(_ON_ITS_WAY, conversation__in=mine).order_by("conversation_id", "seq")
        head = waiting.values_list("conversation_id", "seq").first()
        if after is not None:
            row_id = _row_id(after.conversation)
            rows = rows.filter(
                _VISIBLE & (Q(conversation_id=row_id, seq__gt=after.seq) | Q(conversation_id__gt=row_id))
            )
            if head is not None:
                rows = rows.filter(Q(conversation_id=head[0], seq__lt=head[1]) | Q(conversation_id__lt=head[0]))
            page = list(rows.order_by("conversation_id", "seq")[:limit])
        else:
            rows = rows.filter(_VISIBLE)
            if before is not None:
                row_id = _row_id(before.conversation)
                rows = rows.filter(Q(conversation_id=row_id, seq__lt=before.seq) | Q(conversation_id__lt=row_id))
            page = list(rows.order_by("-conversation_id", "-seq")[:limit])[::-1]
        return [_to_history(row, head) for row in page]

    def find_message(self, slug: str, address: str, sender: Sender, external_id: str) -> HistoryMessage | None:
        mine = Conversation.objects.filter(
            channel__type=slug,
            channel__address=address,
            identity__kind=sender.kind,
            identity__scope=sender.scope,
            identity__address=sender.address,
        )
        wanted = thread.fit(scrub(external_id))
        row = Message.objects.filter(conversation__in=mine, external_id=wanted).first() if wanted else None
        return None if row is None else _to_history(row, None)

    def unconfirmed(
        self, slug: str, address: str, sender: Sender, *, up_to: Cursor, status: str, limit: int
    ) -> list[str]:
        lower = [name for name, rank in Message.RANK.items() if 2 <= rank < Message.RANK[status]]
        row_id = _row_id(up_to.conversation)
        mine = Conversation.objects.filter(
            pk=row_id,
            channel__type=slug,
            channel__address=address,
            identity__kind=sender.kind,
            identity__scope=sender.scope,
            identity__address=sender.address,
        )
        rows = Message.objects.filter(
            conversation__in=mine,
            direction=Message.Direction.OUTBOUND,
            status__in=lower,
            seq__lte=min(up_to.seq, 2**31 - 1),
        ).order_by("seq")
        return [
            external_id
            for external_id in rows.values_list("transmissions__external_id", flat=True)[:limit]
            if external_id
        ]

    def store_upload(
        self,
        slug: str,
        address: str,
        sender: Sender,
        *,
        name: str,
        content: bytes,
        content_type: str,
        now: dt.datetime,
    ) -> HistoryFile:
        from conversations.services import contacts, media

        channel = _channel(slug, address)
        if channel is None:
            raise NotVisible("This chat is no longer in use.")
        identity = contacts.resolve(channel, sender, now=now)
        file = SimpleUploadedFile(name, content, content_type)
        return _to_file(media.store_upload(file, identity=identity, now=now))

    def open_file(self, slug: str, address: str, sender: Sender, key: str) -> OpenFile | None:
        identity = Identity.objects.filter(kind=sender.kind, scope=sender.scope, address=sender.address).first()
        row = Attachment.objects.select_related("message").filter(key=scrub(key), state=Attachment.State.STORED).first()
        if identity is None or row is None or not row.file:
            return None
        message = row.message
        if message is None:
            if row.identity_id != identity.pk:
                return None
        else:
            # A note's files, and those of a reply that has not left, stay in the house.
            visible = Message.objects.filter(
                _VISIBLE,
                pk=message.pk,
                conversation__identity=identity,
                channel__type=slug,
                channel__address=address,
            )
            if not visible.exists():
                return None
        return OpenFile(name=row.name, content_type=row.content_type, size=row.size or 0, chunks=row.file.chunks)


def _to_history(row: Message, head: tuple[uuid.UUID, int] | None) -> HistoryMessage:
    replies = row.data.get("quick_replies", ()) if isinstance(row.data, dict) else ()
    return HistoryMessage(
        conversation=ids.to_sid(Conversation.sid_prefix, row.conversation_id),
        seq=row.seq,
        sid=row.sid,
        external_id=row.external_id,
        direction=row.direction,
        author=row.author,
        author_name=row.author_name,
        kind=row.kind,
        text="" if row.deleted_at else row.text,
        files=() if row.deleted_at else tuple(_to_file(file) for file in row.attachments.all()),
        quick_replies=tuple(str(reply) for reply in replies),
        at=row.created_at,
        status=row.status,
        is_settled=head is None or (row.conversation_id, row.seq) < head,
    )


def _to_file(row: Attachment) -> HistoryFile:
    return HistoryFile(
        key=row.key, kind=row.kind, name=row.name, content_type=row.content_type, size=row.size or 0, state=row.state
    )


@functools.lru_cache(maxsize=16_384)
def _group_of(conversation_id: uuid.UUID) -> str:
    """The customer's socket group, "" when there is none; a conversation never changes its line or identity, so it is
    asked for once."""
    row = (
        Conversation.objects.filter(pk=conversation_id)
        .values("channel__type", "channel__address", "identity__kind", "identity__scope", "identity__address")
        .get()
    )
    if not gateway.has_sockets(row["channel__type"]):
        return ""
    sender = Sender(kind=row["identity__kind"], scope=row["identity__scope"], address=row["identity__address"])
    return gateway.group(row["channel__type"], row["channel__address"], sender)


def wake_customer(sender: object, *, conversation_id: uuid.UUID, channel_type: str, **_: Any) -> None:
    """Something was committed in a conversation: wake its customer's sockets, which then read what is new."""
    if gateway.has_sockets(channel_type) and (group := _group_of(conversation_id)):
        push.send(group, {"t": "look"})


def install() -> None:
    """Called when Django's apps are ready."""
    gateway.register(ConversationsGateway())
    events.event_recorded.connect(wake_customer, dispatch_uid="conversations.gateway")
