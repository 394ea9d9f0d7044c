"""Insert-or-leave: the one statement that makes redelivery and racing writers harmless."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models

#: Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535.
BATCH = 500


def insert(row: models.Model) -> bool:
    """Insert ``row`` unless a unique constraint already has its like. True when this call inserted it.

    A transaction of another worker inserting the same is waited for, so after False the other's row can be read.
    (``bulk_create(ignore_conflicts=True)`` does not tell who won.)
    """
    return insert_all([row]) == 1


def insert_all(rows: Sequence[models.Model]) -> int:
    """Insert rows of one model, leaving out those a unique constraint already has. Returns how many went in."""
    if not rows:
        return 0
    fields = rows[0]._meta.concrete_fields
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    inserted = 0
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            cursor.execute(
                f"INSERT INTO {quote(rows[0]._meta.db_table)} ({columns}) "
                f"VALUES {', '.join([one] * len(batch))} ON CONFLICT DO NOTHING",
                [
                    field.get_db_prep_save(field.pre_save(row, add=True), connection)
                    for row in batch
                    for field in fields
                ],
            )
            inserted += cursor.rowcount
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias
    return inserted
