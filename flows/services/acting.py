"""Carrying out what the engine decided, as rows, in the caller's transaction.

Each effect has a key made of execution, visit and part: done again after a crash, it finds itself done.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import uuid
from typing import Any

import structlog
from django.db import connection, transaction

from contactcenter.lib.errors import Refused
from conversations import queries
from conversations.models import Conversation
from conversations.services import contacts, lifecycle, messages, plain, stream
from flows import texts
from flows.document import Document
from flows.models import Execution, Revision, Step
from flows.services import handover
from flows.values import Command, CreateTask, End, Event, Outcome, RecordStep, SaveFacts, SendMessage, Wait

log = structlog.get_logger(__name__)

#: Fields of an execution that a turn changes.
_MOVING = (
    *("state", "status", "step_count", "due_at", "ended_at"),
    *("last_message_seq", "owner_version", "error_code", "error"),
)
_documents: dict[uuid.UUID, Document] = {}


def document(revision: Revision) -> Document:
    """The revision's document, read once: revisions never change."""
    found = _documents.get(revision.pk)
    if found is None:
        if len(_documents) >= 256:
            _documents.clear()
        found = _documents[revision.pk] = Document.parse(revision.definition)
    return found


def revision(revision_id: uuid.UUID) -> Revision:
    """A revision whose fields are read when they are asked for: mostly its document is known already."""
    return Revision.from_db(connection.alias, ["id"], [revision_id])


class Turn:
    """One turn of an execution: from an event to the next wait or the end. ``conversation`` must be locked."""

    def __init__(self, execution: Execution, conversation: Conversation, now: dt.datetime) -> None:
        self.execution = execution
        self.conversation = conversation
        self.now = now
        #: an effect came too late: somebody else owns the conversation
        self.taken_over = False
        self._steps: list[Step] = []

    def carry_out(self, commands: tuple[Command, ...]) -> Event | None:
        """Do what was decided. Returns the event the engine waits for, None when it waits for something outside."""
        outcome: Outcome | None = None
        for command in commands:
            if isinstance(command, RecordStep):
                self._record(command)
            elif isinstance(command, SaveFacts):
                self._save(command)
            elif isinstance(command, Wait):
                self.execution.due_at = self.now + dt.timedelta(seconds=command.seconds)
            elif isinstance(command, End):
                self.execution.status, self.execution.ended_at = Execution.Status.ENDED, self.now
                self.execution.error_code, self.execution.error = command.code[:16], command.message
            elif isinstance(command, SendMessage):
                outcome = self._send(command)
            elif isinstance(command, CreateTask):
                outcome = self._create_task(command)
        if commands and not isinstance(commands[-1], Wait):
            self.execution.due_at = None
        return None if self.taken_over else outcome

    def settle(self) -> None:
        """Write the execution and its steps down."""
        self.execution.step_count = self.execution.state.get("visits", 0)
        if self.execution._state.adding:
            plain.insert(self.execution)
        else:
            plain.update(self.execution, *_MOVING)
        plain.insert_all(self._steps)

    def _record(self, command: RecordStep) -> None:
        for warning in command.warnings:
            log.info(
                "flow.warning",
                execution=self.execution.sid,
                widget=command.left,
                code=warning["code"],
                step=command.number,
            )
        self._steps.append(
            Step(
                execution=self.execution,
                number=command.number,
                name=command.name[:64],
                transitioned_from=command.left[:120],
                transitioned_to=command.entered[:120],
                context={"output": dict(command.output), "warnings": list(command.warnings)},
                created_at=self.now,
            )
        )

    def _save(self, command: SaveFacts) -> None:
        if command.conversation:
            self.conversation = lifecycle.set_attributes(self.conversation, dict(command.conversation), now=self.now)
        if command.contact:
            # Later, by itself: it locks the contact's other conversations, and we hold one.
            contact, facts = self.conversation.identity.contact, dict(command.contact)
            learn = functools.partial(_save_contact, contact, facts, now=self.now)
            transaction.on_commit(learn, robust=True)

    def _send(self, command: SendMessage) -> Outcome | None:
        able = queries.capabilities(self.conversation.channel)
        offered, text = texts.with_options(command.text, command.quick_replies, most=able.quick_replies)
        parts = texts.cut("\n".join(filter(None, (text, command.media_url))), able.max_text)
        sent = None
        try:
            # All parts or none; one alone is a transaction of its own anyway.
            with transaction.atomic() if len(parts) > 1 else contextlib.nullcontext():
                for number, part in enumerate(parts):
                    sent = messages.send(
                        self.conversation,
                        text=part,
                        key=f"{self.execution.sid}:{command.visit}:{number}",
                        author="bot",
                        author_name=command.author_name,
                        quick_replies=offered if number == len(parts) - 1 else (),
                        owner_version=self.execution.owner_version,
                        now=self.now,
                    )
                    if sent is None:
                        break
        except Refused as refused:
            log.info("flow.send_refused", execution=self.execution.sid, code=refused.code)
            return Outcome(self.now, command.visit, False, error=str(refused.message))
        if sent is None:
            self.taken_over = True
            return None
        data = {
            "Sid": sent.sid,
            "ConversationSid": self.conversation.sid,
            "Status": sent.status,
            "Body": command.text,
            "From": self.conversation.channel.address,
            "To": self.conversation.identity.address,
            "Author": command.author_name or self.conversation.channel.address,
            "Index": sent.seq,
            "Direction": "outbound-api",
            "NumMedia": "0",
            "NumSegments": str(len(parts)),
        }
        return Outcome(self.now, command.visit, True, data)

    def _create_task(self, command: CreateTask) -> Outcome:
        try:
            created = handover.create(self.conversation, command, now=self.now)
        except Refused as refused:
            log.warning("flow.task_refused", execution=self.execution.sid, code=refused.code)
            return Outcome(self.now, command.visit, False, error=str(refused.message))
        # The hand-over was this execution's own doing; what it says next is not stale.
        self.conversation = stream.lock(self.conversation)
        self.execution.owner_version = self.conversation.owner_version
        return Outcome(self.now, command.visit, True, created)


def _save_contact(contact: Any, facts: dict[str, Any], *, now: dt.datetime) -> None:
    """``language`` and ``name`` are the contact's own fields; VIP is for people to say; the rest are attributes."""
    own = {field: str(facts.pop(field)) for field in ("language", "name") if facts.get(field)}
    facts.pop("is_vip", None)
    if facts:
        own["attributes"] = facts  # type: ignore[assignment]
    if own:
        contacts.update(contact, now=now, **own)
