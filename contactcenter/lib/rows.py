"""The abstract row every table of ours is made of: UUIDv7 key, public sid, creation time."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self, TypeVar

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from contactcenter.lib import clock, ids


class Row(models.Model):
    """``sid_prefix`` names the two letters of the public id; ``sid`` is derived from the key, never stored."""

    sid_prefix: ClassVar[str] = "XX"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta:
        abstract = True

    @property
    @admin.display(description=_("id"))
    def sid(self) -> str:
        return ids.to_sid(self.sid_prefix, self.id)

    @classmethod
    def id_from_sid(cls, sid: object) -> uuid.UUID | None:
        """The key behind a public id, or None when it is not one of this kind."""
        return ids.parse_sid(cls.sid_prefix, sid)

    @classmethod
    def find_by_sid(cls, sid: object) -> Self | None:
        return by_sid(cls._default_manager.all(), sid)


RowType = TypeVar("RowType", bound=Row)


def by_sid(rows: QuerySet[RowType], sid: object) -> RowType | None:
    """The row of that sid among ``rows``, if there is one."""
    row_id = rows.model.id_from_sid(sid)
    return None if row_id is None else rows.filter(pk=row_id).first()


def by_sid_or_name(rows: QuerySet[RowType], reference: str, name: str = "friendly_name") -> RowType | None:
    """The row among ``rows`` that a person or document means: its sid, or what its column ``name`` says."""
    if rows.model.id_from_sid(reference) is not None:
        return by_sid(rows, reference)
    return rows.filter(**{name: reference}).first()
