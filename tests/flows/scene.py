"""A channel with a flow, a customer who writes on it, and workers who may take over."""

from __future__ import annotations

import datetime as dt
from typing import Any

from conversations import events
from conversations.models import Channel, Conversation, Message
from conversations.services import ownership
from flows import services
from flows.models import Execution, Flow
from routing.models import Task
from tests.factories import conversations, routing

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


class Scene:
    """``Scene(definition).say("hello")``; time stands still unless moved with ``later``."""

    def __init__(self, definition: Any = None, *, type: str = "echo", address: str = "layla", **sender: Any) -> None:
        routing.workspace()
        self.now = NOW
        self.address, self.sender = address, sender
        self.channel: Channel = conversations.channel(type=type)
        self.flow: Flow | None = None
        if definition is not None:
            self.flow = Flow.objects.create(friendly_name=f"Flow of {self.channel.address}")
            services.publish(self.flow, definition)
            services.assign(self.channel, self.flow)

    def later(self, **delta: float) -> Scene:
        self.now += dt.timedelta(**delta)
        return self

    def store(self, text: str, **fields: Any) -> Message:
        """The customer's message arrives, and nobody has been told yet."""
        sender = conversations.sender(self.address, **{"name": "", **self.sender})
        return conversations.received(self.channel, text=text, sender=sender, now=self.now, **fields)

    def tell(self, message: Message, *, created: bool = True) -> None:
        """What the inbox does once a message is stored."""
        events.message_received.send(
            sender=None, message_id=message.pk, conversation_id=message.conversation_id, created=created, now=self.now
        )

    def say(self, text: str, **fields: Any) -> Message:
        message = self.store(text, **fields)
        self.tell(message)
        return message

    @property
    def conversation(self) -> Conversation:
        rows = Conversation.objects.select_related("channel__connection", "identity__contact")
        return rows.filter(channel=self.channel).latest("id")

    @property
    def replies(self) -> list[str]:
        """What we said in the newest conversation, in order."""
        rows = Message.objects.filter(conversation=self.conversation, direction="out").order_by("seq")
        return [str(text) for text in rows.values_list("text", flat=True)]

    @property
    def reply(self) -> Message:
        return Message.objects.filter(conversation=self.conversation, direction="out").latest("seq")

    @property
    def execution(self) -> Execution:
        return Execution.objects.filter(conversation=self.conversation).latest("id")

    @property
    def task(self) -> Task:
        return Task.objects.get(conversation=self.conversation)

    def take_over(self, name: str = "Sara Ali") -> None:
        """A person takes the conversation, as accepting its task does."""
        first, _, last = name.partition(" ")
        person = conversations.user(first_name=first, last_name=last)
        ownership.change(self.conversation, owner="worker", owner_sid="WK" + "1" * 32, user=person, now=self.now)
