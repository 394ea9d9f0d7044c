"""SQL for the paths where building it anew each time costs more than running it. PostgreSQL and SQLite alike.

Django compiles a query in half a millisecond or more; the router's tick and the doors run a dozen each. Here a
queryset is compiled once (``Prepared``), and many rows are written and changed as plain values. What is read and
written one model instance at a time is in ``conversations.services.plain``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

from contactcenter.lib import fast_json
from conversations.services import plain

Row = tuple[Any, ...]
Made = TypeVar("Made", bound=Model)

#: Parameters of one statement: SQLite takes 32,766.
MAX_PARAMETERS = 30_000
_MARK = uuid.UUID(int=0xCC << 120 | 1)


def id(row_id: Any) -> Any:
    """A row id as the database stores it."""
    return row_id if connection.features.has_native_uuid_field else row_id.hex


def read_id(stored: Any) -> uuid.UUID:
    """A row id as the database returned it."""
    return stored if isinstance(stored, uuid.UUID) else uuid.UUID(hex=stored)


def time(at: dt.datetime | None) -> Any:
    """A moment as the database stores it."""
    return None if at is None else connection.ops.adapt_datetimefield_value(at)


def execute(statement: str, parameters: Sequence[Any]) -> list[Row]:
    """Run one statement; the rows it returned, as the database gives them."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


class Prepared:
    """A query over rows with certain ids, compiled once per database.

    ``build`` gets a list of ids and returns the queryset, with that list in one ``__in`` (its only use).
    """

    def __init__(self, build: Callable[[list[uuid.UUID]], QuerySet[Any, Any]]) -> None:
        self._build = build
        self._compiled: dict[str, tuple[str, str, list[Any], int, Any, Any, type[Model]]] = {}

    def rows(self, ids: Collection[uuid.UUID]) -> list[Row]:
        """The query's rows, with Python values, as ``values_list`` would give them."""
        found: list[Row] = []
        wanted = list(ids)
        for start in range(0, len(wanted), MAX_PARAMETERS):
            found += self._run(wanted[start : start + MAX_PARAMETERS])
        return found

    def objects(self, ids: Collection[uuid.UUID]) -> list[Any]:
        """The query's rows as instances of its model (of a queryset that selects plain rows)."""
        rows = self.rows(ids)
        model = self._ready()[-1]
        names = [field.attname for field in model._meta.concrete_fields]
        return [model.from_db(connection.alias, names, row) for row in rows]

    def _run(self, ids: list[uuid.UUID]) -> list[Row]:
        if not ids:
            return []
        head, tail, parameters, place, compiler, converters, _ = self._ready()
        if connection.vendor == "postgresql":  # one parameter, so that it is one statement whatever their number
            marks, given = "= ANY(%s::uuid[])", [_ARRAYS["uuid"](ids)]
        else:
            marks, given = f"IN ({', '.join(['%s'] * len(ids))})", [id(one) for one in ids]
        rows = execute(f"{head}{marks}{tail}", [*parameters[:place], *given, *parameters[place + 1 :]])
        return [tuple(row) for row in compiler.apply_converters(rows, converters)] if converters else rows

    def _ready(self) -> tuple[str, str, list[Any], int, Any, Any, type[Model]]:
        known = self._compiled.get(connection.vendor)
        if known is not None:
            return known
        queryset = self._build([_MARK])
        compiler = queryset.query.get_compiler(connection=connection)
        text, parameters = compiler.as_sql()
        place = next(index for index, value in enumerate(parameters) if value == id(_MARK))
        parts = text.split("%s")
        head = "%s".join(parts[: place + 1]).removesuffix("IN (")
        tail = "%s".join(parts[place + 1 :]).removeprefix(")")
        converters = compiler.get_converters([column[0] for column in compiler.select])
        known = (head, tail, list(parameters), place, compiler, converters, queryset.model)
        self._compiled[connection.vendor] = known
        return known


def insert(rows: Sequence[Made]) -> Sequence[Made]:
    """Insert rows of one model, and give them back. Raises ``IntegrityError`` as the database says."""
    plain.insert_all(rows)
    return rows


class Sent:
    """A statement over many rows that has been sent; the database may still be working on it."""

    def __init__(self, cursor: CursorWrapper | None, rows: list[Row]) -> None:
        self._cursor, self._rows = cursor, rows

    def rows(self) -> list[Row]:
        """What it returned, once it is done. Raises ``IntegrityError`` as the database says."""
        if self._cursor is not None:
            with self._cursor:
                self._rows, self._cursor = self._cursor.fetchall(), None
        return self._rows


@contextlib.contextmanager
def pipelined() -> Iterator[None]:
    """Statements sent in this block do not wait for each other (PostgreSQL's pipeline mode; elsewhere they do).

    What one returns is asked for with ``Sent.rows``; what one that returns nothing did wrong is raised at the end of
    the block. ``execute`` does inside for statements that return nothing.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def check_foreign_keys() -> None:
    """Have PostgreSQL check this transaction's foreign keys now, in ``pipelined``, instead of while it commits."""
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE", [])


