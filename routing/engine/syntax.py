"""The expression language's grammar: text -> normalised tuples (taskrouter.md names it in its section on expressions).

A node is ``("and", (nodes))``, ``("or", (nodes))``, ``("const", bool)`` or ``("cmp", op, left, right)``; an operand is
``("lit", kind, value)``, ``("list", (operands))`` or ``("path", (segments))``. Tuples are hashable and compare by
value, which is what interning needs; ``kind`` keeps ``1`` and ``true`` apart.

    expr     := and ( OR and )*                     AND binds tighter than OR
    and      := term ( AND term )*
    term     := '(' expr ')' | operand OP operand
    OP       := == = != < <= > >= CONTAINS HAS IN NOT IN        words in any case; "! =" may be spaced
    operand  := string | number | true | false | null | list | path
"""

from __future__ import annotations

import re
from typing import Any

from contactcenter.lib.errors import Refused
from contactcenter.lib.remark import Remark
from routing.engine.values import compare

Node = tuple[Any, ...]

MAX_LENGTH = 32_768
MAX_DEPTH = 64
MAX_CLAUSES = 1_000
#: Tokens before a mistake at which a readable beginning is looked for.
_BACK = 16

_TOKEN = re.compile(
    r"""\s*+(?:
      (?P<str>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
     |(?P<num>-?[0-9]+(?:\.[0-9]+)?(?![\w$]))
     |(?P<op>==|!\s*=|<=|>=|=|<|>)
     |(?P<punct>[()\[\],])
     |(?P<path>[A-Za-z_$][\w$]*(?:\.[\w$]+|\[[0-9]+\])*)
    )""",
    re.X | re.S,
)
_SEGMENT = re.compile(r"[\w$]+")
_ESCAPE = re.compile(r"\\(.)", re.S)
_WORDS = {"AND": "bool", "OR": "bool", "HAS": "op", "IN": "op", "CONTAINS": "op", "NOT": "op"}
_LITERALS: dict[str, Node] = {
    "TRUE": ("lit", "bool", True),
    "FALSE": ("lit", "bool", False),
    "NULL": ("lit", "null", None),
}
_OPERATOR = Remark("an operator (==, !=, <, <=, >, >=, HAS, IN, NOT IN, CONTAINS)")
_OPERAND = Remark("a name, a value or a list")
_JOIN = Remark("AND, OR or the end")
_END = "the end"

TRUE: Node = ("const", True)
FALSE: Node = ("const", False)


class ExpressionError(Refused):
    """An expression that cannot be read: where, what was expected there, and what stands there instead."""

    code = "routing.bad_expression"

    def __init__(self, position: int, expected: str, found: str = "") -> None:
        self.position = position
        self.expected = expected
        self.found = found[:40]
        said = {"position": position, "expected": expected}
        if found == _END:
            message = Remark("At position %(position)s: expected %(expected)s, found the end.", **said)
        elif found:
            said["found"] = repr(self.found)
            message = Remark("At position %(position)s: expected %(expected)s, found %(found)s.", **said)
        else:
            message = Remark("At position %(position)s: expected %(expected)s.", **said)
        super().__init__(message)


def parse(text: str) -> Node:
    """The normalised tree of an expression. Raises ``ExpressionError`` with the position and what was expected."""
    return _Parser(text).whole()


def parse_lenient(text: str) -> tuple[Node, ExpressionError | None]:
    """As ``parse``, for documents that are already in use: what follows the first mistake never matches.

    The longest readable beginning is kept. Joined to it by AND, the unreadable rest makes it never match; otherwise
    the rest counts as one more alternative that never matches. Returns the tree and the mistake, if there was one.
    """
    try:
        parser = _Parser(text)
    except ExpressionError as error:
        return FALSE, error
    try:
        return parser.whole(), None
    except ExpressionError as error:
        mistake = error
    for end in reversed(parser.starts[-_BACK:]):
        try:
            tree = parse(text[:end])
        except ExpressionError:
            continue
        joined = text[end : end + 3].upper() == "AND"
        return (FALSE if joined else tree), mistake
    return FALSE, mistake


def conjunction(nodes: list[Node]) -> Node:
    """All of them: flattened, without doubles and constants, in one order, so equal meanings are equal tuples."""
    return _join("and", nodes, absorbing=FALSE, neutral=TRUE)


def disjunction(nodes: list[Node]) -> Node:
    """Any of them; normalised like ``conjunction``."""
    return _join("or", nodes, absorbing=TRUE, neutral=FALSE)


def _join(kind: str, nodes: list[Node], *, absorbing: Node, neutral: Node) -> Node:
    parts: dict[Node, None] = {}
    for node in nodes:
        for part in node[1] if node[0] == kind else (node,):
            if part == absorbing:
                return absorbing
            if part != neutral:
                parts[part] = None
    if not parts:
        return neutral
    if len(parts) == 1:
        return next(iter(parts))
    return (kind, tuple(sorted(parts, key=repr)))


