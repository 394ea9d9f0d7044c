"""Liquid for flow documents: python-liquid, fenced in.

Templates are written by whoever may edit flows and fed with whatever customers write, so each rendering has a
budget (loops and filters spend it), sizes of source, values and output are capped, and what could be expensive
before any limit is looked at (unclosed delimiters, ranges outside ``for``) is refused while parsing. No Django.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TextIO

import liquid
from liquid import RenderContext
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import FilterArgumentError, LiquidError, LoopIterationLimitError, ResourceLimitError
from liquid.stringify import to_liquid_string

#: A rendered value, in bytes of UTF-8 (Studio's 16 kB); longer ones are cut.
MAX_RENDERED = 16 * 1024
MAX_SOURCE = 32 * 1024
MAX_EXPRESSION = 2000
_MAX_OUTPUT = 64 * 1024
_MAX_ITEMS = 4000
_MAX_BITS = 256
#: About a quarter of a second on a slow core in the worst templates found; ordinary ones spend a few dozen.
_BUDGET = 50_000

_TAG_NAMES = (
    "assign break capture case comment continue cycle decrement echo for if increment raw unless elsif "
    "else when endcapture endcase endcomment endfor endif endraw endunless #"
)
_TAGS = frozenset(_TAG_NAMES.split())

_END_RAW = re.compile(r"\{%-? {0,99}endraw {0,99}-?%\}")


class _TooMuch(ResourceLimitError):
    """The template asks for more work or more text than it may."""


class _Context(RenderContext):
    """Counts what the rendering costs."""

    __slots__ = ("left",)

    def __init__(self, template: liquid.BoundTemplate, **kwargs: Any) -> None:
        super().__init__(template, **kwargs)
        self.left = _BUDGET

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise _TooMuch("the template does too much work", token=None)

    def filter(self, name: str, token: Any) -> Callable[..., object]:
        return functools.partial(_guarded, self, name, super().filter(name, token))

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.spend(length * getattr(self.template, "iteration_cost", 1))


class _Template(liquid.BoundTemplate):
    context_class = _Context
    #: An iteration may run all of the template, so the template's length is the price of each.
    iteration_cost: int = 1


class _Loop(LoopExpression):
    """A loop over at most as many items as a list may have; ``reversed`` would make the list before any check."""

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Any, int]:
        it, length = super()._to_iter(obj, context)
        if length > _MAX_ITEMS:
            raise LoopIterationLimitError("the loop is too long", token=self.token)
        return it, length


class _ForTag(ForTag):
    def parse(self, stream: liquid.TokenStream) -> liquid.Node:
        node = super().parse(stream)
        if isinstance(node, ForNode):
            it = node.expression
            node.expression = _Loop(
                it.token,
                it.identifier,
                it.iterable,
                limit=it.limit,
                offset=it.offset,
                reversed_=it.reversed,
                cols=it.cols,
            )
        return node


class _OutputNode(OutputNode):
    """``{{ value }}``; an object is written as JSON, not in Python's notation."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        return buffer.write(_to_json(value) if isinstance(value, dict) else to_liquid_string(value, False))


class _Output(Output):
    node_class = _OutputNode


class _Environment(liquid.Environment):
    output_stream_limit: ClassVar[int | None] = _MAX_OUTPUT
    local_namespace_limit: ClassVar[int | None] = 4 * _MAX_OUTPUT
    template_class = _Template


def _weight(value: object) -> int:
    """How much handling a value costs. Raises when it is larger than a value may be."""
    if isinstance(value, str):
        if len(value) > _MAX_OUTPUT:
            raise _TooMuch("a text grew too long", token=None)
        return len(value) // 1024
    if isinstance(value, (list, tuple, range)):
        if len(value) > _MAX_ITEMS:
            raise _TooMuch("a list grew too long", token=None)
        return len(value) // 16
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise _TooMuch("a number grew too large", token=None)
    return 0


def _guarded(
    context: _Context, name: str, func: Callable[..., object], value: Any, *args: Any, **kwargs: Any
) -> object:
    context.spend(1 + _weight(value) + sum(map(_weight, args)))
    if name.startswith("replace") and len(args) > 1:
        # The one family of filters whose result can be the product of its inputs.
        text, old, new = str(value), str(args[0]), str(args[1])
        if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > _MAX_OUTPUT:
            raise _TooMuch("a text grew too long", token=None)
    if name in ("join", "uniq", "sort", "sort_natural", "concat", "sum") and isinstance(value, (list, tuple)):
        joint = str(args[0]) if args else " "
        context.spend(len(value) * len(value) // 1024)
        if sum(len(item) if isinstance(item, str) else 16 for item in value) + len(joint) * len(value) > _MAX_OUTPUT:
            raise _TooMuch("a list grew too long", token=None)
    result = func(value, *args, **kwargs)
    _weight(result)
    return result


def _to_json(value: object) -> str:
    if isinstance(value, liquid.Undefined):
        return "null"
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError) as error:
        raise FilterArgumentError("to_json: not a JSON value", token=None) from error


def _strip_html(value: object) -> str:
    """Without what stands between < and >, in one pass (the library's own goes through an HTML parser)."""
    kept, text = [], str(value)
    while True:
        before, opened, rest = text.partition("<")
        kept.append(before)
        inside, closed, text = rest.partition(">")
        if not (opened and closed):
            return "".join(kept) + (opened + inside if opened else "")


