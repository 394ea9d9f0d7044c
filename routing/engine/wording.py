"""Expressions told back to people: as text, and which part of one is why somebody does not match."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from routing.engine import expression
from routing.engine.syntax import Node
from routing.engine.values import resolve

MAX_TEXT = 300


def text(node: Node) -> str:
    """A tree as an expression. Parsing it again gives the same tree."""
    kind = node[0]
    if kind == "const":
        return "1==1" if node[1] else "1==0"
    if kind == "cmp":
        return f"{_operand(node[2])} {node[1]} {_operand(node[3])}"
    parts = [f"({text(part)})" if part[0] in ("and", "or") else text(part) for part in node[1]]
    return f" {kind.upper()} ".join(parts)


def short(value: Any) -> str:
    """A value as JSON, cut where it gets long."""
    shown = json.dumps(
        value, ensure_ascii=False, default=lambda odd: dict(odd) if isinstance(odd, Mapping) else str(odd)
    )
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"


def failing(node: Node, scope: Mapping[str, Any], task: Mapping[str, Any] | None = None) -> list[Node]:
    """The parts of an expression because of which it does not match: of an AND those that fail, else all of it.

    With ``task`` it is a target's expression: its paths begin with ``worker.`` and ``task.``.
    """
    bound = node if task is None else expression.bind(node, task)
    if expression.compile_node(bound).matches(scope):
        return []
    if node[0] == "and":
        return [found for part in node[1] for found in failing(part, scope, task)]
    return [node]


def actual(node: Node, scope: Mapping[str, Any], task: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the names in an expression stand for: as they are written -> the value, None where there is none."""
    found: dict[str, Any] = {}
    for path in sorted(expression.paths(node)):
        value: Any = None
        if task is None:
            value = resolve(path, scope)
        elif path[0] == "task":
            value = resolve(path[1:], task)
        elif path[0] == "worker" and len(path) > 1:
            root = "@" + path[1] if path[1] in expression.BUILT_IN else path[1]
            value = resolve((root, *path[2:]), scope)
        found[name(path)] = value
    return found


def name(path: tuple[str, ...]) -> str:
    """A path as it is written."""
    first = f"worker.{path[0][1:]}" if path[0].startswith("@") else path[0]
    rest = "".join(f"[{part}]" if part.isascii() and part.isdigit() else f".{part}" for part in path[1:])
    return first + rest


def _operand(operand: Node) -> str:
    if operand[0] == "path":
        return name(operand[1])
    if operand[0] == "list":
        return f"[{', '.join(_operand(item) for item in operand[1])}]"
    kind: str = operand[1]
    value: Any = operand[2]
    if kind == "str":
        return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
    return {"null": "null", "bool": str(value).lower()}.get(kind) or json.dumps(value)
