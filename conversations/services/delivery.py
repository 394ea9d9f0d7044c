"""The outbox: transmissions are claimed with a lease, sent outside any transaction, and written down under the fence.

Within a conversation they go one after the other. Nothing is silently doubled: when a worker dies between claim and
record, or the provider's answer stays away, the transmission is UNKNOWN and only resent where the provider itself
removes duplicates; an echo or a person settles the rest.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import random
import time
import uuid

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from channels_adapters.contract import OutboundMessage, SendReceipt
from channels_adapters.errors import (
    ChannelMisconfigured,
    OptedOut,
    OutcomeUnknown,
    PermanentSendError,
    RecipientGone,
    SendError,
    TransientSendError,
)
from contactcenter.lib import crash
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub
from conversations import queries
from conversations.models import Channel, Conversation, Message, Transmission
from conversations.services import channels, contacts, lanes, messages, plain, statuses, stream, thread

log = structlog.get_logger(__name__)

#: A claim is good for this long; longer than any request may take (``egress.TOTAL_TIMEOUT``).
LEASE = dt.timedelta(seconds=60)
#: Tries before a transmission that always fails for a moment is FAILED.
TRIES = 8
#: The longest wait between two tries, and the longest a provider may ask for.
MAX_BACKOFF, MAX_RETRY_AFTER = 300.0, 86_400.0
#: How long a send may be held (ill channel) before it is given up.
HOLD = dt.timedelta(hours=24)
#: Sends of one channel under way at once, so that a slow provider does not take every worker.
AT_ONCE = 4
#: Conversations a sweep announces at once.
SWEEP = 200

Tx = Transmission.Status


@dataclasses.dataclass(frozen=True)
class Claim:
    """A transmission that is ours to send: what the adapter needs, and the number our result is recorded under."""

    transmission_id: uuid.UUID
    epoch: int
    conversation: Conversation
    outbound: OutboundMessage


def deliver(conversation_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Send what is due of a conversation, in order. Returns how many requests were made. Two workers on the same
    conversation do no harm: one of them finds the head claimed and leaves."""
    started = time.monotonic()
    sent = 0
    while True:
        at = now + dt.timedelta(seconds=time.monotonic() - started)
        claim = _claim(conversation_id, now=at)
        if claim is None:
            return sent
        crash.point("delivery.claimed")
        result = _send(claim, now=at)
        crash.point("delivery.sent")
        sent += 1
        record(claim, result, now=now + dt.timedelta(seconds=time.monotonic() - started), began_at=at)
        crash.point("delivery.recorded")
        if not _has_more(conversation_id):
            return sent


# -- claiming --------------------------------------------------------------------------------------


def _claim(conversation_id: uuid.UUID, *, now: dt.datetime) -> Claim | None:
    """The conversation's next transmission, leased; None when there is nothing (more) to do now."""
    while True:
        with transaction.atomic():
            conversation = stream.find("id = %s", (Conversation._meta.pk, conversation_id))
            head = _head(conversation_id)
            if conversation is None or head is None or head.due_at > now:
                return None  # nothing there, held, backing off, or another worker's lease still runs
            if _is_over(conversation, head, now=now):
                continue
            held_until = _held_until(conversation.channel, now=now)
            if held_until is not None:
                head.due_at = held_until
                plain.update(head, "due_at")
                return None
            head.status = Tx.SENDING
            head.attempts += 1
            head.lease_epoch += 1
            head.lease_until = head.due_at = now + LEASE
            head.sent_at = now
            plain.update(head, "status", "attempts", "lease_epoch", "lease_until", "due_at", "sent_at")
            return Claim(head.pk, head.lease_epoch, conversation, _outbound(conversation, head, now=now))


_WITH_MESSAGE = """
    conversations_transmission
    JOIN conversations_message ON conversations_message.id = conversations_transmission.message_id"""


def _part(rest: str, key: uuid.UUID) -> Transmission | None:
    """A transmission with its message; ``rest`` as in ``plain.select``, with one %s for the id ``key``."""
    rows = plain.select_joined((Transmission, Message), f"{_WITH_MESSAGE} {rest}", (Transmission._meta.pk, key))
    for part, message in rows:
        part.message = message
    return rows[0][0] if rows else None


def _head(conversation_id: uuid.UUID) -> Transmission | None:
    return _part(
        """WHERE conversations_transmission.conversation_id = %s
            AND conversations_transmission.status IN ('queued', 'sending')
        ORDER BY conversations_message.seq, conversations_transmission.part LIMIT 1""",
        conversation_id,
    )


def _has_more(conversation_id: uuid.UUID) -> bool:
    """Whether something is left; whoever adds something from now on announces it."""
    left = "conversation_id = %s AND status IN ('queued', 'sending')"
    return plain.exists(Transmission, left, (Conversation._meta.pk, conversation_id))


