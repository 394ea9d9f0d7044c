"""The contract: bodies made to hurt end quickly, and only with errors of ours."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from channels_adapters.contract_kit import golden
from contactcenter.lib.errors import UnparsablePayload
from tests.channels_adapters.suite import KITS, every_adapter, every_sample, parse_body

#: What a field may be turned into by someone who wants to see us fall.
POISON: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    "",
    "x",
    "\x00",
    "\ud83d",
    "9" * 400,
    [],
    {},
    [None],
    [[]],
    {"id": {"id": 1}},
)


#: Values nested deeper than this are left alone (one sample nests 400 levels).
MUTATED_DEPTH = 10


def _mutations(document: Any) -> Iterator[Any]:
    """``document`` with each of its values, one at a time, removed or turned into each poison."""
    paths: list[tuple[Any, ...]] = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        paths.append(path)
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            walk(inner, (*path, key))

    walk(document, ())
    for path in (path for path in paths[1:] if len(path) <= MUTATED_DEPTH):
        for poison in (*POISON, ...):
            mutant = copy.deepcopy(document)
            parent = mutant
            for key in path[:-1]:
                parent = parent[key]
            if poison is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = poison
            yield mutant


@every_sample
def test_any_field_may_be_anything(slug: str, path: Path) -> None:
    if path.suffix != ".json" or path.stat().st_size > 20_000:
        return
    for mutant in _mutations(json.loads(path.read_bytes())):
        body = json.dumps(mutant).encode()
        try:
            events = parse_body(slug, body)
        except UnparsablePayload:
            continue
        for event in events:
            assert 0 < len(event.key) <= 255
            assert "internal error" not in getattr(event, "error", ""), body
            json.dumps(golden([event]), ensure_ascii=False, allow_nan=False).encode("utf-8")


def _general_hostile() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "no json", b"\xff\xfe\x00hello"
    yield "deep arrays", b"[" * 100_000 + b"]" * 100_000
    yield "deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    yield "huge number", b'{"object":' + b"9" * 100_000 + b"}"
    yield "many keys", json.dumps({f"k{n}": n for n in range(100_000)}).encode()
    yield "a string", b'"hello"'
    yield "a number", b"1e999"
    yield "null", b"null"
    yield "truncated", b'{"object": "page", "entry": [{"id": "1'


@every_adapter
def test_hostile_bodies_end_quickly_and_only_with_our_own_errors(slug: str) -> None:
    for name, body in [*_general_hostile(), *KITS[slug].hostile()]:
        started = time.process_time()  # not the wall's: neighbours on the machine do not count
        try:
            events = parse_body(slug, body)
            json.dumps(golden(events), ensure_ascii=False, allow_nan=False).encode("utf-8")
        except UnparsablePayload:
            pass
        assert time.process_time() - started < 1.0, name
