"""To people: the task, what it knows of the customer, and the place in the queue."""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from contactcenter.lib.errors import Refused
from conversations import queries
from conversations.models import Conversation
from conversations.services import lifecycle
from flows import context
from flows.services import notices
from flows.values import CreateTask
from routing import sql
from routing.models import Task, Workflow
from routing.services import setup, tasks

log = structlog.get_logger(__name__)

Json = dict[str, Any]

_WORKFLOWS = sql.Prepared(lambda ids: Workflow.objects.filter(pk__in=ids).order_by())
#: What of a task's attributes is kept with the conversation: the console shows it, the next execution knows it.
LEARNED = ("language", "department", "vip")


def create(conversation: Conversation, command: CreateTask, *, now: dt.datetime) -> Json:
    """Make the task a flow asked for. Returns what the widget leaves behind (``sid``, ``ahead`` ...).

    The customer's name, language, VIP mark and channel are attributes of every task; what the flow says of them wins.
    Raises ``Refused`` when there is no such workflow or the task cannot be made.
    """
    known = facts(conversation, "")
    attributes = {**known, **command.attributes}
    able = queries.capabilities(conversation.channel)
    try:
        task = tasks.create(
            workflow=_workflow(command.workflow),
            attributes=attributes,
            task_channel=command.task_channel or able.task_channel,
            conversation=conversation,
            priority=command.priority,
            timeout=command.timeout,
            now=now,
        )
    except ObjectDoesNotExist:
        raise Refused("Routing is not set up: there is no workspace.", code="flow.no_workspace") from None
    learned = {key: attributes[key] for key in LEARNED if attributes.get(key) not in (None, "", known.get(key))}
    if learned:
        conversation = lifecycle.set_attributes(conversation, learned, now=now)
    ahead = None
    if command.queue_notice != "now":  # else the next sweep tells them, within a second
        ahead = notices.begin(conversation, task, when=command.queue_notice, now=now)
    return {
        "sid": task.sid,
        "assignment_status": task.status,
        "age": 0,
        "priority": task.priority,
        "workflow_sid": task.workflow.sid if task.workflow else "",
        "task_queue_sid": task.queue.sid if task.queue else "",
        "task_queue_friendly_name": task.queue.friendly_name if task.queue else "",
        "ahead": ahead,
    }


def rescue(conversation: Conversation, text: str, *, now: dt.datetime) -> Task | None:
    """No flow will answer this customer: hand them to the default workflow. None when that is impossible, too.

    ``text``: their words, for the language. Does nothing unless a flow owns the conversation.
    """
    if conversation.owner != Conversation.Owner.FLOW or conversation.status != Conversation.Status.OPEN:
        return None
    try:
        with transaction.atomic():
            return tasks.create(
                attributes=facts(conversation, text),
                task_channel=queries.capabilities(conversation.channel).task_channel,
                conversation=conversation,
                now=now,
            )
    except (Refused, ObjectDoesNotExist) as error:
        log.error("flow.nobody_will_answer", conversation=conversation.sid, error=type(error).__name__)
        return None


def facts(conversation: Conversation, text: str) -> Json:
    """What every task knows of its customer."""
    known = context.known_contact(conversation, text)
    found = {
        "name": known["name"] or conversation.identity.display_name,
        "language": known["language"],
        "vip": known["is_vip"],
        "channel": conversation.channel.type,
        "conversation_sid": conversation.sid,
    }
    for key in ("department", "language", "vip"):
        if key in conversation.attributes:
            found[key] = conversation.attributes[key]
    return found


def _workflow(reference: str) -> Workflow | None:
    """By sid or name; "" = the default. Raises ``Refused``."""
    if not reference:
        return None
    row_id = Workflow.id_from_sid(reference)
    found = _WORKFLOWS.objects([row_id]) if row_id else []
    workflow: Workflow | None = found[0] if found else None
    if workflow is None:
        workflow = Workflow.objects.filter(workspace=setup.default_workspace(), friendly_name=reference).first()
    if workflow is None:
        raise Refused(f"There is no workflow {reference[:64]!r}.", code="flow.no_workflow")
    return workflow