def _is_over(conversation: Conversation, head: Transmission, *, now: dt.datetime) -> bool:
    """End a transmission that must not be sent (any more). True when it was ended; the next one is looked at."""
    message = head.message
    message.conversation = conversation
    able, channel = queries.capabilities(conversation.channel), conversation.channel
    if head.status == Tx.SENDING and not (able.idempotent_send and head.attempts < TRIES):
        # Its worker died with the request under way. Whether it arrived is not known: an honest answer, never a double.
        reason = _("It is not known whether this message arrived. Check before you send it again.")
        _finish(conversation, head, Tx.UNKNOWN, code=OutcomeUnknown.code, reason=reason)
        return True
    is_automatic = message.owner_version is not None
    if is_automatic and (message.owner_version or 0) < conversation.taken_over_version:
        _finish(conversation, head, Tx.DROPPED, code="stale", reason=_("A person took over before it was sent."))
        return True
    try:
        messages.check_window(conversation, is_human=message.author == Message.Author.USER, now=now)
    except Refused as refusal:
        _finish(conversation, head, Tx.FAILED, code="send.window_closed", reason=refusal.message)
        return True
    is_held = head.attempts == 0 and not (channel.is_healthy and channel.is_active)
    if is_held and now - message.created_at > HOLD:
        reason = _("The channel could not send for a day.")
        _finish(conversation, head, Tx.FAILED, code=channels.HELD, reason=reason)
        return True
    return False


def _held_until(channel: Channel, *, now: dt.datetime) -> dt.datetime | None:
    """Until when this channel's sends have to wait; None = go ahead."""
    if not channel.is_active:
        return now + channels.RETRY_ILL_AFTER
    if not channel.is_healthy:
        again = (channel.checked_at or now) + channels.RETRY_ILL_AFTER
        if again > now:
            return again
        # One try per minute for the whole channel, and whoever moves the mark makes it.
        mine = Channel.objects.filter(pk=channel.pk, is_healthy=False, checked_at=channel.checked_at)
        if not mine.update(checked_at=now):
            return now + channels.RETRY_ILL_AFTER
    limit = getattr(settings, "SENDS_AT_ONCE_PER_CHANNEL", AT_ONCE)
    under_way = plain.select(
        Transmission,
        "WHERE channel_id = %s AND status = 'sending' AND lease_until > %s LIMIT %s",
        (Channel._meta.pk, channel.pk),
        (Transmission._meta.get_field("lease_until"), now),
        (None, limit),
    )
    if len(under_way) >= limit:
        return now + dt.timedelta(milliseconds=200)
    return None


def _outbound(conversation: Conversation, head: Transmission, *, now: dt.datetime) -> OutboundMessage:
    message, able = head.message, queries.capabilities(conversation.channel)
    is_human = message.author == Message.Author.USER
    closes_at = queries.window_ends(conversation, able.reply_window)
    return OutboundMessage(
        ref=head.sid,
        recipient=conversation.identity.address,
        thread=conversation.thread,
        text=head.text,
        attachment=None if head.attachment is None else messages.outbound(head.attachment),
        quick_replies=_quick_replies(head),
        reply_to=message.reply_to.external_id if message.reply_to is not None and head.part == 0 else "",
        author_name=message.author_name,
        origin="human" if is_human else "automatic",
        message_sid=message.sid,
        seq=message.seq,
        window_closed_at=closes_at if closes_at is not None and closes_at <= now else None,
    )


def _quick_replies(head: Transmission) -> tuple[str, ...]:
    """A message's quick replies go with the last part that has text."""
    offered = head.message.data.get("quick_replies", ())
    if not offered:
        return ()
    with_text = head.message.transmissions.exclude(text="").order_by("-part")
    last = with_text.values_list("part", flat=True).first() or 0
    return tuple(offered) if head.part == last else ()


# -- sending and recording -------------------------------------------------------------------------


def _send(claim: Claim, *, now: dt.datetime) -> SendReceipt | SendError:
    """The adapter's answer. Whatever it raises that is no ``SendError`` leaves the outcome open."""
    channel = claim.conversation.channel
    try:
        with channels.context(channel, now=now) as context:
            return channels.adapter(channel).send(claim.outbound, context)
    except SendError as error:
        return error
    except Exception:
        log.exception("delivery.adapter_crashed", channel=channel.sid, transmission=claim.outbound.ref)
        return OutcomeUnknown(_("The channel's adapter failed. Check whether the message arrived."))


