"""Delivery news of the provider. Status only moves forward; news for an id nobody knows yet has to wait."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict

from django.db import transaction

from channels_adapters.contract import Receipt
from contactcenter.lib.text import scrub
from conversations.models import Channel, Conversation, Message, Transmission
from conversations.services import contacts, statuses, stream, thread

#: What a watermark can move.
_PASSED = (Transmission.Status.SENT, Transmission.Status.DELIVERED)
_WATERMARKS = {"delivered": "customer_delivered_until", "read": "customer_read_until"}


def record_status(channel: Channel, receipt: Receipt, *, now: dt.datetime) -> bool:
    """Apply a receipt. False when it names an id that is not stored (yet): everything known is applied all the same,
    and the caller keeps the event waiting."""
    ids = [thread.fit(scrub(one)) for one in receipt.external_ids if one]
    parts = dict(Transmission.objects.filter(channel=channel, external_id__in=ids).values_list("external_id", "pk"))
    lone = dict(
        Message.objects.filter(channel=channel, external_id__in=[one for one in ids if one not in parts]).values_list(
            "external_id", "pk"
        )
    )
    _apply(channel, set(parts.values()), set(lone.values()), receipt, now=now)
    if receipt.watermark is not None and receipt.status in _WATERMARKS:
        _apply_watermark(channel, receipt, receipt.watermark, now=now)
    return all(one in parts or one in lone for one in ids)


def _apply(
    channel: Channel, parts: set[uuid.UUID], lone: set[uuid.UUID], receipt: Receipt, *, now: dt.datetime
) -> None:
    """Move transmissions, and messages of other apps (which have none), conversation by conversation."""
    touched = set(Transmission.objects.filter(pk__in=parts).values_list("conversation_id", flat=True))
    touched |= set(Message.objects.filter(pk__in=lone).values_list("conversation_id", flat=True))
    for key in sorted(touched):
        with transaction.atomic():
            conversation = stream.lock(key)
            _apply_parts(conversation, parts, receipt)
            _apply_lone(conversation, lone, receipt)


def _apply_parts(conversation: Conversation, parts: set[uuid.UUID], receipt: Receipt) -> None:
    messages: dict[uuid.UUID, Message] = {}
    rows = Transmission.objects.filter(pk__in=parts, conversation=conversation).select_related("message")
    for row in rows.order_by("message__seq", "part"):
        if statuses.advances(row.status, receipt.status):
            row.status = receipt.status
            if receipt.status == Transmission.Status.FAILED:
                row.error, row.error_code = scrub(receipt.error), receipt.error_code[:64]
            row.save(update_fields=["status", "error", "error_code"])
            messages[row.message_id] = row.message
    siblings: dict[uuid.UUID, list[Transmission]] = defaultdict(list)
    for row in Transmission.objects.filter(message__in=messages).order_by("part"):
        siblings[row.message_id].append(row)
    for key, message in messages.items():
        statuses.settle(conversation, message, siblings[key])


def _apply_lone(conversation: Conversation, lone: set[uuid.UUID], receipt: Receipt) -> None:
    rows = Message.objects.filter(pk__in=lone, conversation=conversation, direction=Message.Direction.OUTBOUND)
    for message in rows.order_by("seq"):
        if statuses.advances(message.status, receipt.status):
            statuses.put(conversation, message, receipt.status, reason=scrub(receipt.error))


def _apply_watermark(channel: Channel, receipt: Receipt, watermark: dt.datetime, *, now: dt.datetime) -> None:
    """Everything we sent up to the watermark, and what is recorded as sent only after this (its answer is still on
    the way): the newest conversation remembers the mark."""
    identity = contacts.find(receipt.recipient)
    if identity is None:
        return
    mine = Conversation.objects.filter(channel=channel, identity=identity)
    newest = mine.order_by("-id").values_list("pk", flat=True).first()
    if newest is None:
        return
    lower = [status for status in _PASSED if statuses.advances(status, receipt.status)]
    rows = Transmission.objects.filter(conversation__in=mine, status__in=lower, sent_at__lte=watermark)
    parts = set(rows.values_list("pk", flat=True))
    others = Message.objects.filter(
        conversation__in=mine,
        author=Message.Author.EXTERNAL,
        status__in=lower,
        sent_at__lte=watermark,
    )
    _apply(channel, parts, set(others.values_list("pk", flat=True)), receipt, now=now)
    field = _WATERMARKS[receipt.status]
    with transaction.atomic():
        conversation = stream.lock(newest)
        known = getattr(conversation, field)
        if known is None or watermark > known:
            setattr(conversation, field, watermark)
            conversation.save(update_fields=[field])
