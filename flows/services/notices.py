"""Telling waiting customers how many are ahead, and who is there once somebody is.

Where the channel can (web chat), the place is shown live and nothing is written into the conversation. Elsewhere it
is a message at once, and again every few minutes if it changed; each carries the ``owner_version`` it was computed
for, so none arrives after an agent accepted. One row per waiting customer; a sweep every second tells what changed.
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext, ngettext

from contactcenter.lib.errors import Refused
from conversations import queries
from conversations.models import Channel, Conversation, Participant
from conversations.services import messages, notices, plain, stream
from flows import language
from flows.models import QueueNotice
from routing import queries as routing_queries
from routing.models import Task

log = structlog.get_logger(__name__)


def interval() -> dt.timedelta:
    """How long a customer hears nothing new (``settings.QUEUE_NOTICE_EVERY``, seconds)."""
    return dt.timedelta(seconds=getattr(settings, "QUEUE_NOTICE_EVERY", 180))


#: Who waits again starts anew.
_ANEW = "ON CONFLICT (conversation_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("shown_ahead", "last_ahead", "count", "is_quiet", "due_at")
)


def begin(conversation: Conversation, task: Task, *, when: str = "now", now: dt.datetime) -> int:
    """The customer waits from now on. Returns how many are ahead.

    ``when``: "now" tells them at once, "later" leaves the first word to the flow, "off" never tells. Wants the
    conversation locked.
    """
    ahead = routing_queries.waiting_ahead(task)
    is_live = queries.capabilities(conversation.channel).live_queue
    if when == "off":
        shown = told = None
    else:
        shown, told = (ahead, None) if is_live else (None, ahead)
    row = QueueNotice(
        conversation=conversation,
        shown_ahead=shown,
        last_ahead=told,
        is_quiet=when == "off",
        due_at=now + interval(),
        created_at=now,
    )
    plain.insert_all([row], on_conflict=_ANEW)
    if when != "off" and is_live:
        _show(conversation, ahead)
    elif when == "now":
        _tell(stream.lock(conversation), task, ahead, number=0, is_first=True, now=now)
    return ahead


def settle(conversation_id: uuid.UUID) -> None:
    """The customer waits no more: forget the notice, and show who answers now. Doing it twice shows it once."""
    notice = QueueNotice.objects.filter(conversation_id=conversation_id)
    if not notice.exists():
        return
    with transaction.atomic():
        if not notice.delete()[0]:
            return
        rows = Conversation.objects.select_related("channel__connection", "identity")
        conversation = rows.filter(pk=conversation_id).first()
        if conversation is not None and conversation.owner == Conversation.Owner.WORKER:
            notices.show(conversation, "agent", {"name": conversation.owner_name or None})


def sweep(now: dt.datetime) -> int:
    """Bring every waiting customer up to date. Returns how many were shown or told something.

    Also begins for those who have just come to wait (a person who takes them within the second matters more than
    their place), and settles for those who do not wait any more.
    """
    tasks = _waiting()
    known: set[uuid.UUID] = set()
    due: list[uuid.UUID] = []
    # Most of them have nothing new to hear: those are never made into objects.
    for row in QueueNotice.objects.values_list(
        "conversation_id", "conversation__channel__type", "is_quiet", "shown_ahead", "due_at"
    ):
        key = row[0]
        known.add(key)
        if key not in tasks or _has_news(*row[1:], ahead=tasks[key][1], now=now):
            due.append(key)
    rows = QueueNotice.objects.select_related("conversation__channel__connection", "conversation__identity")
    found = {row.conversation_id: row for row in rows.filter(conversation__in=due)}
    wanted = [*found, *(key for key in tasks if key not in known)]
    return sum(_look_after(key, found.get(key), tasks.get(key), now=now) for key in wanted)


def _has_news(
    channel_type: str, is_quiet: bool, shown: int | None, due_at: dt.datetime, *, ahead: int, now: dt.datetime
) -> bool:
    if is_quiet:
        return False
    return shown != ahead if queries.capabilities(Channel(type=channel_type)).live_queue else due_at <= now


def _look_after(
    conversation_id: uuid.UUID, row: QueueNotice | None, place: tuple[uuid.UUID, int] | None, *, now: dt.datetime
) -> bool:
    """One customer of a sweep; what goes wrong with them is not the others' trouble."""
    try:
        if row is None:
            return _begin_late(conversation_id, now=now)
        if place is None:
            settle(conversation_id)
            return False
        return _bring_up_to_date(row, *place, now=now)
    except Exception:
        log.exception("notice.failed", conversation=conversation_id.hex)
        return False