def record(claim: Claim, result: SendReceipt | SendError, *, now: dt.datetime, began_at: dt.datetime) -> bool:
    """Write down how a claimed transmission went. False when the claim is no longer ours (fencing): the lease ran
    out and another worker has taken it since; its result counts, not this one."""
    with transaction.atomic():
        conversation = stream.lock(claim.conversation.pk)
        part = _part("WHERE conversations_transmission.id = %s", claim.transmission_id)
        if part is None or part.lease_epoch != claim.epoch:
            log.warning("delivery.fenced_off", transmission=claim.outbound.ref)
            return False
        part.message.conversation = conversation
        if isinstance(result, SendReceipt):
            _sent(conversation, part, result, began_at=began_at, now=now)
        elif part.status == Tx.SENDING:
            _not_sent(conversation, part, result, now=now)
        transaction.on_commit(functools.partial(_ring_neighbour, conversation, now), robust=True)
    return True


def _sent(
    conversation: Conversation, part: Transmission, result: SendReceipt, *, began_at: dt.datetime, now: dt.datetime
) -> None:
    external_id = thread.fit(scrub(result.external_id))
    if external_id and not part.external_id:
        like_it = ((Channel._meta.pk, part.channel_id), (None, external_id))
        is_taken = plain.exists(Transmission, "channel_id = %s AND external_id = %s", *like_it)
        part.external_id = "" if is_taken else external_id
    if statuses.advances(part.status, result.status):  # an echo or a receipt may have been faster
        part.status = statuses.by_watermark(conversation, part.sent_at or began_at, result.status)
    part.error = part.error_code = ""
    plain.update(part, "external_id", "status", "error", "error_code")
    _settle(conversation, part)
    lanes.wake_on_commit(conversation.channel_id, conversation.identity.address, now=now)
    channel = conversation.channel
    if not channel.is_healthy:
        channels.heal(channel, now=now)


def _not_sent(conversation: Conversation, part: Transmission, error: SendError, *, now: dt.datetime) -> None:
    part.error, part.error_code = scrub(error.message), error.code[:64]
    is_idempotent = queries.capabilities(conversation.channel).idempotent_send
    if isinstance(error, ChannelMisconfigured):
        # Not the message's fault: it is held until the channel is well again.
        channels.mark_ill(conversation.channel, part.error, now=now)
        part.status, part.due_at, part.attempts = Tx.QUEUED, now + channels.RETRY_ILL_AFTER, 0
        part.error_code = channels.HELD
    elif isinstance(error, TransientSendError) or (isinstance(error, OutcomeUnknown) and is_idempotent):
        if part.attempts >= TRIES:
            part.status = Tx.FAILED
        else:
            part.status, part.due_at = Tx.QUEUED, now + _backoff(part.attempts, error)
    elif isinstance(error, PermanentSendError):
        part.status = Tx.FAILED
        if isinstance(error, RecipientGone | OptedOut):
            contacts.mark_unreachable(conversation.identity)
    else:
        part.status = Tx.UNKNOWN
    plain.update(part, "status", "due_at", "attempts", "error", "error_code")
    _settle(conversation, part)


def _backoff(attempts: int, error: SendError) -> dt.timedelta:
    asked = error.retry_after if isinstance(error, TransientSendError) else None
    grown = min(MAX_BACKOFF, 2.0**attempts)
    jitter = random.uniform(0.0, grown / 4)
    return dt.timedelta(seconds=max(min(asked or 0.0, MAX_RETRY_AFTER), grown) + jitter)


def _finish(conversation: Conversation, part: Transmission, status: str, *, code: str, reason: str) -> None:
    part.status, part.error_code, part.error = status, code, reason
    plain.update(part, "status", "error_code", "error")
    _settle(conversation, part)


def _settle(conversation: Conversation, part: Transmission) -> None:
    parts = plain.select(Transmission, "WHERE message_id = %s ORDER BY part", (Message._meta.pk, part.message_id))
    statuses.settle(conversation, part.message, parts)


def _ring_neighbour(conversation: Conversation, now: dt.datetime) -> None:
    """This channel has a worker less on it: a conversation that was held back by the limit may go."""
    from conversations import jobs

    other = plain.first(
        Transmission,
        "WHERE channel_id = %s AND status = 'queued' AND due_at <= %s AND conversation_id <> %s"
        " ORDER BY due_at LIMIT 1",
        (Channel._meta.pk, conversation.channel_id),
        (Transmission._meta.get_field("due_at"), now + dt.timedelta(seconds=1)),
        (Conversation._meta.pk, conversation.pk),
    )
    if other is not None:
        jobs.deliver.delay(conversation_id=str(other.conversation_id))


def sweep(now: dt.datetime) -> int:
    """Announce conversations with something due: a hint was lost, a wait is over, a worker died. Returns how many."""
    from conversations import jobs

    late = now - dt.timedelta(seconds=1)
    due = Transmission.objects.filter(
        Q(status=Tx.QUEUED, due_at__lte=late) | Q(status=Tx.SENDING, due_at__lte=now)
    ).order_by("due_at")
    found = list(dict.fromkeys(due.values_list("conversation_id", flat=True)[: SWEEP * 5]))[:SWEEP]
    for key in found:
        jobs.deliver.delay(conversation_id=str(key))
    return len(found)
