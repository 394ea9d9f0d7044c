"""Configuration rows saved and deleted the same way by every door: checked, dated, and the router told."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from routing.services import configuration

RowType = TypeVar("RowType", bound=models.Model)


def save(row: RowType, *, now: dt.datetime) -> RowType:
    """Save a queue, workflow, activity, task channel or workspace. Raises ``Refused``: unreadable, or its name is
    taken."""
    row.updated_at = now  # type: ignore[attr-defined]  # all of them have it
    try:
        with transaction.atomic():
            configuration.save(row, now=now)
    except IntegrityError as error:
        raise name_taken() from error
    return row


def change(row: RowType, values: dict[str, Any], *, now: dt.datetime) -> RowType:
    """Set these fields and save. Raises as ``save``."""
    for name, value in values.items():
        setattr(row, name, value)
    return save(row, now=now)


def delete(row: models.Model, *, now: dt.datetime) -> None:
    """Delete it. Raises ``Refused`` while something needs it."""
    try:
        configuration.delete(row, now=now)
    except models.ProtectedError as error:
        raise in_use() from error


def name_taken() -> Refused:
    return Refused(_("There is already one of this name."), code="routing.name_taken")


def in_use() -> Refused:
    return Refused(_("It is still in use, so it cannot be deleted."), code="routing.in_use")