class _Parser:
    """One pass over the text; the current token is ``kind``, ``value``, ``start``."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(MAX_LENGTH, Remark("at most %(number)s characters", number=MAX_LENGTH))
        self.text = text
        self.length = len(text.rstrip())
        self.position = 0
        self.clauses = 0
        #: where tokens begin, up to where reading stopped
        self.starts: list[int] = []
        self.kind = self.value = ""
        self.start = 0
        self.next()

    def whole(self) -> Node:
        tree = self.expression(0)
        if self.kind != "end":
            raise self.error(_JOIN)
        return tree

    def error(self, expected: str) -> ExpressionError:
        return ExpressionError(self.start, expected, self.text[self.start : self.position] or _END)

    def next(self) -> None:
        if self.position >= self.length:
            self.kind, self.value, self.start = "end", "", self.length
            return
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            rest = self.text[self.position :].lstrip()
            start = len(self.text) - len(rest)
            self.starts.append(start)
            expected = Remark("a name, a value, an operator or a bracket")
            raise ExpressionError(start, expected, self.text[start : start + 20])
        kind = str(match.lastgroup)
        self.start, self.position = match.start(kind), match.end()
        self.starts.append(self.start)
        value = match.group(kind)
        if kind == "path" and (word := value.upper()) in _WORDS:
            kind, value = _WORDS[word], word
        elif kind == "op":
            value = "==" if value == "=" else "!=" if value[0] == "!" else value
        self.kind, self.value = kind, value

    def at(self, kind: str, value: str) -> bool:
        return self.kind == kind and self.value == value

    def expression(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ExpressionError(self.start, Remark("at most %(number)s nested brackets", number=MAX_DEPTH))
        nodes = [self.conjunction(depth)]
        while self.at("bool", "OR"):
            self.next()
            nodes.append(self.conjunction(depth))
        return disjunction(nodes)

    def conjunction(self, depth: int) -> Node:
        nodes = [self.term(depth)]
        while self.at("bool", "AND"):
            self.next()
            nodes.append(self.term(depth))
        return conjunction(nodes)

    def term(self, depth: int) -> Node:
        if self.at("punct", "("):
            self.next()
            tree = self.expression(depth + 1)
            if not self.at("punct", ")"):
                raise self.error(Remark("AND, OR or ')'"))
            self.next()
            return tree
        self.clauses += 1
        if self.clauses > MAX_CLAUSES:
            raise ExpressionError(self.start, Remark("at most %(number)s comparisons", number=MAX_CLAUSES))
        left = self.operand(depth)
        if self.kind != "op":
            raise self.error(_OPERATOR)
        operator = self.value
        self.next()
        if operator == "NOT":
            if not self.at("op", "IN"):
                raise self.error(Remark("IN after NOT"))
            self.next()
            operator = "NOT IN"
        return fold(("cmp", operator, left, self.operand(depth)))

    def operand(self, depth: int) -> Node:
        kind, value = self.kind, self.value
        if kind == "str":
            operand: Node = ("lit", "str", _ESCAPE.sub(r"\1", value[1:-1]))
        elif kind == "num":
            if len(value) > 32:
                raise self.error(Remark("a number of at most 32 digits"))
            number = float(value) if "." in value else int(value)
            operand = ("lit", "num", int(number) if number == int(number) else number)
        elif kind == "path":
            operand = _LITERALS.get(value.upper()) or ("path", tuple(_SEGMENT.findall(value)))
        elif self.at("punct", "["):
            return self.items(depth)
        else:
            raise self.error(_OPERAND)
        self.next()
        return operand

    def items(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ExpressionError(self.start, Remark("at most %(number)s nested brackets", number=MAX_DEPTH))
        self.next()
        found: list[Node] = []
        while not self.at("punct", "]"):
            if found:
                if not self.at("punct", ","):
                    raise self.error(Remark("',' or ']'"))
                self.next()
            found.append(self.operand(depth + 1))
        self.next()
        return ("list", tuple(found))


def fold(node: Node) -> Node:
    """A comparison without names is a constant."""
    _, operator, left, right = node
    if is_constant(left) and is_constant(right):
        return TRUE if compare(operator, value_of(left), value_of(right)) else FALSE
    return node


def is_constant(operand: Node) -> bool:
    if operand[0] == "list":
        return all(is_constant(item) for item in operand[1])
    return bool(operand[0] == "lit")


def value_of(operand: Node) -> Any:
    """The value of a constant operand."""
    return [value_of(item) for item in operand[1]] if operand[0] == "list" else operand[2]
