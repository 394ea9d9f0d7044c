"""An inverted index over what workers are: for a path, which workers have which value, as integers used as bitsets.

An expression over workers becomes a handful of ANDs and ORs (2 us for ten thousand workers instead of milliseconds).
Paths are indexed when an expression first asks for them. What no index answers is decided one worker at a time, and
only for those the rest of the expression left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routing.engine import expression
from routing.engine.syntax import Node, is_constant, value_of
from routing.engine.values import ORDER, is_number, ordered, resolve, text

Scope = Mapping[str, Any]


_NO_KEY: tuple[str, Any] = ("none", None)


class _Path:
    """One indexed path: workers by scalar value, by list member, with a list, with anything at all."""

    __slots__ = ("lists", "members", "present", "scalars", "segments")

    def __init__(self, segments: tuple[str, ...]) -> None:
        self.segments = segments
        self.scalars: dict[tuple[str, Any], int] = {}
        self.members: dict[tuple[str, Any], int] = {}
        self.lists = 0
        self.present = 0

    def toggle(self, scope: Scope, bit: int) -> None:
        """Add a worker's value, or take it out again."""
        value = resolve(self.segments, scope)
        if value is None:
            return
        self.present ^= bit
        if isinstance(value, list):
            self.lists ^= bit
            for key in {key for item in value if (key := _key(item)) is not None}:
                _flip(self.members, key, bit)
        elif (key := _key(value)) is not None:
            _flip(self.scalars, key, bit)


def _flip(table: dict[tuple[str, Any], int], key: tuple[str, Any], bit: int) -> None:
    bits = table.get(key, 0) ^ bit
    if bits:
        table[key] = bits
    else:
        del table[key]


def _key(value: Any) -> tuple[str, Any] | None:
    """A scalar as a table key; 1 and true differ, 1 and 1.0 do not. None: not a scalar (null has no key either)."""
    if isinstance(value, str):
        return ("str", value)
    if isinstance(value, bool):
        return ("bool", value)
    return ("num", value) if is_number(value) else None


class Postings:
    """The workers' scopes by slot, and the sets of slots that expressions mean."""

    def __init__(self) -> None:
        self.everyone = 0
        self.scopes: list[Scope | None] = [None]
        self._paths: dict[tuple[str, ...], _Path] = {}

    def put(self, slot: int, scope: Scope) -> set[str] | None:
        """A worker is, or is now, like this. The names whose values are others than before; None: they are new."""
        while len(self.scopes) <= slot:
            self.scopes.append(None)
        before, bit = self.scopes[slot], 1 << slot
        self.scopes[slot] = scope
        if before is None:
            self.everyone |= bit
            for path in self._paths.values():
                path.toggle(scope, bit)
            return None
        names = {name for name in before.keys() | scope.keys() if before.get(name) != scope.get(name)}
        for path in self._paths.values():
            if path.segments[0] in names:
                path.toggle(before, bit)
                path.toggle(scope, bit)
        return names

    def drop(self, slot: int) -> None:
        """The worker is gone. Unknown ones change nothing."""
        before = self.scopes[slot]
        if before is None:
            return
        bit = 1 << slot
        for path in self._paths.values():
            path.toggle(before, bit)
        self.scopes[slot] = None
        self.everyone ^= bit

    def matching(self, node: Node) -> int:
        """The workers an expression means."""
        return self._select(node, self.everyone)

    def _select(self, node: Node, among: int) -> int:
        if not among:
            return 0
        kind = node[0]
        if kind == "const":
            return among if node[1] else 0
        if kind == "or":
            found = 0
            for part in node[1]:
                found |= self._select(part, among & ~found)
            return found
        if kind == "and":
            late: list[Node] = []
            for part in node[1]:
                bits = self._indexed(part) if part[0] == "cmp" else self._select(part, among)
                if bits is None:
                    late.append(part)
                else:
                    among &= bits
            for part in late:
                among = self._one_by_one(part, among)
            return among
        bits = self._indexed(node)
        return self._one_by_one(node, among) if bits is None else bits & among

    def _one_by_one(self, node: Node, among: int) -> int:
        test, found = expression.compile_node(node).matches, 0
        for slot in slots(among):
            scope = self.scopes[slot]
            if scope is not None and test(scope):
                found |= 1 << slot
        return found

    def _indexed(self, node: Node) -> int | None:
        """The workers a comparison means, as the index knows; None: it does not."""
        _, operator, left, right = node
        if any(side[0] == "path" and side[1][0] == "@channel" for side in (left, right)):
            return None  # counters move with every offer; who has which is not kept
        if left[0] == "path" and is_constant(right):
            path = self._path(left[1])
            if operator in ("IN", "NOT IN"):
                return self._in_constant(path, operator, right)
            value = value_of(right)
            if operator == "HAS":
                key = _key(value)
                return None if key is None else path.members.get(key, 0)
            return None if isinstance(value, (list, dict)) else self._against(path, operator, value)
        if left[0] == "lit" and right[0] == "path":
            path, key = self._path(right[1]), _key(left[2])
            if key is None:
                return None
            if operator == "IN":
                return path.members.get(key, 0)
            if operator == "NOT IN":
                return (self.everyone & ~path.present | path.lists) & ~path.members.get(key, 0)
            if operator in ("==", "!="):
                return self._against(path, operator, left[2])
        return None

    def _against(self, path: _Path, operator: str, value: Any) -> int:
        if operator in ("==", "!="):
            same = self.everyone & ~path.present if value is None else path.scalars.get(_key(value) or _NO_KEY, 0)
            return same if operator == "==" else self.everyone & ~same & ~path.lists
        found = 0
        if operator == "CONTAINS":
            part = None if value is None else text(value)
            for (kind, held), bits in path.scalars.items():
                if kind == "str" and part is not None and part in held:
                    found |= bits
            return found
        test = ORDER[operator]
        for (kind, held), bits in path.scalars.items():
            if kind != "bool" and ordered(held, value) and test(held, value):
                found |= bits
        return found

    def _in_constant(self, path: _Path, operator: str, right: Node) -> int | None:
        if right[0] != "list":
            # A scalar is no list: nothing is in it, and only null counts as one that holds nothing.
            return self.everyone & ~path.lists if operator == "NOT IN" and right[2] is None else 0
        values = value_of(right)
        if any(isinstance(value, (list, dict)) for value in values):
            return None
        bits = 0
        for value in values:
            bits |= self._against(path, "==", value)
        return bits if operator == "IN" else self.everyone & ~bits & ~path.lists

    def _path(self, segments: tuple[str, ...]) -> _Path:
        path = self._paths.get(segments)
        if path is None:
            path = self._paths[segments] = _Path(segments)
            for slot, scope in enumerate(self.scopes):
                if scope is not None:
                    path.toggle(scope, 1 << slot)
        return path


_BITS = [tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256)]
_SOMETHING = re.compile(rb"[^\x00]")


def slots(bits: int) -> Iterator[int]:
    """The slot numbers in a bitset, ascending."""
    # Over its bytes: taking single bits off a long integer copies all of it each time.
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for match in _SOMETHING.finditer(data):
        index = match.start()
        for bit in _BITS[data[index]]:
            yield index * 8 + bit
