"""Small scenes for console tests: a conversation an agent holds, a customer who says something."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from agents.models import User
from channels_adapters.contract import InboundMessage, Sender
from contactcenter.lib import clock
from conversations.models import Conversation, Message, Team
from conversations.services import messages, ownership
from routing.models import Reservation, Task
from tests.factories import agents as factory
from tests.factories import routing

_numbers = itertools.count(1)


def conversation(
    *, owner: User | None = None, team: Team | None = None, queue_team: Team | None = None
) -> Conversation:
    """An open conversation on a web chat channel of ``team`` (one of its own when not given)."""
    made = routing.conversation()
    made.channel.team = team or factory.team()
    made.channel.save(update_fields=["team"])
    if owner is not None:
        hand_over(made, owner, queue_team=queue_team)
        made.refresh_from_db()
    return made


def hand_over(made: Conversation, owner: User, *, queue_team: Team | None = None) -> None:
    worker = factory.worker_of(owner)
    ownership.change(made, owner="worker", owner_sid=worker.sid, user=owner, queue_team=queue_team, now=clock.now())


def says(made: Conversation, text: str, *, now: dt.datetime | None = None) -> Message:
    """The customer writes."""
    identity = made.identity
    number = next(_numbers)
    event = InboundMessage(
        key=f"scene-{number}",
        channel_address=made.channel.address,
        at=now or clock.now(),
        sender=Sender(kind=identity.kind, scope=identity.scope, address=identity.address),
        external_id=f"scene-{number}",
        text=text,
    )
    message = messages.receive(made.channel, event, now=now or clock.now())
    assert message is not None
    return message


def replies(made: Conversation, author: User, text: str, key: str = "") -> Message:
    """An agent on the conversation answers."""
    message = messages.send(made, text=text, key=key or f"key-{next(_numbers)}", user=author, now=clock.now())
    assert message is not None
    return message


def offer(made: Conversation, agent: User, **attributes: Any) -> Reservation:
    """A task for the conversation, offered to this agent as the router would (rows only, no capacity taken)."""
    task = routing.task(conversation=made, attributes=attributes)
    return offer_task(task, agent)


def offer_task(task: Task, agent: User) -> Reservation:
    from routing.services.ledger import Ledger

    worker = factory.worker_of(agent)
    now = clock.now()
    made = Reservation.objects.create(
        task=task, worker=worker, weight=0, units=0, due_at=now + dt.timedelta(seconds=120), created_at=now
    )
    task.status = Task.Status.RESERVED
    task.save(update_fields=["status"])
    ledger = Ledger(now)
    ledger.about_reservation("reservation.created", made, task, worker)
    ledger.write()
    return made
