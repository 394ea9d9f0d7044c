"""Something transient for the customer: an agent is typing, has read, the place in the queue. May be lost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.db import transaction

from channels_adapters import registry
from channels_adapters.contract import Notice
from contactcenter.lib.text import scrub_json
from conversations import queries
from conversations.models import Conversation

log = structlog.get_logger(__name__)


def show(conversation: Conversation, kind: str, data: dict[str, Any]) -> None:
    """Show the customer a notice (kinds and data: ``contract.Notice``), if the channel can. On commit, in a job, so
    that a slow provider delays nobody. Never raises."""
    key = str(conversation.pk)
    transaction.on_commit(lambda: _queue(key, kind, data), robust=True)


def _queue(conversation_id: str, kind: str, data: dict[str, Any]) -> None:
    from conversations import jobs

    jobs.notify.delay(conversation_id=conversation_id, kind=kind, data=data)


def deliver(conversation: Conversation, kind: str, data: dict[str, Any], *, now: dt.datetime) -> None:
    """Carry a notice out, now. Never raises. Wants ``channel__connection`` and ``identity``."""
    from conversations.services import channels

    channel = conversation.channel
    able = queries.capabilities(channel)
    offered = {"typing": able.typing_out, "read": able.read_out, "queue": able.live_queue}
    if not offered.get(kind, True) or channel.type not in registry.all_adapters():
        return
    notice = Notice(kind, conversation.identity.address, scrub_json(data), conversation.thread)
    try:
        with channels.context(channel, now=now) as context:
            channels.adapter(channel).notify(notice, context)
    except Exception as error:
        log.info("notice.lost", conversation=conversation.sid, kind=kind, error=type(error).__name__)
