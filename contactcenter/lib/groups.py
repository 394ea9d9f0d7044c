"""Names of the socket groups frames are pushed to. Ids are row ids (UUIDs), never sids."""

from __future__ import annotations

import uuid


def conversation(conversation_id: uuid.UUID) -> str:
    """Consoles that have the conversation open."""
    return f"conversation.{conversation_id.hex}"


def worker(worker_id: uuid.UUID) -> str:
    """Consoles of one agent, as the router sees them: offers, activity."""
    return f"worker.{worker_id.hex}"


def user(user_id: uuid.UUID) -> str:
    """Every tab of one person: drafts, own reads, sign-out."""
    return f"user.{user_id.hex}"


def visitor(identity_id: uuid.UUID) -> str:
    """A web chat visitor's tabs, by identity."""
    return f"visitor.{identity_id.hex}"


def supervisors() -> str:
    """Every supervisor's dashboard."""
    return "supervisors"
