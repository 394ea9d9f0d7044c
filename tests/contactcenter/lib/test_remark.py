from __future__ import annotations

import copy
import json
import re
import subprocess
import sys

import pytest

from contactcenter.lib import remark
from contactcenter.lib.remark import Remark


def shouted(text: str) -> str:
    """A language anybody can check: the template in capitals, its placeholders as they are."""
    return "".join(part if part.startswith("%(") else part.upper() for part in re.split(r"(%\(\w+\)s)", text))


def test_a_remark_is_its_english_text() -> None:
    said = Remark("%(name)s must be one of %(number)s.", name="a", number=2)

    assert said == "a must be one of 2."
    assert json.dumps([said]) == '["a must be one of 2."]'
    assert {"a must be one of 2.", said} == {said}


def test_a_remark_is_worded_with_the_remarks_inside_it_and_names_left_alone() -> None:
    inner = Remark("a list of %(names)s", names="x, y")
    outer = Remark("expected %(what)s at %(path)s", what=inner, path="a.b")

    assert remark.worded(outer, shouted) == "EXPECTED A LIST OF x, y AT a.b"
    assert outer == "expected a list of x, y at a.b"


def test_a_percent_sign_in_a_value_is_text() -> None:
    assert remark.worded(Remark("found %(found)s", found="%(x)s 100%"), shouted) == "FOUND %(x)s 100%"
    assert remark.worded(Remark("at most 100%"), shouted) == "AT MOST 100%"


def test_other_text_stays_as_it_is() -> None:
    assert remark.worded("as it is", shouted) == "as it is"


def test_a_copy_can_still_be_worded() -> None:
    said = Remark("found %(found)s", found="x")

    assert remark.worded(copy.deepcopy([said])[0], shouted) == "FOUND x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "LINE 1, COLUMN 1: EXPECTING VALUE"),
        ("{", "LINE 1, COLUMN 2: EXPECTING PROPERTY NAME ENCLOSED IN DOUBLE QUOTES"),
        ('{"a"', "LINE 1, COLUMN 5: EXPECTING ':' DELIMITER"),
        ('{"a":1\n"b"', "LINE 2, COLUMN 1: EXPECTING ',' DELIMITER"),
        ('"abc', "LINE 1, COLUMN 1: UNTERMINATED STRING STARTING AT"),
        ('"a\nb"', "LINE 1, COLUMN 3: INVALID CONTROL CHARACTER AT"),
        ('"\\q"', "LINE 1, COLUMN 2: INVALID \\ESCAPE"),
        ('"\\u12"', "LINE 1, COLUMN 3: INVALID \\UXXXX ESCAPE"),
        ("1 2", "LINE 1, COLUMN 3: EXTRA DATA"),
        ("[" * 100_000, "TOO DEEPLY NESTED"),
    ],
)
def test_what_python_says_of_malformed_json_is_known(text: str, said: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        json.loads(text)

    assert remark.worded(remark.of_json(caught.value), shouted) == said


def test_what_the_reader_of_numbers_says_is_kept() -> None:
    error = ValueError(Remark("%(name)s is no number", name="NaN"))

    assert remark.worded(remark.of_json(error), shouted) == "NaN IS NO NUMBER"
    assert remark.of_json(ValueError("something else")) == "something else"
    assert remark.of_json(ValueError()) == ""


def test_saying_something_needs_no_django() -> None:
    code = "import sys, contactcenter.lib.remark; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
