"""What each console command does: find what it names (or it does not exist for this person), call one service."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from agents import access, drafts, targets
from agents.access import Desk
from agents.models import Disposition
from agents.protocol import commands, frames
from contactcenter.lib import groups, ids, push
from contactcenter.lib.errors import NotVisible, Refused
from conversations import queries
from conversations.models import Conversation, Message, Participant
from conversations.queries import user_name
from conversations.services import messages, notices, participants, visibility
from routing.errors import NotYours
from routing.models import Activity, Reservation, Task, Transfer, Worker
from routing.services import presence, reservations, seats, tasks, transfers

#: What the answer carries.
Result = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Who asks, from which connection, when."""

    desk: Desk
    socket_name: str
    now: dt.datetime


class UnknownDisposition(Refused):
    code = "console.unknown_disposition"


class NoAgent(Refused):
    """A supervisor without a worker asked for what only agents do."""

    code = "console.no_agent"


def carry_out(user_id: uuid.UUID, command: commands.Command, *, socket_name: str, now: dt.datetime) -> Result:
    """Do what ``command`` says for this person. Raises ``Refused`` (``NotVisible``, ``access.NotAllowed`` ...), in
    their language."""
    call = Call(access.get_desk(user_id), socket_name, now)
    with translation.override(call.desk.user.language):
        return _ACTIONS[type(command)](call, command)


# -- the agent's own stream --------------------------------------------------------------------------


def _activity_set(call: Call, command: commands.ActivitySet) -> Result:
    worker = _worker(call)
    activity = Activity.find_by_sid(command.activity)
    if activity is None or activity.workspace_id != worker.workspace_id:
        raise NotVisible(_("There is no such activity."))
    # Whoever leaves lets their open offers go at once: the customers need not wait for the time to run out.
    presence.set_activity(worker, activity, by=call.desk.user, now=call.now, reject_pending=True)
    return {}


def _reservation_accept(call: Call, command: commands.ReservationAccept) -> Result:
    worker = _worker(call)
    reservation = reservations.accept(_reservation(worker, command.reservation), by=worker, now=call.now)
    conversation_id = reservation.task.conversation_id
    return {"conversation": None if conversation_id is None else ids.to_sid("CH", conversation_id)}


def _reservation_reject(call: Call, command: commands.ReservationReject) -> Result:
    worker = _worker(call)
    reservations.reject(_reservation(worker, command.reservation), by=worker, now=call.now)
    return {}


# -- writing -------------------------------------------------------------------------------------------


def _message_send(call: Call, command: commands.MessageSend) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    reply_to = None
    if command.reply_to is not None and (reply_to := queries.find_message(conversation, command.reply_to)) is None:
        raise NotVisible(_("The message you answer is not in this conversation."))
    message = messages.send(
        conversation,
        text=command.text,
        attachment_keys=command.attachments,
        key=command.key,
        user=call.desk.user,
        reply_to=reply_to,
        seen_seq=None if command.force else command.seen_seq,
        now=call.now,
    )
    assert message is not None  # only automatic ones may be dropped
    return {"message": queries.message_json(message)}


def _message_retry(call: Call, command: commands.MessageRetry) -> Result:
    message = Message.find_by_sid(command.message)
    if message is None or not visibility.visible_to(call.desk.user).filter(pk=message.conversation_id).exists():
        raise NotVisible(_("There is no such message."))
    messages.retry(message, user=call.desk.user, now=call.now)
    return {}


def _note_add(call: Call, command: commands.NoteAdd) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    message = messages.note(conversation, text=command.text, key=command.key, user=call.desk.user, now=call.now)
    return {"message": queries.message_json(message)}


def _typing(call: Call, command: commands.TypingSet) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    name = user_name(call.desk.user)
    frame = frames.Composing(
        conversation=conversation.sid, user_sid=call.desk.user.sid, name=name, active=command.active
    )
    push.send(groups.conversation(conversation.pk), frame.to_json())
    if _is_serving(call.desk, conversation):
        notices.show(conversation, "typing", {"active": command.active, "name": name})
    return {}


def _conversation_read(call: Call, command: commands.ConversationRead) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    seq = min(command.seq, conversation.message_seq)
    participants.mark_read(conversation, call.desk.user, seq, now=call.now)
    frame = frames.Read(conversation=conversation.sid, seq=seq)
    push.send(groups.user(call.desk.user.pk), {**frame.to_json(), "from": call.socket_name})
    if _is_serving(call.desk, conversation):
        notices.show(conversation, "read", {"seq": seq})
    return {}


def _draft_save(call: Call, command: commands.DraftSave) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    drafts.save(call.desk.user, conversation, command.text)
    frame = frames.DraftChanged(conversation=conversation.sid, text=command.text)
    push.send(groups.user(call.desk.user.pk), {**frame.to_json(), "from": call.socket_name})
    return {}


# -- the work on it ------------------------------------------------------------------------------------


def _requeue(call: Call, command: commands.ConversationRequeue) -> Result:
    task = _task(call, command.conversation)
    _keep_note(call, task, command.note)
    tasks.requeue(task, by=_by(call, task), reason="returned by the agent", now=call.now)
    return {}


