from __future__ import annotations

import datetime as dt
import time

import pytest

from flows import liquid

AT = dt.datetime(2026, 3, 2, 9, 5, tzinfo=dt.UTC)
CONTEXT = {
    "trigger": {"message": {"Body": 'He said "hi"', "NumMedia": "0"}},
    "flow": {"variables": {"count": "2", "empty": ""}, "data": {"list": [{"Id": "7"}], "yes": True}},
    "widgets": {"get-convo-name": {"parsed": {"name": "Nour"}}},
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("{{trigger.message.Body}}", 'He said "hi"'),
        ("{{flow.variables. count}}", "2"),
        ("{{ flow .variables . count }}", "2"),
        ("{{widgets.get-convo-name.parsed.name}}", "Nour"),
        ("{{ flow.variables.count | plus: 1 }}", "3"),
        ("{{ trigger.message.Body | to_json }}", '"He said \\"hi\\""'),
        ("{{ flow.data | to_json }}", '{"list":[{"Id":"7"}],"yes":true}'),
        ("{{ flow.data.list[0].Id }}", "7"),
        ("{{ flow.data.list[9].Id }}", ""),
        ("{{ flow.data.yes }}", "true"),
        ("{{ missing }}{{ missing.at.all }}", ""),
        ("{{ missing | to_json }}", "null"),
        ("{{ missing | default: 'x' | upcase }}", "X"),
        ("{% if flow.variables.count == '2' %}two{% elsif true %}no{% endif %}", "two"),
        ("{% case flow.variables.count %}{% when '2' %}two{% endcase %}", "two"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}", "123"),
        ("{% assign x = 'a b' | split: ' ' %}{{ x[1] }}", "b"),
        ("{{ 'now' | date: '%Y-%m-%d %H:%M' }}", "2026-03-02 09:05"),
        ("{{ '<b>x</b> 1 < 2' | strip_html }}", "x 1 < 2"),
        ("{{}}|{{ }}", "|"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ flow.data.yes.__class__ }}{{ trigger.__class__.__mro__ }}", ""),
    ],
)
def test_templates_render(source: str, text: str) -> None:
    assert liquid.render(source, CONTEXT, at=AT) == liquid.Rendered(text)
    assert liquid.check(source) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ a + b }}",
        "{{ a",
        "{% if a %}",
        "{% nonsense %}",
        "{% render 'x' %}",
        "{% include 'x' %}",
        "{{ a. }}",
        "{% raw %}",
        "{{ (1..9) | join }}",
    ],
)
def test_broken_templates_are_blank_and_say_so(source: str) -> None:
    rendered = liquid.render(source, CONTEXT, at=AT)

    assert rendered.text == ""
    assert rendered.error != ""
    assert liquid.check(source) == rendered.error


def test_a_filter_that_fails_blanks_the_value() -> None:
    assert liquid.render("{{ 1 | divided_by: 0 }}", {}) == liquid.Rendered("", "divided_by: can't divide by 0")
    assert liquid.render("{{ 1 | no_such_filter }}", {}).text == ""


def test_a_rendered_value_is_capped_at_16_kb_between_characters() -> None:
    assert liquid.render("{{ x }}", {"x": "a" * 20_000}).text == "a" * 16_384
    assert liquid.render("{{ x }}", {"x": "م" * 10_000}).text == "م" * 8_192
    assert liquid.render("م" * 10_000, {}).text == "م" * 8_192


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{{" * 16_000, id="never closed"),
        pytest.param("{{" + " " * 30_000, id="white space"),
        pytest.param("{% raw %}" * 3_000, id="raw"),
        pytest.param(("{{ " + "(" * 1_990 + " }}") * 16, id="parentheses"),
        pytest.param("{{ " + "(" * 31_000 + " }}", id="long expression"),
        pytest.param("{% assign n = 9999999 %}" + "{% assign n = n | times: n %}" * 4, id="large number on the way"),
        pytest.param("{{ x" + " | append: x" * 9 + " | size }}", id="long text on the way"),
        pytest.param("{% for i in (1..100000000) reversed %}{% endfor %}", id="long loop"),
        pytest.param("{% for a in (1..1000) %}" * 6 + "x" + "{% endfor %}" * 6, id="nested loops"),
        pytest.param("{% for a in (1..4000) %}" + "{{1}}" * 6_000 + "{% endfor %}", id="heavy loop"),
        pytest.param("{% for a in (1..4000) %}{% assign x = a | plus: 1 %}{% endfor %}" * 400, id="many loops"),
        pytest.param("{% assign s = 'aaaaaaaa' %}" + "{% assign s = s | append: s %}" * 900, id="doubling"),
        pytest.param("{% assign s = x | replace: 'a', x %}{{ s }}", id="product"),
        pytest.param("{% assign s = x | replace: '', x %}{{ s }}", id="product of nothing"),
        pytest.param("{% assign n = 9999999 %}" + "{% assign n = n | times: n %}" * 800, id="squaring"),
        pytest.param("{% if a %}" * 2_000, id="deep blocks"),
        pytest.param("{{ " + "a[" * 900 + " }}", id="deep paths"),
        pytest.param("{% assign l = x | split: '' %}" + "{{ l | uniq | sort }}" * 900, id="lists"),
        pytest.param("{{ x" + "|append: x" * 150 + " }}", id="growing text"),
        pytest.param("{{ '99999999999999999999999' | date: '%Y' }}", id="far date"),
        pytest.param("x" * 40_000 + "{{ a }}", id="long source"),
    ],
)
def test_hostile_templates_end_soon_and_small(source: str) -> None:
    begun = time.process_time()

    rendered = liquid.render(source, {"x": "a" * 16_000, "a": 1})

    assert time.process_time() - begun < 2
    assert rendered.text == ""
    assert rendered.error != ""
