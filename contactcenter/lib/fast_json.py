"""JSON by orjson, a tenth of the time the standard library takes."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """JSON-like data as UTF-8 text. Whole numbers may have any size, as in the database."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a number beyond 64 bits
        return json.dumps(value).encode()
