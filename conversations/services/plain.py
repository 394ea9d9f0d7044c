"""SQL written out, on the paths where building a query costs far more than running it.

Django builds and compiles every query anew: 0.7 ms of CPU for a lookup that PostgreSQL answers in 0.05 ms, and the way
of one message makes a dozen. Those few are here: the same models come out, converted by their own fields.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)

_Converter = Callable[[Any, Any, Any], Any]
#: (attribute names, per column its expression and what turns the driver's value into ours)
_Reader = tuple[list[str], list[tuple[Any, list[_Converter]]]]


@functools.cache
def _columns(model: type[models.Model]) -> str:
    table = model._meta.db_table
    return ", ".join(f'"{table}"."{field.column}"' for field in model._meta.concrete_fields)


@functools.cache
def _reader(model: type[models.Model], vendor: str) -> _Reader:
    fields = model._meta.concrete_fields
    readers = []
    for field in fields:
        expression = field.get_col(model._meta.db_table)  # of a foreign key: the type of what it points to
        converters = [*connection.ops.get_db_converters(expression), *field.get_db_converters(connection)]
        readers.append((expression, converters))
    return [field.attname for field in fields], readers


def select(model: type[M], rest: str, *values: tuple[Any, Any]) -> list[M]:
    """Rows of ``model``. ``rest`` is the SQL after FROM <table>, with %s for ``values``: (field, value) pairs, where
    field is one whose type the value has (``Channel._meta.pk``), or None for text and numbers."""
    return [row[0] for row in select_joined([model], f'"{model._meta.db_table}" {rest}', *values)]


def first(model: type[M], rest: str, *values: tuple[Any, Any]) -> M | None:
    """The first of ``select``, or None."""
    found = select(model, rest, *values)
    return found[0] if found else None


def exists(model: type[models.Model], condition: str, *values: tuple[Any, Any]) -> bool:
    """Whether ``model`` has a row for which ``condition`` (SQL, ``values`` as in ``select``) holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT 1 FROM "{model._meta.db_table}" WHERE {condition} LIMIT 1',
            [prepared(field, value) for field, value in values],
        )
        return cursor.fetchone() is not None


def select_joined(tables: Sequence[type[models.Model]], rest: str, *values: tuple[Any, Any]) -> list[tuple[Any, ...]]:
    """As ``select``, several models to a row; ``rest`` is the SQL after FROM, naming tables by their own names."""
    columns = ", ".join(_columns(model) for model in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {rest}", [prepared(field, value) for field, value in values])
        rows = cursor.fetchall()
    return [tuple(_instances(tables, row)) for row in rows]


def _instances(tables: Sequence[type[models.Model]], row: Sequence[Any]) -> list[Any]:
    found, start = [], 0
    for model in tables:
        names, readers = _reader(model, connection.vendor)
        values = []
        for value, (expression, converters) in zip(row[start : start + len(names)], readers, strict=True):
            for convert in converters:
                value = convert(value, expression, connection)
            values.append(value)
        found.append(model.from_db(connection.alias, names, values))
        start += len(names)
    return found


#: Rows of one INSERT: SQLite takes 32,766 parameters, PostgreSQL 65,535.
BATCH = 500


def insert(row: models.Model) -> None:
    """Insert a row. Raises ``IntegrityError`` as ``save(force_insert=True)`` does."""
    insert_all([row])


def insert_all(rows: Sequence[models.Model], *, on_conflict: str = "") -> int:
    """Insert rows of one model. Returns how many went in."""
    inserted = 0
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        fields = batch[0]._meta.concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        one = "(" + ", ".join(["%s"] * len(fields)) + ")"
        with connection.cursor() as cursor:
            cursor.execute(
                f'INSERT INTO "{batch[0]._meta.db_table}" ({columns}) '
                f"VALUES {', '.join([one] * len(batch))} {on_conflict}",
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


def update(row: models.Model, *names: str) -> None:
    """Write these fields of a row that is locked or nobody else's. Fields by their names."""
    fields = [row._meta.get_field(name) for name in names]
    changes = ", ".join(f'"{field.column}" = %s' for field in fields)  # type: ignore[union-attr]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]  # type: ignore[union-attr]
    key = row._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{row._meta.db_table}" SET {changes} WHERE "{key.column}" = %s', [*values, prepared(key, row.pk)]
        )


def execute(statement: str, *values: tuple[Any, Any]) -> None:
    """Run a statement that returns no rows; ``values`` as in ``select``."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [prepared(field, value) for field, value in values])


def prepared(field: Any, value: Any) -> Any:
    """A value as the driver takes it."""
    return value if field is None else field.get_db_prep_value(value, connection)
