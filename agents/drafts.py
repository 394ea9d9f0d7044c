"""What is typed and not sent, kept so that every tab and device has it."""

from __future__ import annotations

from typing import Any

from agents.models import Draft, User
from conversations.models import Conversation
from conversations.services import visibility


def save(user: User, conversation: Conversation, text: str) -> None:
    """Keep ``text`` as the user's draft of this conversation; an empty one removes it."""
    if text.strip():
        Draft.objects.update_or_create(user=user, conversation=conversation, defaults={"text": text})
    else:
        Draft.objects.filter(user=user, conversation=conversation).delete()


def forget(conversation: Conversation) -> None:
    """Nobody will send what they typed into a conversation that is over."""
    Draft.objects.filter(conversation=conversation).delete()


def of(user: User) -> list[dict[str, Any]]:
    """The user's drafts of conversations they may see: [{conversation, text, updated_at}]."""
    rows = Draft.objects.filter(user=user, conversation__in=visibility.visible_to(user).values("pk"))
    return [
        {"conversation": conversation_sid(row), "text": row.text, "updated_at": row.updated_at.isoformat()}
        for row in rows.order_by("-updated_at")[:500]
    ]


def conversation_sid(draft: Draft) -> str:
    return Conversation.sid_prefix + draft.conversation_id.hex
