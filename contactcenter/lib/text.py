"""Scrubbing of text from outside, before it reaches a row or another client.

PostgreSQL refuses U+0000 and lone surrogates in text and jsonb; JSON decoders let both through.
"""

from __future__ import annotations

from typing import Any

#: Bidirectional embedding, override and isolate controls: they make a name or file name read as another.
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def scrub(text: str) -> str:
    """``text`` without NUL, lone surrogates replaced by U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Pairs of surrogates (from a lenient decoder) become the character they stand for; lone ones U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def scrub_name(text: str, limit: int = 256) -> str:
    """A one-line name or file name: scrubbed, no bidi controls, no line breaks, at most ``limit`` characters."""
    return " ".join(scrub(text).translate(_BIDI).split())[:limit]


def scrub_json(value: Any, *, depth: int = 64) -> Any:
    """A JSON value with every string scrubbed; what nests deeper than ``depth`` becomes None."""
    if isinstance(value, str):
        return scrub(value)
    if depth <= 0:
        return None if isinstance(value, (dict, list)) else value
    if isinstance(value, dict):
        return {scrub(str(k)): scrub_json(v, depth=depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub_json(v, depth=depth - 1) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
