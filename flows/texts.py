"""Fitting texts to what a channel can carry. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def with_options(text: str, options: Sequence[str], *, most: int) -> tuple[tuple[str, ...], str]:
    """(quick replies, text) for a channel that shows ``most`` buttons: too many options become lines of the text."""
    if len(options) <= most:
        return tuple(options), text
    return (), "\n".join([text, *(f"- {option}" for option in options)]).strip()


def cut(text: str, most: int) -> list[str]:
    """``text`` in parts of at most ``most`` characters, cut between paragraphs, lines, sentences or words."""
    text = text.strip()
    parts: list[str] = []
    while most > 0 and len(text) > most:
        head = text[:most]
        at = -1
        for mark in ("\n\n", "\n", ". ", "؟ ", "? ", "! ", " "):
            # Not too early: a part should not be a scrap.
            found = head.rfind(mark)
            if found >= most // 2:
                at = found + len(mark)
                break
        at = at if at > 0 else most
        parts.append(text[:at].strip())
        text = text[at:].strip()
    return [part for part in [*parts, text] if part]
