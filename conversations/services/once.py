"""Insert-or-leave: the one statement that makes redelivery and racing writers harmless."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models

from conversations.services import plain


def insert(row: models.Model) -> bool:
    """Insert ``row`` unless a unique constraint already has its like. True when this call inserted it.

    A transaction of another worker inserting the same is waited for, so after False the other's row can be read.
    (``bulk_create(ignore_conflicts=True)`` does not tell who won.)
    """
    return insert_all([row]) == 1


def insert_all(rows: Sequence[models.Model]) -> int:
    """Insert rows of one model, leaving out those a unique constraint already has. Returns how many went in."""
    return plain.insert_all(rows, on_conflict="ON CONFLICT DO NOTHING")