def _date(value: Any, fmt: Any = "", *, context: RenderContext) -> object:
    """Like Liquid's, but "now" is the moment of the step: the same step always renders the same text."""
    if isinstance(value, str):
        is_now = value.strip().lower() in ("now", "today")
        value = context.globals.get("now", "") if is_now else value[:64]
    if isinstance(value, int) and abs(value) > 253_402_300_799:
        raise FilterArgumentError("date: out of range", token=None)
    return _library_date(value, str(fmt)[:256], environment=context.env)


_environment = _Environment(extra=False)
for _name in ("include", "render", "tablerow", "ifchanged", "liquid", "doc"):
    _environment.tags.pop(_name, None)
_library_date = _environment.filters["date"]
_date.with_context = True  # type: ignore[attr-defined]
_environment.add_tag(_ForTag)
_environment.add_tag(_Output)
_environment.add_filter("to_json", _to_json)
_environment.add_filter("json", _to_json)
_environment.add_filter("date", _date)
_environment.add_filter("strip_html", _strip_html)
_environment.filters.pop("safe", None)


def _prepare(source: str) -> str:
    """Check what must hold before the library's lexer, whose expressions backtrack, may see the template.

    Returns the source with the inside of each delimiter trimmed. Raises ``LiquidError``.
    """
    if len(source) > MAX_SOURCE:
        raise _TooMuch(f"the template is longer than {MAX_SOURCE} characters", token=None)
    done: list[str] = []
    at = 0
    while True:
        opened = min((i for i in (source.find("{{", at), source.find("{%", at)) if i >= 0), default=-1)
        if opened < 0:
            done.append(source[at:])
            return "".join(done)
        close = "}}" if source[opened + 1] == "{" else "%}"
        closed = source.find(close, opened + 2)
        if closed < 0:
            raise LiquidError(f"'{source[opened : opened + 2]}' is never closed", token=None)
        inside = source[opened + 2 : closed]
        dash_left, inside = ("-", inside[1:]) if inside.startswith("-") else ("", inside)
        dash_right, inside = ("-", inside[:-1]) if inside.endswith("-") else ("", inside)
        inside = inside.strip()
        if len(inside) > MAX_EXPRESSION:
            raise _TooMuch("an expression is too long", token=None)
        if not inside:
            # "{{ }}": Studio renders nothing.
            done.append(source[at:opened])
        else:
            if close == "%}" and inside == "raw":
                ended = _END_RAW.search(source, closed)
                if ended is None:
                    raise LiquidError("'raw' is never closed", token=None)
                done.append(source[at : ended.end()])
                at = ended.end()
                continue
            if close == "%}" and inside.split(None, 1)[0].lstrip("-") not in _TAGS and inside[0] != "#":
                raise LiquidError(f"unknown tag '{inside.split(None, 1)[0][:40]}'", token=None)
            if _has_range(inside) and not inside.startswith("for "):
                raise LiquidError("a range may only stand in a 'for' tag", token=None)
            done.append(f"{source[at : opened + 2]}{dash_left} {inside} {dash_right}{close}")
        at = closed + 2


def _has_range(expression: str) -> bool:
    quote = ""
    for i, char in enumerate(expression):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "." and expression[i + 1 : i + 2] == ".":
            return True
    return False


@functools.lru_cache(maxsize=1024)
def _parse(source: str) -> _Template | str:
    """The parsed template, or what is wrong with it."""
    try:
        template = _environment.from_string(_prepare(source))
    except RecursionError:
        return "the template is nested too deeply"
    except LiquidError as error:
        return str(error.args[0]) if error.args else "not valid Liquid"
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        return f"not valid Liquid ({type(error).__name__})"
    assert isinstance(template, _Template)
    template.iteration_cost = len(source) // 16 + 1
    return template


@dataclasses.dataclass(frozen=True, slots=True)
class Rendered:
    """What a template became: its text, and what went wrong ("" when nothing did; then the text is "")."""

    text: str
    error: str = ""


def is_template(source: str) -> bool:
    return "{{" in source or "{%" in source


def check(source: str) -> str:
    """ "" when ``source`` is valid Liquid, else what is wrong with it."""
    if not is_template(source):
        return ""
    parsed = _parse(source)
    return parsed if isinstance(parsed, str) else ""


def render(source: str, context: Mapping[str, Any], *, at: dt.datetime | None = None) -> Rendered:
    """Render ``source`` with ``context``; ``at`` is what "now" means. Never raises, never takes long."""
    if not is_template(source):
        return Rendered(cap(source))
    template = _parse(source)
    if isinstance(template, str):
        return Rendered("", template)
    now = at or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    try:
        return Rendered(cap(template.render({**context, "now": now, "today": now.date()})))
    except LiquidError as error:
        return Rendered("", str(error.args[0]) if error.args else "could not be rendered")
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError, MemoryError) as error:
        # The library converts most of these itself; hostile input finds the rest.
        return Rendered("", f"could not be rendered ({type(error).__name__})")


def cap(text: str) -> str:
    """``text`` cut to what a rendered value may hold."""
    if len(text) * 4 <= MAX_RENDERED:
        return text
    return text.encode("utf-8", "replace")[:MAX_RENDERED].decode("utf-8", "ignore")
