"""What code that knows no Django has to say to people: an English sentence that can still be said in their language."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Remark(str):
    """``Remark("%(name)s must be a list.", name="filters")``: the English text, and what it was made of.

    To programs, logs and the database it is the text. A door says it in the reader's language with ``worded``. The
    template is a literal: ``manage.py makemessages`` looks for it. Values may be remarks.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Remark:
        made = super().__new__(cls, template % values if values else template)
        made.template, made.values = template, values
        return made


def worded(text: str, translate: Callable[[str], str]) -> str:
    """A remark through ``translate`` (gettext), and its values before it; any other text as it is."""
    if not isinstance(text, Remark):
        return text
    said = {name: worded(value, translate) if isinstance(value, str) else value for name, value in text.values.items()}
    template = translate(text.template)
    return template % said if said else template


#: What Python says of malformed JSON; anything else it says stays as it is.
_OF_JSON = {
    str(said): said
    for said in (
        Remark("Expecting value"),
        Remark("Expecting property name enclosed in double quotes"),
        Remark("Expecting ':' delimiter"),
        Remark("Expecting ',' delimiter"),
        Remark("Illegal trailing comma before end of array"),
        Remark("Illegal trailing comma before end of object"),
        Remark("Unterminated string starting at"),
        Remark("Invalid control character at"),
        Remark("Invalid \\escape"),
        Remark("Invalid \\uXXXX escape"),
        Remark("Extra data"),
    )
}


def of_json(error: Exception) -> str:
    """Why a text or a value is not JSON, as ``json.loads`` or ``dumps`` found: what was wrong and where."""
    if isinstance(error, json.JSONDecodeError):
        return Remark(
            "line %(line)s, column %(column)s: %(problem)s",
            line=error.lineno,
            column=error.colno,
            problem=_OF_JSON.get(error.msg, error.msg),
        )
    if isinstance(error, RecursionError):
        return Remark("too deeply nested")
    (said, *_rest) = error.args or ("",)
    return said if isinstance(said, Remark) else str(error)
