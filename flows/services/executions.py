"""Executions: what starts them, moves them on and ends them.

Everything happens under the conversation's row lock, and in one transaction with the rows a step makes (messages,
the task): a crash takes a step and its effects back together, and the event that caused it comes again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction

from contactcenter.lib import crash
from conversations.models import Channel, Conversation, Message
from conversations.services import lifecycle, plain, stream
from flows import context, engine
from flows.errors import FlowError
from flows.models import Execution, Flow
from flows.services import acting, handover
from flows.values import DeliveryFailed, Event, TimedOut

log = structlog.get_logger(__name__)

#: Studio's: an execution lives thirty days.
LIFE = dt.timedelta(days=30)
#: Executions resumed in one sweep; the next one is a second away.
BATCH = 100


def on_message(message_id: uuid.UUID, *, now: dt.datetime) -> None:
    """A customer's message was stored: start the channel's flow, or resume the one that waits.

    Does nothing when a queue or a worker owns the conversation, when another app answers it (passive), and when this
    message was taken in before. Errors of the database go through; the inbox tries again.
    """
    found = plain.select_joined(
        (Message, Conversation),
        """conversations_message
        JOIN conversations_conversation ON conversations_conversation.id = conversations_message.conversation_id
        WHERE conversations_message.id = %s AND direction = 'in'""",
        (Message._meta.pk, message_id),
    )
    if not found or found[0][0].data.get("passive"):
        return
    message, message.conversation = found[0][0], found[0][1]
    if message.conversation.owner != Conversation.Owner.FLOW:
        # Nobody gives a conversation to a flow while a message is on its way: no need for the lock.
        return
    _guarded(message.conversation_id, lambda: _take(message, now=now), now=now)
    crash.point("flow.advanced")


def _take(message: Message, *, now: dt.datetime) -> None:
    conversation = stream.lock(message.conversation_id)
    if conversation.owner != Conversation.Owner.FLOW or conversation.status != Conversation.Status.OPEN:
        return
    execution = _newest(conversation)
    if execution is not None and execution.last_message_seq >= message.seq:
        return
    if (
        execution is None
        or execution.status != Execution.Status.ACTIVE
        or not _may_go_on(execution, conversation, now=now)
    ):
        _start(conversation, message, now=now)
        return
    execution.last_message_seq = message.seq
    _advance(execution, conversation, context.reply(conversation, message, now=now), now=now)


def _start(conversation: Conversation, message: Message, *, now: dt.datetime) -> None:
    flow = _flow_of(conversation)
    if flow is None or flow.published is None:
        # Without a flow nobody would ever see the customer.
        handover.rescue(conversation, message.text, now=now)
        return
    execution = Execution(
        flow=flow,
        revision=flow.published,
        conversation=conversation,
        last_message_seq=message.seq,
        owner_version=conversation.owner_version,
        created_at=now,
    )
    event = context.start(execution, conversation, message, now=now)
    spoken = event.flow["contact"]["language"]
    if spoken and spoken != context.known_contact(conversation, "")["language"]:
        # Heard in the customer's words: the next "ok" is answered in the same language.
        lifecycle.set_attributes(conversation, {"language": spoken}, now=now)
    _advance(execution, conversation, event, now=now)


def _flow_of(conversation: Conversation) -> Flow | None:
    found = plain.first(
        Flow,
        "WHERE id = (SELECT flow_id FROM flows_channelflow WHERE channel_id = %s)",
        (Channel._meta.pk, conversation.channel_id),
    )
    if found is not None and found.published_id is not None:
        found.published = acting.revision(found.published_id)
    return found


def resume_due(now: dt.datetime) -> int:
    """Executions whose time to wait is over go on. Returns how many were looked at."""
    due = Execution.objects.filter(status=Execution.Status.ACTIVE, due_at__lte=now).order_by("due_at")
    rows = list(due.values_list("pk", "conversation_id")[:BATCH])
    for execution_id, conversation_id in rows:
        try:
            _guarded(conversation_id, lambda key=execution_id: _time_out(key, now=now), now=now)  # type: ignore[misc]
        except DatabaseError:
            log.exception("flow.resume_failed", execution=execution_id.hex)
            Execution.objects.filter(pk=execution_id).update(due_at=now + dt.timedelta(seconds=60))
    return len(rows)


def _time_out(execution_id: uuid.UUID, *, now: dt.datetime) -> None:
    execution = _locked(execution_id)
    if execution is None or execution.due_at is None or execution.due_at > now:
        return
    conversation = execution.conversation
    if _may_go_on(execution, conversation, now=now):
        _advance(execution, conversation, TimedOut(now), now=now)


def on_delivery_failed(message_id: uuid.UUID, *, now: dt.datetime) -> None:
    """A message of ours did not arrive; when a flow waits for its answer, it need not."""
    message = Message.objects.filter(pk=message_id, author=Message.Author.BOT).first()
    execution_id = None if message is None else Execution.id_from_sid(message.key.partition(":")[0])
    if message is None or execution_id is None:
        return

    def go_on() -> None:
        execution = _locked(execution_id)
        if execution is None or not _may_go_on(execution, execution.conversation, now=now):
            return
        visit = message.key.split(":")[1]
        if visit == str(execution.state.get("visits")):
            _advance(execution, execution.conversation, DeliveryFailed(now, message.status_reason), now=now)

    _guarded(message.conversation_id, go_on, now=now)


def stop(conversation_id: uuid.UUID, *, now: dt.datetime) -> None:
    """End what still runs for this conversation: it was closed, or a person took over."""
    rows = Execution.objects.filter(conversation_id=conversation_id, status=Execution.Status.ACTIVE)
    if not rows.exists():
        return
    with transaction.atomic():
        for execution in rows.select_for_update(of=("self",)):
            _end(execution, now=now)


# -- under the lock --------------------------------------------------------------------------------


def _newest(conversation: Conversation) -> Execution | None:
    """The execution that took in the conversation's last message: the active one, if there is any.

    By the message, not by id: ids of two machines are as good as their clocks.
    """
    rows = f"WHERE conversation_id = %s ORDER BY last_message_seq DESC LIMIT 1{stream.FOR_UPDATE[connection.vendor]}"
    found = plain.first(Execution, rows, (Conversation._meta.pk, conversation.pk))
    if found is not None:
        found.revision = acting.revision(found.revision_id)
    return found


def _active(conversation: Conversation) -> Execution | None:
    execution = _newest(conversation)
    return execution if execution is not None and execution.status == Execution.Status.ACTIVE else None


def _locked(execution_id: uuid.UUID) -> Execution | None:
    """The execution, still active, with its conversation locked before it."""
    found = Execution.objects.filter(pk=execution_id, status=Execution.Status.ACTIVE).first()
    if found is None:
        return None
    conversation = stream.lock(found.conversation_id)
    execution = _active(conversation)
    if execution is None or execution.pk != execution_id:
        return None
    execution.conversation = conversation
    return execution


def _may_go_on(execution: Execution, conversation: Conversation, *, now: dt.datetime) -> bool:
    """Whether it is still this execution's turn; ended here when it is not."""
    if (
        conversation.status == Conversation.Status.OPEN
        and conversation.owner_version == execution.owner_version
        and now - execution.created_at < LIFE
    ):
        return True
    _end(execution, now=now)
    return False


