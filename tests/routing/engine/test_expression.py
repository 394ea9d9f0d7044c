"""The expression language: what it accepts, what it means, and how it says no."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import expression, syntax
from routing.engine.expression import ExpressionError
from routing.engine.postings import Postings, slots
from tests.routing.engine import naive


def matches(text: str, **scope: Any) -> bool:
    return expression.compile(text).matches(scope)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("1==1", {}),
        ("language IN ['en', 'es']", {"language": "es"}),
        ('(skills HAS "support") AND (languages HAS "english")', {"skills": ["support"], "languages": ["english"]}),
        ("worker.waitingOfflineContact != true", {"worker": {}}),
        ("a == 1 OR b == 1 AND c == 1", {"a": 1}),
        ("a == 1 or b == 1 And c == 1", {"b": 1, "c": 1}),
        ("object.array[2] == 'c'", {"object": {"array": ["a", "b", "c"]}}),
        ("task.targetWorker = worker.sid", {"task": {"targetWorker": "W"}, "worker": {"sid": "W"}}),
        ("worker.activity_name in ['A', 'B']", {"worker": {"activity_name": "B"}}),
        ("worker.routing.levels.988ENsk > 4", {"worker": {"routing": {"levels": {"988ENsk": 5}}}}),
        ("targetWorker != null AND callToQueue == null", {"targetWorker": "x"}),
        ("a ! = 'b'", {"a": "c"}),
        ("worker.sid NOT IN task.there", {"worker": {"sid": "W"}, "task": {}}),
        ("'Calls' IN skills", {"skills": ["Calls"]}),
        ("name CONTAINS 'ann'", {"name": "Joanna"}),
        ("price >= -1.5", {"price": -1}),
        ("a == 'it\\'s'", {"a": "it's"}),
        ("a NOT IN []", {"a": 1}),
        ("flag == FALSE", {"flag": False}),
        ("1 == 1.0", {}),
    ],
)
def test_what_matches(text: str, scope: dict[str, Any]) -> None:
    assert matches(text, **scope)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("1==0", {}),
        ("(a == 1 OR b == 1) AND c == 1", {"a": 1}),
        ("skills == 'x'", {"skills": ["x"]}),
        ("skills != 'x'", {"skills": ["y"]}),
        ("level HAS 'x'", {"level": 3}),
        ("missing == ''", {}),
        ("missing < 1", {}),
        ("a > 'b'", {"a": 3}),
        ("flag == 1", {"flag": True}),
        ("name == 'ann'", {"name": "Ann"}),
        ("number == '1'", {"number": 1}),
        ("a IN []", {"a": 1}),
    ],
)
def test_what_does_not_match(text: str, scope: dict[str, Any]) -> None:
    assert not matches(text, **scope)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("skill-level > 3", 5, "a name, a value, an operator or a bracket"),
        ("a ==", 4, "a name, a value or a list"),
        ("(a == 1", 7, "AND, OR or ')'"),
        ("a == 1 b == 2", 7, "AND, OR or the end"),
        ("a == 'x", 5, "a name, a value, an operator or a bracket"),
        ("a NOT b", 6, "IN after NOT"),
        ("a b", 2, "an operator (==, !=, <, <=, >, >=, HAS, IN, NOT IN, CONTAINS)"),
        ("[1 2] HAS 1", 3, "',' or ']'"),
        ("", 0, "a name, a value or a list"),
        ("NOT a == 1", 0, "a name, a value or a list"),
        ("f(1) == 1", 1, "an operator (==, !=, <, <=, >, >=, HAS, IN, NOT IN, CONTAINS)"),
        ("a == " + "9" * 33, 5, "a number of at most 32 digits"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_expected(text: str, position: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as mistake:
        expression.compile(text)

    assert (mistake.value.position, mistake.value.expected) == (position, expected)
    assert str(position) in mistake.value.message


@pytest.mark.parametrize(
    ("text", "scope", "outcome"),
    [
        ("a == 'x' OR b == 'y', 'z'", {"b": "y"}, True),
        ("a == 'x' OR b == 'y', 'z'", {"b": "z"}, False),
        ("*(a == 1)", {"a": 1}, False),
        ("a == 1 AND wworker b == 2", {"a": 1}, False),
        ("a == 1 OR b == ", {"a": 1}, True),
    ],
)
def test_the_malformed_tail_of_a_document_in_use_never_matches(text: str, scope: dict[str, Any], outcome: bool) -> None:
    compiled, warning = expression.compile_lenient(text)

    assert compiled.matches(scope) is outcome
    assert "expected" in warning


@pytest.mark.parametrize(
    "text",
    [
        "a == 1" + " OR a == 1" * 10_000,
        "(" * 100_000 + "a == 1",
        "(" * 100 + "a == 1" + ")" * 100,
        "[" * 200 + "]" * 200 + " HAS 1",
        "a == '" + "x" * 40_000,
        "a." * 16_000 + "b == 1 1",
        " " * 32_000 + "!",
    ],
)
def test_bombs_are_refused_in_bounded_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionError):
        expression.compile(text)
    expression.compile_lenient(text[: syntax.MAX_LENGTH])

    assert time.process_time() - started < 1


def test_equal_meanings_are_one_expression() -> None:
    one = expression.compile("a == 1 AND (b == 2 AND c == 3) AND 1 == 1")

    assert expression.compile("  (c = 3) and b==2 AND a == 1.0 AND c == 3").node == one.node
    assert expression.compile("a == true").node != expression.compile("a == 1").node


# ---- against the naive evaluator

NAMES = ["a", "b", "list"]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([0.5, 1.0]), st.sampled_from(["", "x", "xy", "1"])
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from(["n", "0"]), scalars, max_size=2)
)
scopes = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
paths = st.sampled_from([["a"], ["b"], ["list"], ["a", "n"], ["list", "0"], ["missing"]]).map(
    lambda path: ("path", path)
)
literals = scalars.map(lambda value: ("lit", value))
operands = st.one_of(
    paths, literals, st.lists(st.one_of(paths, literals), max_size=3).map(lambda items: ("list", items))
)
OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "HAS", "IN", "NOT IN", "CONTAINS"]
comparisons = st.tuples(st.sampled_from(OPERATORS), operands, operands)
trees = st.recursive(comparisons, lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner), max_leaves=6)


def written(tree: Any) -> str:
    if tree[0] in ("and", "or"):
        return f"({written(tree[1])} {tree[0].upper()} {written(tree[2])})"
    return f"{written_operand(tree[1])} {tree[0]} {written_operand(tree[2])}"


def written_operand(operand: Any) -> str:
    kind, value = operand
    if kind == "list":
        return "[" + ", ".join(map(written_operand, value)) + "]"
    if kind == "path":
        return str(value[0]) + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in value[1:])
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return repr(value)


@settings(max_examples=600, deadline=None)
@given(trees, scopes)
def test_compiled_expressions_mean_what_a_naive_evaluator_says(tree: Any, scope: dict[str, Any]) -> None:
    assert expression.compile(written(tree)).matches(scope) is naive.evaluate(tree, scope)


@settings(max_examples=400, deadline=None)
@given(trees, st.lists(scopes, max_size=6), st.data())
def test_the_index_finds_whom_the_expression_means(tree: Any, crowd: list[dict[str, Any]], data: Any) -> None:
    postings = Postings()
    node = expression.compile(written(tree)).node
    postings.matching(node)  # so that paths are indexed before anybody is there, too
    for slot, scope in enumerate(crowd, start=1):
        postings.put(slot, scope)
    if crowd:  # one changes, one goes
        postings.put(1, data.draw(scopes))
        crowd[0] = dict(postings.scopes[1] or {})
        postings.drop(len(crowd))
        crowd.pop()

    found = set(slots(postings.matching(node)))

    assert found == {slot for slot, scope in enumerate(crowd, start=1) if naive.evaluate(tree, scope)}


@settings(max_examples=300, deadline=None)
@given(trees, scopes, scopes)
def test_binding_a_task_first_changes_nothing(tree: Any, task: dict[str, Any], worker: dict[str, Any]) -> None:
    def prefixed(node: Any, number: int = 0) -> Any:
        if node[0] in ("and", "or"):
            return (node[0], prefixed(node[1]), prefixed(node[2]))
        return (node[0], aimed(node[1], "task"), aimed(node[2], "worker"))

    def aimed(operand: Any, root: str) -> Any:
        if operand[0] == "list":
            return ("list", [aimed(item, root) for item in operand[1]])
        return ("path", [root, *operand[1]]) if operand[0] == "path" else operand

    tree = prefixed(tree)
    bound = expression.bind(expression.compile(written(tree)).node, task)

    assert not expression.mentions_task(bound)
    assert expression.compile_node(bound).matches(worker) is naive.evaluate(tree, {"task": task, "worker": worker})


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1.'\"()[]=!<>, \\ANDORINHAS\x00é", max_size=40))
def test_any_text_is_compiled_or_refused_and_nothing_else(text: str) -> None:
    compiled, warning = expression.compile_lenient(text)
    compiled.matches({"a": 1})
    try:
        same = expression.compile(text)
    except ExpressionError as error:
        mistake = error
    else:
        assert (same.node, warning) == (compiled.node, "")
        return
    assert 0 <= mistake.position <= len(text)
    assert warning == mistake.message
