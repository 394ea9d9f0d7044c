"""Lists page by page: where a page ends is a place in the order (keyset), so no page is slower than the first."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from routing.api import errors, forms

DEFAULT_SIZE = 50
MAX_SIZE = 1000
#: Rows looked at for one page of an expression filter; the page may be short then, and the next one goes on there.
SCAN_LIMIT = 20_000
_SCAN_CHUNK = 1_000
_SALT = "taskrouter.page"

RowType = TypeVar("RowType", bound=Model)


class Paging(serializers.Serializer[Any]):
    """What every list takes."""

    page_size = serializers.IntegerField(
        min_value=1, max_value=MAX_SIZE, required=False, help_text=f"Rows per page, {DEFAULT_SIZE} if not given."
    )
    page_token = serializers.CharField(
        max_length=1024, required=False, help_text="Where the page begins, from `meta.next_page_url`. Opaque."
    )


@dataclass(frozen=True)
class Order:
    """A column rows are ordered by; never null."""

    field: str
    descending: bool = False


BY_AGE = (Order("id"),)
NEWEST_FIRST = (Order("id", descending=True),)


@dataclass(frozen=True)
class _Place:
    """A decoded PageToken: the row beside the page, which way the page lies, its number."""

    values: tuple[Any, ...]
    backwards: bool
    number: int


@dataclass
class Page(Generic[RowType]):
    rows: list[RowType]
    meta: dict[str, Any]


def page(
    request: Request,
    rows: QuerySet[RowType],
    *,
    key: str,
    order: Sequence[Order] = BY_AGE,
    matches: Callable[[RowType], bool] | None = None,
) -> Page[RowType]:
    """One page of ``rows`` and its ``meta``. ``matches`` filters in Python what SQL cannot.

    Raises ``ApiError`` for a bad PageSize or PageToken and for absolute paging (``Page=``).
    """
    given = forms.query_values(request)
    if "Page" in given:
        raise errors.ApiError(400, errors.ABSOLUTE_PAGING, "Absolute paging is not supported; follow next_page_url.")
    asked = forms.query(request, Paging)
    size = asked.get("page_size", DEFAULT_SIZE)
    place = _decode(asked["page_token"], order) if "page_token" in asked else _Place((), False, 0)
    found, ended_at = _fetch(rows, order, place, size, matches)
    more = ended_at is not None
    if place.backwards:
        found.reverse()
    has_next = place.backwards or more
    has_previous = more if place.backwards else bool(place.values)
    first = found[0] if found else None
    last = ended_at if more and not place.backwards else (found[-1] if found else None)
    return Page(
        found,
        {
            "key": key,
            "page": place.number,
            "page_size": size,
            "first_page_url": _url(request, size, None),
            "previous_page_url": _url(request, size, _encode(first, order, True, max(place.number - 1, 0)))
            if has_previous and first is not None
            else None,
            "url": _url(request, size, asked.get("page_token")),
            "next_page_url": _url(request, size, _encode(last, order, False, place.number + 1))
            if has_next and last is not None
            else None,
        },
    )


def _fetch(
    rows: QuerySet[RowType],
    order: Sequence[Order],
    place: _Place,
    size: int,
    matches: Callable[[RowType], bool] | None,
) -> tuple[list[RowType], RowType | None]:
    """The page's rows in the place's direction, and the row it goes on after (None: there is nothing more)."""
    turned = [Order(column.field, column.descending != place.backwards) for column in order]
    rows = rows.order_by(*(f"-{column.field}" if column.descending else column.field for column in turned))
    if matches is None:
        found = list((rows.filter(_after(turned, place.values)) if place.values else rows)[: size + 1])
        return found[:size], found[size - 1] if len(found) > size else None
    kept: list[RowType] = []
    values = place.values
    for _ in range(0, SCAN_LIMIT, _SCAN_CHUNK):
        chunk = list((rows.filter(_after(turned, values)) if values else rows)[:_SCAN_CHUNK])
        for row in chunk:
            if matches(row):
                if len(kept) == size:
                    return kept, kept[-1]
                kept.append(row)
        if len(chunk) < _SCAN_CHUNK:
            return kept, None
        values = tuple(getattr(chunk[-1], column.field) for column in order)
    return kept, chunk[-1]


def _after(order: Sequence[Order], values: Sequence[Any]) -> Q:
    """Rows past these values: (a > x) or (a = x and b > y) or ..."""
    condition, equal = Q(pk__in=()), Q()
    for column, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{column.field}__{'lt' if column.descending else 'gt'}": value})
        equal &= Q(**{column.field: value})
    return condition


def _url(request: Request, size: int, token: str | None) -> str:
    kept = [(name, value) for name, values in forms.query_values(request).items() for value in values]
    kept = [(name, value) for name, value in kept if name not in ("PageSize", "PageToken", "page_size", "page_token")]
    kept.append(("PageSize", str(size)))
    if token is not None:
        kept.append(("PageToken", token))
    return request.build_absolute_uri(f"{request.path}?{urlencode(kept)}")


def _encode(row: Model, order: Sequence[Order], backwards: bool, number: int) -> str:
    values = [_plain(getattr(row, column.field)) for column in order]
    return signing.dumps([_shape(order), values, int(backwards), number], salt=_SALT, compress=False)


def _decode(token: str, order: Sequence[Order]) -> _Place:
    try:
        shape, values, backwards, number = signing.loads(token, salt=_SALT)
        if shape != _shape(order):
            raise ValueError
        return _Place(tuple(_value(value) for value in values), bool(backwards), int(number))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise errors.invalid("PageToken", "This is no place in this list. Start again without it.") from error


def _shape(order: Iterable[Order]) -> str:
    return ",".join(f"{'-' if column.descending else ''}{column.field}" for column in order)


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return ["u", value.hex]
    return ["d", value.isoformat()] if isinstance(value, dt.datetime) else ["n", value]


def _value(packed: list[Any]) -> Any:
    kind, value = packed
    if kind == "u":
        return uuid.UUID(hex=value)
    return dt.datetime.fromisoformat(value) if kind == "d" else value