def _advance(execution: Execution, conversation: Conversation, event: Event, *, now: dt.datetime) -> None:
    """Let the engine take ``event`` in and carry out what it decides, to the next wait or the end."""
    turn = acting.Turn(execution, conversation, now)
    pending: Event | None = event
    while pending is not None:
        execution.state, commands = engine.advance(acting.document(execution.revision), execution.state, pending)
        pending = turn.carry_out(commands)
    turn.settle()
    if turn.taken_over:
        _end(execution, now=now)
        return
    if execution.error_code:
        log.warning("flow.failed", execution=execution.sid, code=execution.error_code)
        handover.rescue(turn.conversation, "", now=now)


def _end(execution: Execution, *, now: dt.datetime, code: str = "", message: str = "") -> None:
    execution.state = engine.stop(execution.state)
    execution.status, execution.ended_at, execution.due_at = Execution.Status.ENDED, now, None
    execution.error_code, execution.error = code[:16], message
    execution.save(update_fields=["state", "status", "ended_at", "due_at", "error_code", "error", "last_message_seq"])


def _guarded(conversation_id: uuid.UUID, step: Callable[[], None], *, now: dt.datetime) -> None:
    """Run ``step`` in a transaction. A flow that breaks (a bug of ours, not of the database) is ended and the
    customer handed to people: an event that fails again and again would leave them without any answer."""
    try:
        with transaction.atomic():
            step()
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("flow.broke", conversation=conversation_id.hex)
        code = error.code if isinstance(error, FlowError) else "internal"
        with transaction.atomic():
            conversation = stream.lock(conversation_id)
            execution = _active(conversation)
            if execution is not None:
                _end(execution, now=now, code=code, message=type(error).__name__)
            handover.rescue(conversation, "", now=now)