class Composed:
    """A statement over many rows with all its parameters, ready to be sent."""

    def __init__(
        self,
        statement: str,
        columns: Sequence[Sequence[Any]],
        types: Sequence[str],
        *,
        table: str = "",
        now: dt.datetime,
    ) -> None:
        """A statement over rows given by their columns.

        In ``statement``, ``{values}`` stands for the rows as ``v`` (columns column1, column2 ..., of PostgreSQL's
        ``types``; values of "json" are given as its text), ``{now}`` for the time. With ``table``, its rows (by the
        ids in column1) are locked in the order of their ids first, so that two such statements cannot wait for each
        other. "hex" is an id given as its hex digits.
        """
        times = [time(now)] * statement.count("{now}")
        #: text and parameters; several of them where there are too many for one
        self._parts: list[tuple[str, list[Any]]] = []
        self._waits = connection.vendor != "postgresql"
        if self._waits:
            self._compose_values(statement, columns, times)
            return
        # Each column goes over as one array: the server reads that faster than a list of values.
        arrays = [_ARRAYS.get(type, _array)(column) for type, column in zip(types, columns, strict=True)]
        self._parts.append((_text(statement, tuple(types), table), [*times, *arrays]))

    def _compose_values(self, statement: str, columns: Sequence[Sequence[Any]], times: list[Any]) -> None:
        per_statement = max(1, MAX_PARAMETERS // len(columns))
        one = "(" + ", ".join(["%s"] * len(columns)) + ")"
        rows = list(zip(*columns, strict=True))
        for start in range(0, len(rows), per_statement):
            some = rows[start : start + per_statement]
            text = statement.replace("{now}", "%s").replace("{values}", f"(VALUES {', '.join([one] * len(some))}) AS v")
            self._parts.append((text, [*times, *(stored(value) for row in some for value in row)]))

    def send(self) -> Sent:
        """Send it; on PostgreSQL inside ``pipelined``."""
        if self._waits:
            return Sent(None, [row for text, parameters in self._parts for row in execute(text, parameters)])
        [(text, parameters)] = self._parts
        cursor = connection.cursor()
        cursor.execute(text, parameters)
        return Sent(cursor, [])


@functools.cache
def _text(statement: str, types: tuple[str, ...], table: str) -> str:
    """The statement as PostgreSQL gets it. Wants ``{now}`` before ``{values}``."""
    names = ", ".join(f"column{number}" for number in range(1, len(types) + 1))
    arrays = [_ELEMENTS.get(type, f"unnest(%s::{type}[])") for type in types]
    values = f"ROWS FROM ({', '.join(arrays)}) AS v({names})"
    if table:
        values = (
            f"(SELECT v.* FROM {values} JOIN {table} AS held ON held.id = v.column1"
            " ORDER BY held.id FOR NO KEY UPDATE OF held) AS v"
        )
    return statement.replace("{now}", "%s::timestamptz").replace("{values}", values)


def _array(column: Sequence[Any]) -> Any:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


#: How one parameter becomes a column again, where the type alone does not say it.
_ELEMENTS = {"json": "unnest(%b::text[]::json[])", "hex": "unnest(%s::uuid[])"}
#: How a column of a type looks as one parameter.
_ARRAYS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "uuid": lambda column: "{" + ",".join(["NULL" if value is None else value.hex for value in column]) + "}",
    "hex": lambda column: "{" + ",".join(column) + "}",
    "int": lambda column: "{" + ",".join(map(str, column)) + "}",
    "json": lambda column: column,
}


def write(table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows given as plain values: ids, numbers, texts, moments, and JSON as dicts.

    Where there are many, PostgreSQL takes them as one stream (COPY). Raises ``IntegrityError`` as the database says.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.vendor == "postgresql" and len(rows) > 1:
        text = "".join(["\t".join([_COPIED.get(value.__class__, str)(value) for value in row]) + "\n" for row in rows])
        statement = f'COPY "{table}" ({names}) FROM STDIN'
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as stream:
            stream.write(text)
        return
    per_statement = MAX_PARAMETERS // len(columns)
    one = "(" + ", ".join(["%s"] * len(columns)) + ")"
    for start in range(0, len(rows), per_statement):
        some = rows[start : start + per_statement]
        values = [stored(value) for row in some for value in row]
        execute(f'INSERT INTO "{table}" ({names}) VALUES {", ".join([one] * len(some))}', values)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
#: How a value of a kind looks in COPY's text format.
_COPIED: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "\\N",
    uuid.UUID: lambda value: f"{value.int:032x}",
    str: lambda value: value.translate(_ESCAPES),
    dict: lambda value: json_text(value).replace("\\", "\\\\"),
}


def stored(value: Any) -> Any:
    """A plain value as a parameter of a statement."""
    if isinstance(value, uuid.UUID):
        return id(value)
    if isinstance(value, dt.datetime):
        return time(value)
    return json_text(value) if isinstance(value, dict) else value


def json_text(value: Any) -> str:
    """JSON-like data as text."""
    return fast_json.dumps(value).decode()
