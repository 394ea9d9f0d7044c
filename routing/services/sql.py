"""UPDATE .. FROM (VALUES ..) .. RETURNING, written once for PostgreSQL and SQLite."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection

Row = tuple[Any, ...]

#: Parameters of one statement: SQLite takes 32,766.
MAX_PARAMETERS = 30_000


def id(row_id: Any) -> Any:
    """A row id as the database stores it."""
    return row_id if connection.features.has_native_uuid_field else row_id.hex


def read_id(stored: Any) -> uuid.UUID:
    """A row id as the database returned it."""
    return stored if isinstance(stored, uuid.UUID) else uuid.UUID(hex=stored)


def time(at: dt.datetime | None) -> Any:
    """A moment as the database stores it."""
    return None if at is None else connection.ops.adapt_datetimefield_value(at)


def as_time(column: str) -> str:
    """A column of a VALUES list as a moment; PostgreSQL does not guess what NULL stands for."""
    return f"{column}::timestamptz" if connection.vendor == "postgresql" else column


def returning(statement: str, rows: Sequence[Row], *, table: str = "", now: dt.datetime | None = None) -> list[Row]:
    """Run an UPDATE over rows of values and collect what it returns.

    In ``statement``, ``{values}`` stands for ``(VALUES ...) AS v`` (columns column1, column2 ...), ``{now}`` for the
    time. With ``table``, its rows (by the ids in column1) are locked in the order of their ids first, so that two
    such statements cannot wait for each other.
    """
    returned: list[Row] = []
    per_statement = max(1, MAX_PARAMETERS // (len(rows[0]) + 1)) if rows else 1
    for start in range(0, len(rows), per_statement):
        returned += _run(statement, rows[start : start + per_statement], table, now)
    return returned


def _run(statement: str, rows: Sequence[Row], table: str, now: dt.datetime | None) -> list[Row]:
    one = "(" + ", ".join(["%s"] * len(rows[0])) + ")"
    values = f"(VALUES {', '.join([one] * len(rows))}) AS v"
    head, parameters = "", []
    if table and len(rows) > 1 and connection.vendor == "postgresql":
        ids = ", ".join(["%s"] * len(rows))
        head = (
            f"WITH locked AS MATERIALIZED (SELECT id FROM {table} WHERE id IN ({ids}) ORDER BY id FOR NO KEY UPDATE) "
        )
        parameters += [row[0] for row in rows]
        statement = statement.replace("RETURNING", "AND v.column1 IN (SELECT id FROM locked) RETURNING")
    if "{now}" in statement:
        parameters.append(time(now))
    text = statement.replace("{now}", as_time("%s")).replace("{values}", values)
    parameters += [value for row in rows for value in row]
    with connection.cursor() as cursor:
        cursor.execute(head + text, parameters)
        return list(cursor.fetchall())
