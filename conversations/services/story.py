"""Lines about what happened to a conversation (who took it, who joined, where it went), among its messages.

They carry facts, not words: whoever shows them says it in the reader's language. They never leave the house.
"""

from __future__ import annotations

import datetime as dt

from conversations.models import Conversation, Message
from conversations.services import stream, thread


def tell(conversation: Conversation, kind: str, *, now: dt.datetime, **facts: str) -> Message:
    """Add the line ``kind`` with its ``facts`` (names), in the transaction that makes the change.

    Kinds: accepted {name}; taken_over {name, before}; joined {name}; left {name}; returned {name, queue};
    handed_over {name, queue}.
    """
    fresh = stream.lock(conversation)
    line = Message(
        direction=Message.Direction.SYSTEM,
        author=Message.Author.SYSTEM,
        kind=kind,
        data=facts,
        status=Message.Status.RECEIVED,
        created_at=now,
    )
    return thread.add(fresh, line)