def _wrap_up(call: Call, command: commands.TaskWrapUp) -> Result:
    task = _task(call, command.conversation)
    tasks.wrap_up(task, by=_by(call, task), now=call.now)
    return {}


def _complete(call: Call, command: commands.TaskComplete) -> Result:
    known = set(Disposition.objects.filter(is_active=True).values_list("code", flat=True))
    if known and command.disposition not in known:
        raise UnknownDisposition(_("Choose how the conversation ended."))
    task = _task(call, command.conversation)
    _keep_note(call, task, command.note)
    tasks.complete(task, by=_by(call, task), reason=command.disposition, now=call.now)
    if task.conversation is not None:
        drafts.forget(task.conversation)
    return {}


def _transfer_start(call: Call, command: commands.TransferStart) -> Result:
    task, worker = _task(call, command.conversation), _worker(call)
    to = targets.find(worker, command.to)
    if to is None:
        raise NotVisible(_("There is nobody of this name to transfer to."))
    transfer = transfers.start(
        _seat(task, worker), to=to, mode=command.mode, by=worker, note=command.note, now=call.now
    )
    _keep_note(call, task, command.note)
    return {"transfer": transfer.sid}


def _transfer_cancel(call: Call, command: commands.TransferCancel) -> Result:
    task = _task(call, command.conversation)
    transfer = Transfer.objects.filter(task=task, status=Transfer.Status.INITIATED).first()
    if transfer is not None:
        transfers.cancel(transfer, by=_by(call, task), now=call.now)
    return {}


def _leave(call: Call, command: commands.ConversationLeave) -> Result:
    seats.leave(_task(call, command.conversation), by=_worker(call), now=call.now)
    return {}


def _watch(call: Call, command: commands.ConversationWatch) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    participants.join(conversation, call.desk.user, role=Participant.Role.WATCHING, now=call.now)
    return {}


def _unwatch(call: Call, command: commands.ConversationUnwatch) -> Result:
    conversation = visibility.get(call.desk.user, command.conversation)
    participants.leave(conversation, call.desk.user, now=call.now)
    return {}


# -- finding -------------------------------------------------------------------------------------------


def _worker(call: Call) -> Worker:
    if call.desk.worker is None:
        raise NoAgent(_("Your account takes no tasks. An administrator can make you an agent."))
    return call.desk.worker


def _reservation(worker: Worker, sid: str) -> Reservation:
    found = Reservation.find_by_sid(sid)
    if found is None or found.worker_id != worker.pk:
        raise NotVisible(_("There is no such offer."))
    return found


def _task(call: Call, conversation_sid: str) -> Task:
    conversation = visibility.get(call.desk.user, conversation_sid)
    task = Task.objects.filter(conversation=conversation, status__in=Task.LIVE).select_related("conversation").first()
    if task is None:
        raise NotVisible(_("Nothing is left to do in this conversation."))
    return task


def _seat(task: Task, worker: Worker) -> Reservation:
    """The worker's own live reservation of the task."""
    found = task.reservations.filter(worker=worker, status__in=Reservation.LIVE).first()
    if found is None:
        raise NotYours(_("Only the agent who has a task can transfer it."))
    return found


def _by(call: Call, task: Task) -> Worker | None:
    """On whose behalf a task is changed: the agent's own, or (None) a supervisor's who does not hold it."""
    worker = call.desk.worker
    if not call.desk.user.is_staff:
        return _worker(call)
    held = worker is not None and task.reservations.filter(worker=worker, status__in=Reservation.LIVE).exists()
    return worker if held else None


def _keep_note(call: Call, task: Task, note: str) -> None:
    """The note that goes with ending or returning a task: a commit of its own before it, because routing's rows are
    locked before conversations; the same words for the same task are kept once, however often it is tried."""
    if note.strip() and task.conversation is not None:
        key = hashlib.sha256(f"{task.sid} {note}".encode()).hexdigest()
        messages.note(task.conversation, text=note, key=key, user=call.desk.user, now=call.now)


def _is_serving(desk: Desk, conversation: Conversation) -> bool:
    """Whether the customer should learn of what this person does: not of watchers."""
    return conversation.participants.filter(
        user=desk.user, left_at__isnull=True, role__in=(Participant.Role.OWNER, Participant.Role.JOINING)
    ).exists()


_ACTIONS: dict[type[commands.Command], Callable[[Call, Any], Result]] = {
    commands.ActivitySet: _activity_set,
    commands.ReservationAccept: _reservation_accept,
    commands.ReservationReject: _reservation_reject,
    commands.MessageSend: _message_send,
    commands.MessageRetry: _message_retry,
    commands.NoteAdd: _note_add,
    commands.TypingSet: _typing,
    commands.ConversationRead: _conversation_read,
    commands.DraftSave: _draft_save,
    commands.ConversationRequeue: _requeue,
    commands.TaskWrapUp: _wrap_up,
    commands.TaskComplete: _complete,
    commands.TransferStart: _transfer_start,
    commands.TransferCancel: _transfer_cancel,
    commands.ConversationLeave: _leave,
    commands.ConversationWatch: _watch,
    commands.ConversationUnwatch: _unwatch,
}
