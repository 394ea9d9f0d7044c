"""A message on its way out, for the tests of delivery."""

from __future__ import annotations

import datetime as dt
from typing import Any

from conversations.models import Conversation, Message
from tests.factories import conversations as make

SECOND = dt.timedelta(seconds=1)


def a_message(**fields: Any) -> tuple[Conversation, Message]:
    conversation = make.conversation(**fields)
    return conversation, make.sent(conversation)


def state_of(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.status_reason
