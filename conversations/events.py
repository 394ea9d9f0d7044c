"""Past-tense facts for whoever sits above. Ids only: receivers read the rows.

``message_received`` is sent inline while the lane is drained, after the message is committed; its receivers run in
their own transactions, must be idempotent (they are called again after a crash), and an exception of theirs makes the
inbound event be tried again. Everything else is a hint on commit: "look".
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

#: message_id, conversation_id, created (False: stored before, maybe by a worker that died), now
message_received = Signal()
#: message_id, conversation_id, status: a message of ours was sent, delivered, read, failed ...
receipt_recorded = Signal()
#: conversation_id, now; inside the closing transaction's commit hook
conversation_closed = Signal()
#: conversation_id, active: the customer is typing
typing = Signal()
#: conversation_id, seq, channel_type: a row was added to the conversation's stream
event_recorded = Signal()


def after_commit(signal: Signal, **facts: Any) -> None:
    """Send a hint once the current transaction is committed. A receiver that fails is logged, nobody is harmed."""
    transaction.on_commit(partial(signal.send_robust, sender=None, **facts))


def recorded(conversation_id: uuid.UUID, seq: int, channel_type: str) -> None:
    after_commit(event_recorded, conversation_id=conversation_id, seq=seq, channel_type=channel_type)
