"""Celery's door. Every job is a hint to look at rows; losing one costs at most the time to the next sweep."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task

from contactcenter.lib import clock

#: Periodic jobs and their seconds. Each is cheap when nothing is due.
SCHEDULE = {
    "conversations.jobs.sweep_inbox": 1.0,
    "conversations.jobs.sweep_outbox": 1.0,
    "conversations.jobs.sweep_media": 1.0,
    "conversations.jobs.sweep_orphans": 600.0,
    "conversations.jobs.probe_channels": 3600.0,
}


@shared_task(queue="inbound")
def drain_lane(*, lane: str, **_: Any) -> None:
    from conversations.services import inbound

    inbound.drain_lane(lane, now=clock.now())


@shared_task(queue="outbound")
def deliver(*, conversation_id: str, **_: Any) -> None:
    from conversations.services import delivery

    delivery.deliver(uuid.UUID(conversation_id), now=clock.now())


@shared_task(queue="media")
def fetch_media(*, attachment_id: str, **_: Any) -> None:
    from conversations.services import media

    media.fetch(uuid.UUID(attachment_id), now=clock.now())


@shared_task(queue="low")
def notify(*, conversation_id: str, kind: str, data: dict[str, Any], **_: Any) -> None:
    from conversations.models import Conversation
    from conversations.services import notices

    rows = Conversation.objects.select_related("channel__connection", "identity")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is not None:
        notices.deliver(conversation, kind, data, now=clock.now())


@shared_task(queue="low")
def fetch_profile(*, identity_id: str, channel_id: str, **_: Any) -> None:
    from conversations.services import profiles

    profiles.fetch(uuid.UUID(identity_id), uuid.UUID(channel_id), now=clock.now())


@shared_task(queue="inbound")
def sweep_inbox(**_: Any) -> None:
    from conversations.services import inbound

    inbound.sweep(now=clock.now())


@shared_task(queue="outbound")
def sweep_outbox(**_: Any) -> None:
    from conversations.services import delivery

    delivery.sweep(clock.now())


@shared_task(queue="media")
def sweep_media(**_: Any) -> None:
    from conversations.services import media

    for key in media.fetch_due(clock.now()):
        fetch_media.delay(attachment_id=str(key))


@shared_task(queue="low")
def sweep_orphans(**_: Any) -> None:
    from conversations.services import media

    media.sweep_orphans(clock.now())


@shared_task(queue="low")
def probe_channels(**_: Any) -> None:
    from conversations.services import channels

    channels.probe_due(now=clock.now())
