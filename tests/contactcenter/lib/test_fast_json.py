from __future__ import annotations

import json
from typing import Any

import pytest

from contactcenter.lib.fast_json import Written, dumps


@pytest.mark.parametrize("other", ["text", 10**30, "half a pair \ud83d"])
def test_what_is_written_already_becomes_part_of_it(other: Any) -> None:
    text = '{"name": "\u0633\u0645", "list": [1, null]}'.encode()

    whole = json.loads(dumps({"other": other, "parts": [Written(text), {"inner": Written(b"2.5")}]}))

    assert whole == {"other": other, "parts": [json.loads(text), {"inner": 2.5}]}


def test_it_is_not_read_for_that() -> None:
    assert dumps([Written(b'{"spaces":  1}')]) == b'[{"spaces":  1}]'


@pytest.mark.parametrize("other", ["text", 10**30])
def test_what_is_no_json_is_refused(other: Any) -> None:
    with pytest.raises(TypeError):
        dumps({"other": other, "part": object()})
