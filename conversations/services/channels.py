"""Lines and their adapters: what an adapter gets to work with, and how well the line is."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from channels_adapters import registry
from channels_adapters.contract import ChannelAdapter, Context, Health, InboundEvent
from contactcenter.lib import egress, push
from conversations import queries
from conversations.models import Channel, Message, Transmission

log = structlog.get_logger(__name__)

#: How long sends of an ill channel are held before one of them is tried again.
RETRY_ILL_AFTER = dt.timedelta(seconds=60)
#: How often a line that seems well is checked.
PROBE_EVERY = dt.timedelta(days=1)
#: Error code of sends that wait for an ill channel.
HELD = "send.channel_misconfigured"


def adapter(channel: Channel) -> ChannelAdapter:
    """The channel's adapter. Raises ``registry.UnknownAdapter``."""
    return registry.get(channel.type)


@contextlib.contextmanager
def context(channel: Channel, *, now: dt.datetime) -> Iterator[Context]:
    """What the adapter may reach for. Changes of ``state`` are saved when the block ends without an error.

    ``channel.connection`` is read; settings are opened, so the context must not be logged.
    """
    made = Context(
        connection=channel.connection.opened(),
        channel=channel.opened(),
        channel_address=channel.address,
        http=egress.client(),
        now=now,
        state=dict(channel.state),
        submit=lambda events: _submit(channel, events, now=now),
        history=lambda address, thread, after_seq: _history(channel, address, thread, after_seq),
        publish=push.send,
    )
    yield made
    if made.state != channel.state:
        channel.state = made.state
        channel.save(update_fields=["state"])


def _submit(channel: Channel, events: Any, *, now: dt.datetime) -> None:
    from conversations.services import inbound

    received: list[InboundEvent] = list(events)
    inbound.submit(channel, received, now=now)


def _history(channel: Channel, address: str, thread: str, after_seq: int) -> list[dict[str, Any]]:
    """A customer's messages in their newest conversation, as far as the customer may see them."""
    newest = channel.conversations.filter(identity__address=address, thread=thread).order_by("-id").values("id")[:1]
    shown = [Message.Direction.INBOUND, Message.Direction.OUTBOUND]
    rows = Message.objects.filter(conversation__in=newest, seq__gt=after_seq, direction__in=shown)
    keys = ("seq", "sid", "direction", "author", "text", "attachments", "at", "status")
    found = [queries.message_json(row) for row in rows.prefetch_related("attachments").order_by("seq")[:200]]
    return [{key: row[key] for key in keys} for row in found]


def probe(channel: Channel, *, now: dt.datetime) -> Health:
    """Ask the provider whether the line works, and write down the answer. Never raises: a crash is a bad answer."""
    return _ask(channel, "probe", now=now)


def can_connect(channel: Channel) -> bool:
    """Whether the provider can be asked to deliver this line's events to us."""
    made = registry.all_adapters().get(channel.type)
    return made is not None and type(made).connect is not ChannelAdapter.connect


def connect(channel: Channel, *, now: dt.datetime) -> Health:
    """Ask the provider to deliver the line's events to us (again), and write down whether it works then. Never raises,
    as ``probe``."""
    return _ask(channel, "connect", now=now)


def _ask(channel: Channel, what: Literal["probe", "connect"], *, now: dt.datetime) -> Health:
    try:
        with context(channel, now=now) as made:
            health: Health = getattr(adapter(channel), what)(made)
    except Exception as error:
        log.warning(f"channel.{what}_failed", channel=channel.sid, error=type(error).__name__)
        health = Health(ok=False, detail=getattr(error, "message", "") or _("The check itself failed. Try again."))
    if health.ok:
        heal(channel, now=now, expires_at=health.expires_at)
    else:
        mark_ill(channel, health.detail, now=now)
    return health


def probe_due(*, now: dt.datetime) -> None:
    """Check every line that was not checked for a day, and the ill ones."""
    rows = Channel.objects.select_related("connection").filter(is_active=True, connection__is_active=True)
    due = rows.filter(Q(checked_at__isnull=True) | Q(checked_at__lt=now - PROBE_EVERY) | Q(is_healthy=False))
    for channel in due.order_by("checked_at")[:100]:
        probe(channel, now=now)


def mark_ill(channel: Channel, detail: str, *, now: dt.datetime) -> None:
    """An operator must act; until then sends are held, one being tried now and then."""
    Channel.objects.filter(pk=channel.pk).update(is_healthy=False, health_detail=detail, checked_at=now)
    log.error("channel.ill", channel=channel.sid)


def heal(channel: Channel, *, now: dt.datetime, expires_at: dt.datetime | None = None) -> None:
    """The line works: held sends go at once."""
    changes: dict[str, Any] = {"is_healthy": True, "health_detail": "", "checked_at": now}
    if expires_at is not None:
        changes["credentials_expire_at"] = expires_at
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(**changes)
        held = Transmission.objects.filter(channel=channel, status=Transmission.Status.QUEUED, error_code=HELD)
        conversations = list(held.values_list("conversation_id", flat=True).distinct()[:500])
        held.update(due_at=now, error_code="", error="")
        transaction.on_commit(lambda: _deliver_later(conversations), robust=True)


def _deliver_later(conversations: list[Any]) -> None:
    from conversations import jobs

    for key in conversations:
        jobs.deliver.delay(conversation_id=str(key))