def _waiting() -> dict[uuid.UUID, tuple[uuid.UUID, int]]:
    """Waiting conversations: id -> (task id, how many tasks of its queue are served before it). One query."""
    rows = Task.objects.filter(status__in=Task.WAITING, ended_at__isnull=True, queue__isnull=False)
    queues: dict[uuid.UUID | None, list[tuple[tuple[float, float, int], uuid.UUID, uuid.UUID | None]]] = {}
    for key, queue, order, priority, start, conversation in rows.values_list(
        "pk", "queue_id", "queue__task_order", "priority", "virtual_start_time", "conversation_id"
    ):
        # The order ``routing.queries.waiting_ahead`` counts by.
        at = start.timestamp()
        rank = (0.0, -at, -key.int) if order == "LIFO" else (-float(priority), at, key.int)
        queues.setdefault(queue, []).append((rank, key, conversation))
    found: dict[uuid.UUID, tuple[uuid.UUID, int]] = {}
    for waiting in queues.values():
        for ahead, (_rank, task_id, waiter) in enumerate(sorted(waiting, key=lambda item: item[0])):
            if waiter is not None:
                found[waiter] = (task_id, ahead)
    return found


def _bring_up_to_date(row: QueueNotice, task_id: uuid.UUID, ahead: int, *, now: dt.datetime) -> bool:
    """``row`` has news."""
    if queries.capabilities(row.conversation.channel).live_queue:
        # Whoever changes the row shows it; of two sweeps one does.
        mine = QueueNotice.objects.filter(pk=row.pk, shown_ahead=row.shown_ahead)
        if not mine.update(shown_ahead=ahead):
            return False
        _show(row.conversation, ahead)
        return True
    with transaction.atomic():
        conversation = stream.lock(row.conversation_id)
        mine = QueueNotice.objects.filter(pk=row.pk, due_at=row.due_at)
        if not mine.update(due_at=now + interval(), last_ahead=ahead, count=row.count + 1) or row.last_ahead == ahead:
            return False
        task = Task.objects.filter(pk=task_id, status__in=Task.WAITING).first()
        if task is None or conversation.owner != Conversation.Owner.QUEUE:
            return False
        return _tell(conversation, task, ahead, number=row.count + 1, is_first=False, now=now)


def _begin_late(conversation_id: uuid.UUID, *, now: dt.datetime) -> bool:
    key = (Conversation._meta.pk, conversation_id)
    with transaction.atomic():
        conversation = stream.lock(conversation_id)
        task = routing_queries.live_task(conversation_id)
        if (
            task is None
            or task.status not in Task.WAITING
            or conversation.owner != Conversation.Owner.QUEUE
            or plain.exists(QueueNotice, "conversation_id = %s", key)
        ):
            return False
        if plain.exists(Participant, "conversation_id = %s", key):
            # Whoever answered before they were given back disappears from their screen.
            notices.show(conversation, "agent", {"name": None})
        begin(conversation, task, now=now)
    return True


def _show(conversation: Conversation, ahead: int) -> None:
    notices.show(conversation, "queue", {"ahead": ahead, "wait_seconds": None})


def _tell(conversation: Conversation, task: Task, ahead: int, *, number: int, is_first: bool, now: dt.datetime) -> bool:
    """Say it in a message. A customer who cannot be written to is not tried again."""
    try:
        with transaction.atomic():
            sent = messages.send(
                conversation,
                text=_text(conversation, ahead, is_first=is_first),
                # The version tells this wait from an earlier one of the same task.
                key=f"queue:{task.pk.hex}:{conversation.owner_version}:{number}"[:64],
                author="bot",
                owner_version=conversation.owner_version,
                now=now,
            )
            return sent is not None
    except Refused as refused:
        log.info("notice.refused", conversation=conversation.sid, code=refused.code)
        QueueNotice.objects.filter(conversation=conversation).update(is_quiet=True)
        return False


def _text(conversation: Conversation, ahead: int, *, is_first: bool) -> str:
    spoken = conversation.attributes.get("language")
    tag = language.base(spoken if isinstance(spoken, str) else "")
    tag = tag or language.base(conversation.identity.contact.language)
    known = {code for code, _name in settings.LANGUAGES}
    with translation.override(tag if tag in known else settings.LANGUAGE_CODE):
        if ahead == 0:
            place = gettext("You are next: an agent will be with you in a moment.")
        else:
            place = ngettext(
                "There is %(count)d person ahead of you.", "There are %(count)d people ahead of you.", ahead
            ) % {"count": ahead}
        return gettext("You are in the queue. %(place)s") % {"place": place} if is_first and ahead else place
