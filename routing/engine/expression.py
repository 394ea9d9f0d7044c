"""Expressions, compiled once: ``compile(text)`` or ``compile_node(tree)`` -> an object asked ``matches(scope)``.

What the language means (null for what is missing, no coercion, arrays only under HAS and IN) is in
``values.compare``; the closures below are the same rules, specialised where one side is a constant. Both are held to
a naive evaluator by a property test.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from routing.engine.syntax import (
    ExpressionError,
    Node,
    conjunction,
    disjunction,
    fold,
    is_constant,
    parse,
    parse_lenient,
    value_of,
)
from routing.engine.values import ORDER, compare, resolve

__all__ = [
    "Expression",
    "ExpressionError",
    "bind",
    "compile",
    "compile_lenient",
    "compile_node",
    "literal",
    "mentions_task",
    "paths",
]

Scope = Mapping[str, Any]
Test = Callable[[Scope], bool]
Get = Callable[[Scope], Any]

#: What workers are known by besides their attributes, in target expressions; kept apart from attributes by the "@".
BUILT_IN = frozenset({"sid", "friendly_name", "activity_sid", "activity_name", "channel"})


class Expression:
    """A compiled expression: ``node`` is its normalised tree, ``matches`` its meaning."""

    __slots__ = ("matches", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.matches: Test = _compile(node)

    def __repr__(self) -> str:
        return f"Expression({self.node!r})"


@functools.lru_cache(maxsize=4096)
def compile(text: str) -> Expression:
    """An expression's text -> its compiled form. Raises ``ExpressionError``."""
    return compile_node(parse(text))


@functools.lru_cache(maxsize=4096)
def compile_lenient(text: str) -> tuple[Expression, str]:
    """As ``compile``, but a malformed tail never matches; the second value is the warning, or ``""``."""
    node, mistake = parse_lenient(text)
    return compile_node(node), mistake.message if mistake else ""


@functools.lru_cache(maxsize=16384)
def compile_node(node: Node) -> Expression:
    """A tree -> its compiled form; the same tree gives the same object."""
    return Expression(node)


def bind(node: Node, task: Scope) -> Node:
    """A target expression for one task: ``task.x`` becomes its value, ``worker.x`` a bare worker path.

    What comes out names workers only, so tasks that mean the same workers share one interned expression. A path with
    neither prefix names nothing.
    """
    if node[0] in ("and", "or"):
        parts = [bind(part, task) for part in node[1]]
        return conjunction(parts) if node[0] == "and" else disjunction(parts)
    if node[0] == "const":
        return node
    return fold(("cmp", node[1], _bind_operand(node[2], task), _bind_operand(node[3], task)))


def _bind_operand(operand: Node, task: Scope) -> Node:
    if operand[0] == "list":
        return ("list", tuple(_bind_operand(item, task) for item in operand[1]))
    if operand[0] != "path":
        return operand
    root, rest = operand[1][0], operand[1][1:]
    if root == "task":
        return literal(resolve(rest, task))
    if root == "worker" and rest:
        return ("path", ("@" + rest[0], *rest[1:])) if rest[0] in BUILT_IN else ("path", rest)
    return literal(None)


def literal(value: Any) -> Node:
    """A JSON value as a constant operand."""
    if isinstance(value, list):
        return ("list", tuple(literal(item) for item in value))
    if isinstance(value, bool):
        return ("lit", "bool", value)
    if isinstance(value, str):
        return ("lit", "str", value)
    if isinstance(value, (int, float)):
        return ("lit", "num", value)
    if isinstance(value, dict):
        return ("lit", "object", _Object(value))
    return ("lit", "null", None)


class _Object(dict[str, Any]):
    """An object as a constant: equal to an equal object, and hashable because trees are."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(sorted(self)))


def mentions_task(node: Node) -> bool:
    """Whether a target expression depends on the task."""
    return any(path[0] == "task" for path in paths(node))


def paths(node: Node) -> set[tuple[str, ...]]:
    """Every path an expression reads."""
    if node[0] in ("and", "or", "list"):
        return {path for part in node[1] for path in paths(part)}
    if node[0] == "cmp":
        return paths(node[2]) | paths(node[3])
    return {node[1]} if node[0] == "path" else set()


def _compile(node: Node) -> Test:
    kind = node[0]
    if kind == "const":
        return _always if node[1] else _never
    if kind == "cmp":
        return _compile_comparison(node[1], node[2], node[3])
    tests = tuple(_compile(part) for part in node[1])
    if len(tests) == 2:
        first, second = tests
        if kind == "and":
            return lambda scope: first(scope) and second(scope)
        return lambda scope: first(scope) or second(scope)

    def every(scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110  (a generator costs as much as a test)
            if not test(scope):
                return False
        return True

    def some(scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110
            if test(scope):
                return True
        return False

    return every if kind == "and" else some


def _always(scope: Scope) -> bool:
    return True


def _never(scope: Scope) -> bool:
    return False


def _getter(operand: Node) -> Get:
    if operand[0] == "path":
        segments = operand[1]
        if len(segments) == 1:
            (name,) = segments
            return lambda scope: scope.get(name)
        return lambda scope: resolve(segments, scope)
    if is_constant(operand):
        value = value_of(operand)
        return lambda scope: value
    getters = tuple(_getter(item) for item in operand[1])
    return lambda scope: [get(scope) for get in getters]


def _compile_comparison(operator: str, left: Node, right: Node) -> Test:
    get_left, get_right = _getter(left), _getter(right)
    if is_constant(right) and right[0] == "lit":
        specialised = _against_constant(operator, get_left, right)
        if specialised is not None:
            return specialised
    if operator in ("==", "!=") and left[0] == "lit" and right[0] == "path":
        specialised = _against_constant(operator, get_right, left)
        if specialised is not None:
            return specialised
    if operator == "IN" and is_constant(right) and right[0] == "list":
        values = value_of(right)
        if values and all(isinstance(value, str) for value in values):
            members = frozenset(values)
            return lambda scope: (value := get_left(scope)).__class__ is str and value in members
    return lambda scope: compare(operator, get_left(scope), get_right(scope))


def _against_constant(operator: str, get: Get, constant: Node) -> Test | None:
    """``path OPERATOR constant`` without the general case's questions."""
    _, kind, value = constant
    if kind == "str":
        if operator == "==":
            return lambda scope: bool(get(scope) == value)
        if operator == "!=":
            return lambda scope: (found := get(scope)) != value and found.__class__ is not list
        if operator == "HAS":
            return lambda scope: (found := get(scope)).__class__ is list and value in found
    if kind == "num" and operator in ORDER:
        order = ORDER[operator]
        return lambda scope: (found := get(scope)).__class__ in _NUMBERS and order(found, value)
    return None


_NUMBERS = (int, float)
